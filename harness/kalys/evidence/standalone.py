#!/usr/bin/env python3
"""Check the evidence of a Kalys run with nothing but Python (3.8 or newer, standard library).

    python3 verify.py [RUN_FOLDER] [--key HEX]

This file is part of Kalys and is copied into the ``evidence`` folder of every sealed run, so that
an auditor needs to trust no other program than the one on these pages. It checks, in this order:

1. the journal: every record carries the SHA-256 of everything before it (a changed, removed,
   inserted or re-ordered record breaks the chain);
2. the seal: a DSSE envelope around an in-toto statement, signed with Ed25519 (RFC 8032);
3. every file of the run folder against its SHA-256 in that statement;
4. the journal's header, last hash and RFC 6962 Merkle root against the statement.

It does not check whose key it was (compare the fingerprint with the one that the laboratory
publishes, or give it with --key) and it does not derive verdicts again (``kalys verify`` does).
Ends with 0 when everything agrees, else with 1.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
import re
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

GENESIS = hashlib.sha256(b"kalys-journal-1").digest()
PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "urn:x-kalys:run-seal:1"
JOURNAL = "evidence/journal.jsonl"
SEAL = "evidence/seal.json"
LONGEST_LINE = 1 << 26
RECORD = re.compile(
    rb'\{"n":(\d{1,18}),"t":(-?\d{1,20}),"k":("[^"\\]*"),"d":(\{.*\}),"h":"([0-9a-f]{64})"\}\n?'
)


class Finding(NamedTuple):
    """One thing that was checked: whether it agrees, what was found, and where."""

    ok: bool
    what: str
    where: str


class Disagreement(Exception):  # noqa: N818 - not every disagreement is an error
    """Something cannot be checked or does not agree; the message says what."""


# The journal -------------------------------------------------------------------------------------


def record_parts(line: bytes) -> tuple[int, bytes, bytes] | None:
    """A journal line as (number, the bytes that its hash covers, its hash), or None."""
    found = RECORD.fullmatch(line)
    if not found:
        return None
    number, time, kind, data, digest = found.groups()
    covered = b"".join((b"[", number, b",", time, b",", kind, b",", data, b"]"))
    return int(number), covered, bytes.fromhex(digest.decode())


class JournalSummary(NamedTuple):
    """A journal whose chain holds; ``partial`` is the length of a last line that was cut off."""

    header_sha256: str
    records: int
    head: str
    merkle_root: str
    partial: int


class MerkleTree:
    """The root of RFC 6962, 2.1, over leaves that come one by one."""

    def __init__(self) -> None:
        self._peaks: list[tuple[int, bytes]] = []

    def add(self, leaf: bytes) -> None:
        size, node = 1, hashlib.sha256(b"\x00" + leaf).digest()
        while self._peaks and self._peaks[-1][0] == size:
            _, left = self._peaks.pop()
            size, node = 2 * size, hashlib.sha256(b"\x01" + left + node).digest()
        self._peaks.append((size, node))

    def root(self) -> bytes:
        if not self._peaks:
            return hashlib.sha256(b"").digest()
        node = self._peaks[-1][1]
        for _, left in reversed(self._peaks[:-1]):
            node = hashlib.sha256(b"\x01" + left + node).digest()
        return node


def follow_journal(path: Path) -> JournalSummary:
    """Follow the chain to its end; Disagreement names the first record that breaks it."""
    head, number, partial, header = GENESIS, -1, 0, ""
    tree = MerkleTree()
    with _open(path) as file:
        for line in _lines(file):
            number += 1
            if not line.endswith(b"\n"):
                partial, number = len(line), number - 1
                break
            if number == 0:
                header = hashlib.sha256(line[:-1]).hexdigest()
                continue
            parts = record_parts(line)
            if parts is None:
                raise Disagreement(f"record {number} is not a record of a journal")
            if parts[0] != number:
                raise Disagreement(f"record {number} says that it is number {parts[0]}")
            head = hashlib.sha256(head + parts[1]).digest()
            if head != parts[2]:
                raise Disagreement(f"the chain is broken at record {number}")
            tree.add(line[:-1])
    if number < 0:
        raise Disagreement("the journal has no header")
    return JournalSummary(header, number, head.hex(), tree.root().hex(), partial)


def _lines(file: BinaryIO) -> Iterator[bytes]:
    while True:
        line = file.readline(LONGEST_LINE)
        if not line:
            return
        if len(line) == LONGEST_LINE:
            raise Disagreement(f"a line is longer than {LONGEST_LINE} bytes")
        yield line


def _check_journal(folder: Path, findings: list[Finding]) -> JournalSummary | None:
    try:
        summary = follow_journal(folder / JOURNAL)
    except Disagreement as error:
        findings.append(Finding(False, str(error), JOURNAL))
        return None
    findings.append(Finding(True, f"the chain holds over all {summary.records} records", JOURNAL))
    if summary.partial:
        text = (
            f"the last line was cut off in the middle of writing ({summary.partial} bytes after "
            f"record {summary.records})"
        )
        findings.append(Finding(False, text, JOURNAL))
    return summary


# The seal ----------------------------------------------------------------------------------------


def read_seal(path: Path, expected_key: str | None) -> tuple[Any, str]:
    """The signed statement of a seal, and the key that signed it."""
    try:
        with _open(path) as file:
            envelope = json.loads(file.read(LONGEST_LINE).decode("utf-8"))
        payload = base64.b64decode(envelope["payload"], validate=True)
        statement = json.loads(payload.decode("utf-8"))
        signatures = [base64.b64decode(s["sig"], validate=True) for s in envelope["signatures"]]
        payload_type = str(envelope["payloadType"])
        key = str(statement["predicate"]["signer"]["publicKey"]).lower()
        public = bytes.fromhex(key)
    except (ValueError, KeyError, TypeError, RecursionError, binascii.Error) as error:
        raise Disagreement(f"the seal cannot be read: {_short(error)}") from error
    if payload_type != PAYLOAD_TYPE or statement.get("_type") != STATEMENT_TYPE:
        raise Disagreement("the seal is not an in-toto statement")
    if statement.get("predicateType") != PREDICATE_TYPE:
        raise Disagreement("the seal is not that of a Kalys run")
    if expected_key is not None and expected_key.lower() != key:
        raise Disagreement(f"the seal was signed with another key: {_short(key)}")
    kind = payload_type.encode()
    signed = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
    if not any(ed25519_verifies(public, signed, signature) for signature in signatures):
        raise Disagreement("the signature does not belong to this seal")
    return statement, key


def _check_seal(
    folder: Path, journal: JournalSummary | None, key: str | None, findings: list[Finding]
) -> None:
    if not os.path.lexists(folder / SEAL):
        text = "not sealed: the run was killed before its end, or the seal was removed"
        findings.append(Finding(False, text, SEAL))
        return
    try:
        statement, signer = read_seal(folder / SEAL, key)
    except Disagreement as error:
        findings.append(Finding(False, str(error), SEAL))
        return
    told = "as expected" if key else "compare it with the key that the laboratory publishes"
    findings.append(Finding(True, f"signed with the Ed25519 key {signer} ({told})", SEAL))
    predicate = statement["predicate"]
    status = predicate.get("status")
    findings.append(
        Finding(
            status in ("complete", "interrupted"),
            "the run is complete"
            if status == "complete"
            else f"the run was {_short(status)}; what was recorded until then is sealed",
            SEAL,
        )
    )
    _check_files(folder, statement.get("subject"), findings)
    if journal is not None:
        _check_summary(journal, predicate.get("journal"), findings)


def _check_summary(journal: JournalSummary, told: Any, findings: list[Finding]) -> None:
    sealed = told if isinstance(told, dict) else {}
    for name, found in (
        ("headerSha256", journal.header_sha256),
        ("records", journal.records),
        ("head", journal.head),
        ("merkleRoot", journal.merkle_root),
    ):
        if sealed.get(name) != found:
            text = f"{name} is {found}, the seal says {_short(sealed.get(name))}"
            findings.append(Finding(False, text, JOURNAL))
            return
    text = "header, last hash and Merkle root are those of the seal"
    findings.append(Finding(True, text, JOURNAL))


# The files ---------------------------------------------------------------------------------------


def _check_files(folder: Path, subjects: Any, findings: list[Finding]) -> None:
    sealed = {}
    try:
        for subject in subjects:
            sealed[str(subject["name"])] = str(subject["digest"]["sha256"])
    except (TypeError, KeyError):
        findings.append(Finding(False, "the list of files in the seal cannot be read", SEAL))
        return
    good = 0
    for name in sorted(sealed):
        try:
            if file_sha256(_inside(folder, name)) != sealed[name]:
                raise Disagreement("the file was changed after the seal")
            good += 1
        except Disagreement as error:
            findings.append(Finding(False, str(error), _short(name)))
    text = f"{good} of {len(sealed)} files are as they were sealed"
    findings.append(Finding(good == len(sealed), text, str(folder)))
    for name in sorted(set(names_of_files(folder)) - set(sealed) - {SEAL}):
        inside = name.startswith("evidence/") and not name.startswith("evidence/superseded/")
        text = "not covered by the seal" + ("" if inside else " (nothing is said about it)")
        findings.append(Finding(not inside, text, _short(name)))


def names_of_files(folder: Path) -> list[str]:
    """Everything in a run folder that is not a folder, as names with slashes, sorted."""
    names = []
    for place, _, files in os.walk(folder):
        for name in files:
            names.append((Path(place) / name).relative_to(folder).as_posix())
    return sorted(names)


def file_sha256(path: Path) -> str:
    """SHA-256 of a regular file; Disagreement when there is none or it cannot be read."""
    digest = hashlib.sha256()
    with _open(path) as file:
        try:
            for block in iter(lambda: file.read(1 << 20), b""):
                digest.update(block)
        except OSError as error:
            raise Disagreement(f"cannot be read: {error.strerror}") from error
    return digest.hexdigest()


def _inside(folder: Path, name: str) -> Path:
    parts = name.split("/")
    if not name or "\0" in name or "\\" in name or any(p in ("", ".", "..") for p in parts):
        raise Disagreement("the seal names a place outside the run folder")
    return folder.joinpath(*parts)


def _open(path: Path) -> BinaryIO:
    """A regular file, never a link, a pipe or a device that a hostile folder might hold."""
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            raise Disagreement("is not a regular file")
        return path.open("rb")
    except FileNotFoundError as error:
        raise Disagreement("the file is missing") from error
    except (OSError, ValueError) as error:
        told = getattr(error, "strerror", None) or str(error)
        raise Disagreement(f"cannot be read: {told}") from error


# Ed25519, verification only (RFC 8032, 5.1; no secret is handled, so time may depend on data)

P = 2**255 - 19
Q = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
SQRT_M1 = pow(2, (P - 1) // 4, P)


class Point(NamedTuple):
    """A point of the curve in extended coordinates: x = X/Z, y = Y/Z, x y = T/Z."""

    x: int
    y: int
    z: int
    t: int


def _add(a: Point, b: Point) -> Point:
    s = (a.y - a.x) * (b.y - b.x) % P
    t = (a.y + a.x) * (b.y + b.x) % P
    u, v = 2 * a.t * b.t * D % P, 2 * a.z * b.z % P
    e, f, g, h = t - s, v - u, v + u, t + s
    return Point(e * f % P, g * h % P, f * g % P, e * h % P)


def _multiply(scalar: int, point: Point) -> Point:
    result = Point(0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            result = _add(result, point)
        point = _add(point, point)
        scalar >>= 1
    return result


def _recover_x(y: int, sign: int) -> int | None:
    if y >= P:
        return None
    squared = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(squared, (P + 3) // 8, P)
    if (x * x - squared) % P:
        x = x * SQRT_M1 % P
    if (x * x - squared) % P or (x == 0 and sign):
        return None
    return P - x if x & 1 != sign else x


def _point(data: bytes) -> Point | None:
    if len(data) != 32:
        return None
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    x = _recover_x(y, sign)
    return None if x is None else Point(x, y, 1, x * y % P)


def ed25519_verifies(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether ``signature`` (64 bytes) over ``message`` was made with the key to ``public``."""
    key = _point(public)
    commitment = _point(signature[:32])
    scalar = int.from_bytes(signature[32:], "little")
    if key is None or commitment is None or len(signature) != 64 or scalar >= Q:
        return False
    challenge = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little")
    base_y = 4 * pow(5, P - 2, P) % P
    base_x = _recover_x(base_y, 0)
    assert base_x is not None
    left = _multiply(scalar, Point(base_x, base_y, 1, base_x * base_y % P))
    right = _add(commitment, _multiply(challenge % Q, key))
    same_x = (left.x * right.z - right.x * left.z) % P == 0
    return same_x and (left.y * right.z - right.y * left.z) % P == 0


