"""The seal: whatever is changed afterwards shows, to Kalys and to the stand-alone verifier."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import os
import shutil
import subprocess
import sys
from itertools import count
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey

from kalys.errors import ConfigurationError, EvidenceError
from kalys.evidence import standalone
from kalys.evidence.journal import Journal
from kalys.evidence.run_folder import RunFolder
from kalys.evidence.signing import ephemeral
from kalys.evidence.verification import verify_files

KEY = ephemeral()


def run(path: Path, records: int = 20) -> RunFolder:
    folder = RunFolder.create(path)
    with Journal(folder.journal, {"run": "r-1"}, count(5).__next__) as book:
        for n in range(records):
            book.wire("urn-1", "rx", bytes([n % 256]))
    folder.write_json("run.json", {"status": "complete"})
    (path / "report.json").write_text('{"verdicts": []}')
    (folder.allure / "a-result.json").write_text("{}")
    return folder


@pytest.fixture
def sealed(tmp_path) -> RunFolder:
    folder = run(tmp_path / "run")
    folder.seal(KEY, about={"id": "r-1"})
    return folder


def wrong(folder: RunFolder, **given) -> list[str]:
    return [f"{f.where}: {f.what}" for f in verify_files(folder.path, **given) if not f.ok]


def alone(folder: RunFolder, *arguments: str, python: str = sys.executable):
    return subprocess.run(
        [python, "-I", "-S", str(folder.evidence / "verify.py"), *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={"LC_ALL": "C", "PATH": os.environ["PATH"]},
    )


def test_a_sealed_run_agrees_with_itself(sealed):
    assert wrong(sealed) == []
    told = alone(sealed)
    assert (told.returncode, told.stderr) == (0, "")
    assert "chain holds over all 20 records" in told.stdout
    assert told.stdout.endswith("Everything agrees.\n")
    assert KEY.public_hex in told.stdout


def test_the_stand_alone_verifier_runs_on_python_3_8(sealed):
    beside = Path(sys.base_prefix).parent.glob("3.8*/bin/python3.8")  # where pyenv keeps them
    for old in (*beside, shutil.which("python3.8")):
        if old and subprocess.run([old, "-V"], capture_output=True, check=False).returncode == 0:
            told = alone(sealed, python=str(old))
            assert (told.returncode, told.stderr) == (0, "")
            return
    pytest.skip("no Python 3.8 here")


def test_coreutils_can_check_the_manifest(sealed):
    if not shutil.which("sha256sum"):
        pytest.skip("no sha256sum here")
    subprocess.run(
        ["sha256sum", "--quiet", "-c", "evidence/manifest.sha256"], cwd=sealed.path, check=True
    )


def test_securesystemslib_accepts_the_envelope(sealed):
    data = json.loads(sealed.seal_file.read_text())
    envelope = Envelope.from_dict(copy.deepcopy(data))
    envelope.verify([SSlibKey.from_crypto(KEY.private.public_key())], 1)
    statement = json.loads(envelope.payload)
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["predicate"]["status"] == "complete"
    assert statement["predicate"]["run"] == {"id": "r-1"}
    names = {s["name"] for s in statement["subject"]}
    assert {"report.json", "evidence/journal.jsonl", "evidence/verify.py"} <= names
    assert "evidence/seal.json" not in names


@pytest.mark.parametrize(
    "name", ["report.json", "evidence/journal.jsonl", "evidence/run.json", "evidence/verify.py"]
)
def test_a_changed_file_is_named(sealed, name):
    path = sealed.path / name
    path.write_bytes(path.read_bytes() + b"\n")
    assert any(told.startswith(name) for told in wrong(sealed))


def test_a_missing_and_an_added_file_are_named(sealed):
    (sealed.path / "report.json").unlink()
    (sealed.evidence / "planted.json").write_text("{}")
    (sealed.path / "report.ru.html").write_text("later")
    told = wrong(sealed)
    assert any("report.json: the file is missing" in line for line in told)
    assert any("planted.json: not covered by the seal" in line for line in told)
    assert not any("report.ru.html" in line for line in told)
    assert alone(sealed).returncode == 1


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_any_changed_byte_of_the_journal_breaks_the_chain_or_the_header(tmp_path_factory, data):
    folder = run(tmp_path_factory.mktemp("law") / "run", records=4)
    folder.seal(KEY)
    raw = bytearray(folder.journal.read_bytes())
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] ^= data.draw(st.integers(1, 255))
    folder.journal.write_bytes(raw)
    assert any(told.startswith(standalone.JOURNAL) for told in wrong(folder))


@pytest.mark.parametrize("kind", ["drop", "swap", "repeat", "truncate"])
def test_a_rearranged_journal_shows_even_without_a_seal(tmp_path, kind):
    folder = run(tmp_path / "run")
    lines = folder.journal.read_bytes().splitlines(keepends=True)
    if kind == "drop":
        del lines[7]
    elif kind == "swap":
        lines[7], lines[8] = lines[8], lines[7]
    elif kind == "repeat":
        lines.insert(7, lines[7])
    else:
        folder.seal(KEY)
        del lines[-1]
    folder.journal.write_bytes(b"".join(lines))
    assert any(told.startswith(standalone.JOURNAL) for told in wrong(folder))


def test_a_killed_run_is_told_as_not_sealed_with_its_chain_up_to_the_last_record(tmp_path):
    folder = run(tmp_path / "run")
    with folder.journal.open("ab") as file:
        file.write(b'{"n":21,"t":3')
    findings = verify_files(folder.path)
    told = {f.what: f.ok for f in findings}
    assert told["the chain holds over all 20 records"]
    assert any("cut off" in what and "after record 20" in what for what in told)
    assert any(what.startswith("not sealed") and not ok for what, ok in told.items())


def test_an_interrupted_run_is_sealed_as_such_and_can_be_continued(tmp_path):
    folder = run(tmp_path / "run")
    folder.seal(KEY, status="interrupted")
    assert wrong(folder) == []
    assert any("interrupted" in f.what for f in verify_files(folder.path))
    folder.require_unsealed_end()
    aside = folder.break_seal()
    assert aside is not None
    assert aside.name == "seal-1.json"
    with Journal.resume(folder.journal, count(900).__next__) as book:
        book.add("note", {"text": "more"})
    folder.seal(KEY)
    assert wrong(folder) == []
    with pytest.raises(EvidenceError, match="complete"):
        folder.require_unsealed_end()


def test_a_seal_of_another_s_statement_is_refused(sealed):
    data = json.loads(sealed.seal_file.read_text())
    statement = json.loads(base64.b64decode(data["payload"]))
    statement["predicate"]["status"] = "interrupted"
    data["payload"] = base64.b64encode(json.dumps(statement).encode()).decode()
    sealed.seal_file.write_text(json.dumps(data))
    assert any("signature does not belong" in told for told in wrong(sealed))


def test_a_run_sealed_again_with_another_key_shows_when_the_key_is_known(sealed):
    sealed.seal(ephemeral())
    assert wrong(sealed) == []
    assert any("another key" in told for told in wrong(sealed, key=KEY.public_hex))
    assert alone(sealed, "--key", KEY.public_hex).returncode == 1


def test_a_broken_or_torn_journal_is_not_sealed(tmp_path):
    folder = run(tmp_path / "run")
    whole = folder.journal.read_bytes()
    folder.journal.write_bytes(whole[:-5])
    with pytest.raises(EvidenceError, match="middle of a record"):
        folder.seal(KEY)
    folder.journal.write_bytes(whole.replace(b'"bytes":"03"', b'"bytes":"04"'))
    with pytest.raises(EvidenceError, match="broken at record 4"):
        folder.seal(KEY)


def statement_naming(*names: str) -> dict:
    return {
        "_type": standalone.STATEMENT_TYPE,
        "predicateType": standalone.PREDICATE_TYPE,
        "subject": [{"name": n, "digest": {"sha256": "0" * 64}} for n in names],
        "predicate": {"status": "complete", "signer": {"publicKey": KEY.public_hex}},
    }


def reseal(folder: RunFolder, statement: object) -> None:
    from kalys.evidence.sealing import sign

    folder.seal_file.write_bytes(sign(statement, KEY))


def test_a_hostile_seal_cannot_reach_outside_the_folder(sealed):
    reseal(sealed, statement_naming("../secret", "/etc/passwd", "a/../../b", "a\\b", ""))
    assert sum("outside the run folder" in told for told in wrong(sealed)) == 5


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_pipes_and_links_are_not_followed(sealed):
    (sealed.path / "report.json").unlink()
    os.mkfifo(sealed.path / "report.json")
    (sealed.evidence / "run.json").unlink()
    (sealed.evidence / "run.json").symlink_to("/etc/hostname")
    told = wrong(sealed)
    assert sum("not a regular file" in line for line in told) == 2


@pytest.mark.parametrize(
    "seal",
    [
        b"", b"[]", b"{", b"\xff\xfe", b"{}", b'{"payload": 3}', b"[" * 100_000,
        b'{"payload":"aGVsbG8=","payloadType":"x","signatures":[{"sig":"AAAA"}]}',
    ],
)  # fmt: skip
def test_a_broken_seal_is_a_finding_and_never_a_traceback(sealed, seal):
    sealed.seal_file.write_bytes(seal)
    assert any(told.startswith("evidence/seal.json") for told in wrong(sealed))
    told = alone(sealed)
    assert (told.returncode, told.stderr) == (1, "")


@pytest.mark.parametrize("journal", [b"", b"\n\n", b"\x00" * 5000, b"{}\n{}\n", None])
def test_a_broken_journal_is_a_finding_and_never_a_traceback(sealed, journal):
    if journal is None:
        sealed.journal.unlink()
    else:
        sealed.journal.write_bytes(journal)
    assert wrong(sealed)
    told = alone(sealed)
    assert (told.returncode, told.stderr) == (1, "")


@pytest.mark.parametrize("part", ["subject", "predicate"])
@pytest.mark.parametrize("value", [None, 3, "x", [3], {"journal": 4}])
def test_a_statement_of_the_wrong_shape_is_a_finding(sealed, part, value):
    statement = statement_naming("report.json") | {part: value}
    reseal(sealed, statement)
    assert wrong(sealed)
    assert alone(sealed).stderr == ""


def test_a_folder_that_is_not_there_is_a_finding(tmp_path):
    assert not verify_files(tmp_path / "none")[0].ok


# The parts ----------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=25)
@given(st.binary(max_size=200), st.binary(min_size=32, max_size=32), st.data())
def test_the_pure_python_signature_check_agrees_with_the_library(message, secret, data):
    private = Ed25519PrivateKey.from_private_bytes(secret)
    public = private.public_key().public_bytes_raw()
    signature = private.sign(message)
    assert standalone.ed25519_verifies(public, message, signature)
    changed = bytearray(signature)
    changed[data.draw(st.integers(0, 63))] ^= data.draw(st.integers(1, 255))
    assert not standalone.ed25519_verifies(public, message, bytes(changed))
    assert not standalone.ed25519_verifies(public, message + b"x", signature)


def test_the_first_vector_of_rfc_8032():
    public = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    signature = (
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b4"
        "6bd25bf5f0595bbe24655141438e7a100b"
    )
    assert standalone.ed25519_verifies(bytes.fromhex(public), b"", bytes.fromhex(signature))


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_keys_and_signatures_of_the_wrong_length_do_not_verify(length):
    assert not standalone.ed25519_verifies(b"\xff" * length, b"m", bytes(64))
    assert not standalone.ed25519_verifies(bytes(32), b"m", b"\xff" * length)


def merkle(leaves: list[bytes]) -> bytes:
    """RFC 6962 2.1 as it is written there."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + merkle(leaves[:k]) + merkle(leaves[k:])).digest()


@given(st.lists(st.binary(max_size=4), max_size=40))
def test_the_merkle_root_is_that_of_rfc_6962(leaves):
    tree = standalone.MerkleTree()
    for leaf in leaves:
        tree.add(leaf)
    assert tree.root() == merkle(leaves)


def test_a_taken_folder_is_refused_and_a_foreign_one_too(sealed, tmp_path):
    with pytest.raises(ConfigurationError, match="--resume"):
        RunFolder.create(sealed.path)
    with pytest.raises(ConfigurationError, match="not a run folder"):
        RunFolder.open(tmp_path)
    assert RunFolder.open(sealed.path).sealed


def test_a_full_disk_while_sealing_leaves_the_old_state(tmp_path, monkeypatch):
    folder = run(tmp_path / "run")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(EvidenceError, match="disk is full"):
        folder.seal(KEY)
    monkeypatch.undo()
    assert not folder.sealed
    assert not list(folder.evidence.glob(".*writing"))
