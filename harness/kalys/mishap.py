"""An error that nobody foresaw: its traceback goes to a file, the user gets one message.

A traceback on the terminal helps nobody who uses Kalys, and is all that helps whoever mends it.
"""

from __future__ import annotations

import os
import tempfile
import traceback
from pathlib import Path

from kalys.errors import KalysError


def mishap(bug: BaseException, folder: Path | None = None) -> KalysError:
    """The message for ``bug``; its traceback is in a file of ``folder``, or a temporary one."""
    told = " ".join(f"{type(bug).__name__}: {bug}".split())
    told = told if len(told) <= 300 else told[:297] + "..."
    place = _keep("".join(traceback.format_exception(bug)), folder)
    return KalysError(
        f"an error of kalys itself: {told}",
        where=str(place) if place else None,
        remedy="That file holds the details; please report it with them." if place else None,
    )


def _keep(text: str, folder: Path | None) -> Path | None:
    for place in (folder, None):
        try:
            fd, name = tempfile.mkstemp(
                prefix="traceback-", suffix=".txt", dir=str(place) if place else None
            )
            with os.fdopen(fd, "w", encoding="utf-8", errors="replace") as file:
                file.write(text)
        except OSError:
            continue
        return Path(name)
    return None
