"""Do the files of a run agree with each other and with their seal?

The code is that of the stand-alone ``verify.py`` which lies in every sealed run folder: one idea,
one place. Verdicts are derived again elsewhere (``kalys.reporting.verification``), because that
needs the requirements.
"""

from __future__ import annotations

from pathlib import Path

from kalys.evidence import standalone
from kalys.evidence.standalone import Finding

__all__ = ["Finding", "verify_files"]


def verify_files(folder: Path, key: str | None = None) -> list[Finding]:
    """Findings about journal, seal, signature and files; everything agrees when all are ``ok``.

    ``key``: public key in hexadecimal that must have signed. Raises nothing: whatever is wrong with
    the folder is a finding. A run that was killed is "not sealed", and its chain is checked as far
    as it goes.
    """
    return standalone.check(folder, key)
