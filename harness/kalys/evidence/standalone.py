"""Check the evidence of a Kalys run with nothing but Python (3.8 or newer, standard library)."""

from __future__ import annotations

import hashlib
import re

GENESIS = hashlib.sha256(b"kalys-journal-1").digest()
RECORD = re.compile(
    rb'\{"n":(\d{1,18}),"t":(-?\d{1,20}),"k":("[^"\\]*"),"d":(\{.*\}),"h":"([0-9a-f]{64})"\}\n?'
)


def record_parts(line: bytes) -> tuple[int, bytes, bytes] | None:
    """A journal line as (number, the bytes that its hash covers, its hash), or None."""
    found = RECORD.fullmatch(line)
    if not found:
        return None
    number, time, kind, data, digest = found.groups()
    covered = b"".join((b"[", number, b",", time, b",", kind, b",", data, b"]"))
    return int(number), covered, bytes.fromhex(digest.decode())