# The whole ---------------------------------------------------------------------------------------


def check(folder: Path, key: str | None = None) -> list[Finding]:
    """Everything that can be found out about a run folder. Raises nothing.

    ``key``: the public key that must have signed, in hexadecimal, when it is known.
    """
    findings: list[Finding] = []
    try:
        if not folder.is_dir():
            return [Finding(False, "there is no such folder", str(folder))]
        summary = _check_journal(folder, findings)
        _check_seal(folder, summary, key, findings)
    except (OSError, MemoryError, RecursionError, ValueError) as error:
        findings.append(Finding(False, f"cannot be checked: {_short(error)}", str(folder)))
    return findings


def _short(value: object) -> str:
    text = "".join(c if c.isprintable() else "?" for c in str(value))
    return text if len(text) <= 120 else text[:117] + "..."


def main(arguments: list[str]) -> int:
    """Check the folder named, or the one that this file stands in."""
    folder, key = "", None
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if word in ("-h", "--help"):
            print(__doc__)
            return 0
        if word == "--key" and rest:
            key = rest.pop(0)
        elif word.startswith("-") or folder:
            print("usage: verify.py [RUN_FOLDER] [--key HEX]", file=sys.stderr)
            return 1
        else:
            folder = word
    if not folder:
        folder = str(Path(__file__).resolve().parent.parent)
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")
    findings = check(Path(folder), key)
    for finding in findings:
        print(f"{'ok  ' if finding.ok else 'NOT '} {finding.where}: {finding.what}")
    agrees = all(finding.ok for finding in findings)
    print("Not checked here: whose key signed, and the verdicts (kalys verify derives them again).")
    print("Everything agrees." if agrees else "Not everything agrees: see the lines with NOT.")
    return 0 if agrees else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
