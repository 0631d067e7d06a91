"""``kalys emulate``: an emulated device on a real wire."""

from __future__ import annotations

from typing import Annotated

import typer

EXAMPLES = """\
Examples:

  kalys emulate kalys-emulated-urn --listen tcp://127.0.0.1:0
  kalys emulate kalys-emulated-urn --listen pty --defect overvote-counted
  kalys emulate keysight-e36312a --listen tcp://127.0.0.1:5025

The first line on stdout is what to open (a pyserial URL or a VISA resource), the second the control
link of the world (docs/protocols/world-link.md): paper, hands and power go through it.
"""


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("emulate", epilog=EXAMPLES.replace("\n", "\n\n"))(emulate)


def emulate(  # noqa: PLR0917
    profile: Annotated[
        str | None, typer.Argument(help="Profile file, or the name of a shipped profile.")
    ] = None,
    listen: Annotated[
        str, typer.Option(help="tcp://HOST:PORT (port 0: any free one), pty, rfc2217://HOST:PORT.")
    ] = "tcp://127.0.0.1:0",
    bench: Annotated[
        str | None, typer.Option(help="Serve every emulated device of this bench instead.")
    ] = None,
    defect: Annotated[
        list[str] | None, typer.Option(help="Build this defect into the urn.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 1,
    pace: Annotated[
        float, typer.Option(help="With --bench: run the world so many times as fast.")
    ] = 1.0,
    json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object with every address.")
    ] = False,
) -> None:
    """Serve an emulator until SIGINT or SIGTERM."""
    from kalys.bench.emulation import serve_bench, serve_profile
    from kalys.errors import ConfigurationError

    defects = tuple(defect or ())
    if bench is not None and profile is None:
        serve_bench(bench, listen, defects=defects, seed=seed, json=json, pace=pace)
    elif profile is not None and bench is None:
        serve_profile(profile, listen, defects=defects, seed=seed, json=json)
    else:
        raise ConfigurationError(
            "name one profile, or --bench",
            where="kalys emulate",
            remedy="kalys profiles list shows the shipped profiles",
        )
