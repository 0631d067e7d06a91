"""The command ``kalys``: parse, call, print.

Commands import what they need when they run, so that ``kalys --help`` answers at once. Errors of
Kalys become one message on stderr and the exit code of their class; no traceback reaches a user.
"""

from __future__ import annotations

import errno
import os
import sys
import threading

import typer

from kalys.cli import (
    catalogue,
    certify,
    day,
    deck,
    election,
    emulate,
    evidence,
    read,
    records,
    sensitivity,
)
from kalys.errors import KalysError

app = typer.Typer(
    name="kalys",
    help=(
        "Certify vote-counting equipment: drive a real or an emulated ballot-counting urn through "
        "procedures and scripted election days, judge it, and write a report that anyone can check."
    ),
    epilog="Begin with: kalys certify --plan quick",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
certify.register(app)
emulate.register(app)
evidence.register(app)
deck.register(app)
day.register(app)
read.register(app)
records.register(app)
election.register(app)
sensitivity.register(app)
catalogue.register(app)


@app.callback(invoke_without_command=True)
def _version(
    version: bool = typer.Option(False, "--version", help="Print the version and end."),
) -> None:
    if version:
        from kalys import __version__

        typer.echo(f"kalys {__version__}")
        raise typer.Exit


def main() -> None:
    """Run the command line; the process ends with the contract's exit codes."""
    threading.excepthook = _beside_the_main_thread
    sys.unraisablehook = _beside_the_main_thread
    try:
        app()
    except KalysError as error:
        _tell(error)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        typer.echo("kalys: interrupted", err=True)
        sys.exit(130)
    except BrokenPipeError:
        # The reader of our output went away (``kalys requirements | head``): not an error.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OSError as error:
        _tell(_of_the_system(error))
        sys.exit(2)
    except Exception as bug:
        sys.exit(_mishap(bug).exit_code)


def _mishap(bug: BaseException) -> KalysError:
    from kalys.mishap import mishap

    told = mishap(bug)
    _tell(told)
    return told


def _beside_the_main_thread(
    failed: threading.ExceptHookArgs | sys.UnraisableHookArgs
) -> None:
    """An error in another thread, or where nobody could catch it, ends nothing; it is told."""
    bug = failed.exc_value
    if bug is not None and not isinstance(bug, SystemExit | KeyboardInterrupt):
        _mishap(bug)


def _of_the_system(error: OSError) -> KalysError:
    remedy = {
        errno.ENOSPC: "The disk is full: make room, or name another place.",
        errno.EFBIG: "The disk is full: make room, or name another place.",
        errno.EACCES: "Name a place that you may use.",
        errno.ENOENT: "Is the name right?",
    }.get(error.errno or 0)
    where = str(error.filename) if error.filename is not None else None
    return KalysError(error.strerror or str(error), where=where, remedy=remedy)


def _tell(error: KalysError) -> None:
    """One message. What came from a wire or a file may hold anything; a terminal gets text."""
    shown = "".join(c if c.isprintable() or c == "\n" else f"\\x{ord(c):02x}" for c in str(error))
    typer.echo(f"kalys: {shown}", err=True)
