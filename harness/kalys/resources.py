"""Where the data folders are: the one module that knows an editable checkout from a wheel.

An installed wheel carries ``fixtures``, ``device_profiles``, ``test_suites`` and ``reports`` under
``kalys/_data``; a checkout holds them beside ``harness``.
"""

from __future__ import annotations

from pathlib import Path

from kalys.errors import ConfigurationError, choice

_PACKAGE = Path(__file__).resolve().parent


def data_root() -> Path:
    """The folder that holds ``fixtures``, ``device_profiles``, ``test_suites`` and ``reports``."""
    carried = _PACKAGE / "_data"
    return carried if carried.is_dir() else _PACKAGE.parent.parent


def resource(*parts: str) -> Path:
    """The path of a shipped file or folder, e.g. ``resource("fixtures", "elections")``."""
    return data_root().joinpath(*parts)


def find(name: str | Path, folder: str, suffix: str = ".yaml") -> Path:
    """A user's file if ``name`` is one, else the shipped one of that name in ``folder``.

    Raises ConfigurationError with the names there are.
    """
    path = Path(name)
    if path.is_file():
        return path
    shipped = resource(*folder.split("/"))
    candidate = shipped / f"{name}{suffix}"
    if path.parent == Path() and candidate.is_file():
        return candidate
    known = [p.stem for p in shipped.glob(f"*{suffix}")]
    raise ConfigurationError(
        f"there is no file {name} and no shipped one of that name",
        where=folder,
        remedy=f"{choice(name, known)}. A file may be named as well.",
    )
