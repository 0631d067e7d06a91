"""The seal of a run: what was there at the end, signed, so that any later change shows.

A DSSE envelope holds an in-toto Statement v1. Its subjects are all files of the run folder with
their SHA-256; its predicate (a type of our own, because in-toto's test result knows no
INCONCLUSIVE) binds the journal: the hash of its header, its last hash, and the Merkle root of RFC
6962 over its records, with which a single record can be shown to belong to it without showing the
others.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from securesystemslib.dsse import Envelope

# Its documented names, re-exported without saying so to a type checker.
from securesystemslib.signer import CryptoSigner, SSlibKey  # type: ignore[attr-defined]

from kalys import __version__
from kalys.errors import EvidenceError
from kalys.evidence import standalone
from kalys.evidence.canonical import canonical
from kalys.evidence.disk import write_whole
from kalys.evidence.signing import LaboratoryKey

Status = Literal["complete", "interrupted"]
MANIFEST = "evidence/manifest.sha256"
VERIFIER = "evidence/verify.py"


def seal(
    folder: Path, key: LaboratoryKey, status: Status, about: Mapping[str, Any] | None = None
) -> Path:
    """Seal a run folder; returns the path of the envelope.

    Also writes ``manifest.sha256`` (for ``sha256sum -c`` in the run folder) and the stand-alone
    ``verify.py``. ``about`` goes into the predicate under "run". EvidenceError when the journal's
    chain is broken, the folder holds what is not a file, or the disk refuses.
    """
    summary = _journal(folder)
    write_whole(folder / VERIFIER, Path(standalone.__file__).read_bytes())
    names = [n for n in _names(folder) if n not in (MANIFEST, standalone.SEAL)]
    digests = {name: _digest(folder, name) for name in names}
    manifest = "".join(f"{digest}  {name}\n" for name, digest in digests.items())
    write_whole(folder / MANIFEST, manifest.encode())
    digests[MANIFEST] = _digest(folder, MANIFEST)
    statement = {
        "_type": standalone.STATEMENT_TYPE,
        "subject": [
            {"name": name, "digest": {"sha256": digests[name]}} for name in sorted(digests)
        ],
        "predicateType": standalone.PREDICATE_TYPE,
        "predicate": {
            "status": status,
            "journal": {
                "headerSha256": summary.header_sha256,
                "records": summary.records,
                "head": summary.head,
                "merkleRoot": summary.merkle_root,
            },
            "signer": {
                "algorithm": "ed25519",
                "publicKey": key.public_hex,
                "ephemeral": key.path is None,
            },
            "kalys": __version__,
            "run": dict(about or {}),
        },
    }
    path = folder / standalone.SEAL
    write_whole(path, sign(statement, key))
    return path


def sign(statement: Mapping[str, Any], key: LaboratoryKey) -> bytes:
    """A statement in its signed DSSE envelope, as JSON."""
    envelope = Envelope(canonical(statement).encode(), standalone.PAYLOAD_TYPE, {})
    envelope.sign(CryptoSigner(key.private, SSlibKey.from_crypto(key.private.public_key())))
    return (json.dumps(envelope.to_dict(), indent=1, sort_keys=True) + "\n").encode()


def _journal(folder: Path) -> standalone.JournalSummary:
    try:
        summary = standalone.follow_journal(folder / standalone.JOURNAL)
    except standalone.Disagreement as error:
        raise EvidenceError(
            f"{error}; such a journal is not sealed", where=str(folder / standalone.JOURNAL)
        ) from error
    if summary.partial:
        raise EvidenceError(
            "the journal ends in the middle of a record",
            where=str(folder / standalone.JOURNAL),
            remedy="Continue the run with --resume; that keeps the torn piece aside.",
        )
    return summary


def _names(folder: Path) -> list[str]:
    return standalone.names_of_files(folder)


def _digest(folder: Path, name: str) -> str:
    try:
        return standalone.file_sha256(folder / name)
    except standalone.Disagreement as error:
        raise EvidenceError(
            f"{error}; it cannot be sealed", where=str(folder / name), remedy="Take it away."
        ) from error
