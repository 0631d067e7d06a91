"""The few kinds of error that Kalys raises, each with a place and a remedy.

A user sees ``str(error)``: what was expected and what came, where, and what to do. Nobody sees a
traceback: the command line prints these and ends with the exit code of the class.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class KalysError(Exception):
    """Base of every error that Kalys raises on purpose.

    ``where`` names the place (a file with line and field, a link, a command); ``remedy`` says what
    the reader can do about it. ``exit_code`` is what the command line ends with.
    """

    exit_code = 3

    def __init__(self, what: str, *, where: str | None = None, remedy: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.remedy = remedy

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        return f"{text}\n  {self.remedy}" if self.remedy else text


class ConfigurationError(KalysError):
    """A file, an option or a combination of them cannot be used; nothing was run."""

    exit_code = 2


class LinkError(KalysError):
    """A link cannot be opened, was lost, or stays silent."""


class ProtocolError(KalysError):
    """What came over a link is not what its protocol allows."""


class Refused(KalysError):  # noqa: N818
    """A device understood a request and refused it; ``code`` is the protocol's result."""

    def __init__(self, what: str, *, code: str, where: str | None = None) -> None:
        super().__init__(what, where=where)
        self.code = code


class EvidenceError(KalysError):
    """Evidence cannot be written, or what is there does not agree with itself."""


class Interrupted(KalysError):  # noqa: N818
    """The person at the terminal stopped the run."""

    exit_code = 130


def choice(given: object, known: Iterable[str]) -> str:
    """The remedy for a name that is none of ``known``: the nearest one first, then all."""
    names = sorted(known)
    near = difflib.get_close_matches(str(given), names, n=1)
    there = f"There are: {', '.join(names)}"
    return f"Did you mean {near[0]}? {there}" if near else there
