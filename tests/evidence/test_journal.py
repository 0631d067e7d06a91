"""The journal: chained, immediate, exact, and honest when the disk or the process fails."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalys.errors import EvidenceError
from kalys.evidence.canonical import canonical
from kalys.evidence.journal import Journal, read_header, read_journal

FINITE = st.floats(allow_nan=False, allow_infinity=False)


def ticks():
    return count(1000, 7).__next__


def journal(folder: Path, name: str = "journal.jsonl") -> Journal:
    return Journal(folder / name, {"run": "r-1"}, ticks())


def chain_holds(path: Path) -> bool:
    head = hashlib.sha256(b"kalys-journal-1").digest()
    for line in path.read_text(encoding="utf-8").splitlines()[1:]:
        record = json.loads(line)
        body = canonical([record["n"], record["t"], record["k"], record["d"]])
        head = hashlib.sha256(head + body.encode()).digest()
        if record["h"] != head.hex():
            return False
    return True


def test_records_are_chained_as_the_format_says(tmp_path):
    with journal(tmp_path) as book:
        assert book.add("note", {"text": "Шайлоо", "z": 1, "a": [1.5, None]}) == 1
        assert book.wire("urn-1", "tx", b"\x00\xff", 42) == 2
        assert book.last == 2
    records = list(read_journal(tmp_path / "journal.jsonl"))
    assert records[0].data == {"text": "Шайлоо", "z": 1, "a": [1.5, None]}
    assert (records[1].time, records[1].kind) == (42, "wire")
    assert records[1].data == {"bytes": "00ff", "direction": "tx", "link": "urn-1"}
    assert chain_holds(tmp_path / "journal.jsonl")
    assert read_header(tmp_path / "journal.jsonl") == {"kind": "header", "run": "r-1"}


@given(
    st.dictionaries(
        st.text(),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text() | FINITE,
            lambda inner: st.lists(inner, max_size=3),
        ),
        max_size=4,
    )
)
def test_whatever_json_can_say_comes_back_and_keeps_the_chain(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("law")
    with journal(folder) as book:
        book.add("note", data)
        book.add("note", {"undecodable": "\udc80"})
    records = list(read_journal(folder / "journal.jsonl"))
    assert [r.data for r in records] == [data, {"undecodable": "\udc80"}]
    with Journal.resume(folder / "journal.jsonl", ticks()) as book:
        assert book.last == 3


def test_the_same_records_give_the_same_bytes_apart_from_the_header(tmp_path):
    for name in ("a", "b"):
        with Journal(tmp_path / name, {"run": name}, ticks()) as book:
            for n in range(50):
                book.wire("urn-1", "rx", bytes([n]))
    a, b = (tmp_path / "a").read_bytes(), (tmp_path / "b").read_bytes()
    assert a != b
    assert a.split(b"\n", 1)[1] == b.split(b"\n", 1)[1]


def test_a_killed_process_loses_nothing_that_was_added(tmp_path):
    path = tmp_path / "journal.jsonl"
    script = (
        "import os, signal, sys; from pathlib import Path\n"
        "from kalys.evidence.journal import Journal\n"
        "book = Journal(Path(sys.argv[1]), {}, lambda: 5)\n"
        "for n in range(1000): book.add('note', {'n': n})\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    ended = subprocess.run([sys.executable, "-c", script, str(path)], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert [r.data["n"] for r in read_journal(path)] == list(range(1000))
    assert chain_holds(path)


def test_an_interrupted_journal_is_continued_and_the_torn_line_is_kept_aside(tmp_path):
    path = tmp_path / "journal.jsonl"
    with journal(tmp_path) as book:
        book.add("note", {"n": 1})
    with path.open("ab") as raw:
        raw.write(b'{"n":2,"t":99,"k":"wi')
    assert len(list(read_journal(path))) == 1
    with Journal.resume(path, ticks()) as book:
        assert book.last == 2
        book.add("note", {"n": 3})
    assert (tmp_path / "journal.partial-1").read_bytes() == b'{"n":2,"t":99,"k":"wi'
    records = list(read_journal(path))
    assert records[1].data["cut_off"] == "journal.partial-1"
    assert records[2].data == {"n": 3}
    assert chain_holds(path)


def test_a_changed_journal_is_not_continued(tmp_path):
    path = tmp_path / "journal.jsonl"
    with journal(tmp_path) as book:
        for n in range(5):
            book.add("note", {"n": n})
    path.write_bytes(path.read_bytes().replace(b'"n":3}', b'"n":7}'))
    with pytest.raises(EvidenceError, match="broken at record 4"):
        Journal.resume(path, ticks())


def test_a_second_writer_is_refused(tmp_path):
    with journal(tmp_path), pytest.raises(EvidenceError, match="another process"):
        Journal.resume(tmp_path / "journal.jsonl", ticks())


def test_an_existing_journal_is_never_overwritten(tmp_path):
    journal(tmp_path).close()
    with pytest.raises(EvidenceError, match="--resume"):
        journal(tmp_path)


def test_a_full_disk_is_told_and_the_evidence_so_far_stays_whole(tmp_path, monkeypatch):
    path = tmp_path / "journal.jsonl"
    book = journal(tmp_path)
    book.add("note", {"n": 1})
    real = os.write

    def nearly_full(fd, data):
        if len(data) > 10:
            return real(fd, data[:10])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", nearly_full)
    for _ in range(2):
        with pytest.raises(EvidenceError, match=r"disk is full(.|\n)*record 1 is intact"):
            book.add("note", {"n": 2})
    monkeypatch.undo()
    assert path.read_bytes().endswith(b"}\n")
    assert book.add("note", {"n": 2}) == 2
    book.close()
    assert chain_holds(path)


@pytest.mark.skipif(sys.platform == "win32", reason="needs a file size limit of the system")
def test_the_kernel_s_own_refusal_leaves_whole_records(tmp_path):
    path = tmp_path / "journal.jsonl"
    script = (
        "import resource, signal, sys; from pathlib import Path\n"
        "from kalys.errors import EvidenceError; from kalys.evidence.journal import Journal\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))\n"
        "book = Journal(Path(sys.argv[1]), {}, lambda: 5)\n"
        "try:\n"
        "    for n in range(1000): book.add('note', {'n': n})\n"
        "except EvidenceError as error: print(error)\n"
    )
    told = subprocess.run(
        [sys.executable, "-B", "-c", script, str(path)], check=True, capture_output=True, text=True
    ).stdout
    assert "disk is full" in told
    assert path.read_bytes().endswith(b"}\n")
    assert chain_holds(path)


def test_ctrl_c_right_after_a_write_does_not_break_the_chain(tmp_path, monkeypatch):
    book = journal(tmp_path)
    real = os.write

    def stopped(fd, data):
        real(fd, data)
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "write", stopped)
    with pytest.raises(KeyboardInterrupt):
        book.add("note", {"n": 1})
    monkeypatch.undo()
    assert book.add("note", {"n": 2}) == 2
    book.close()
    assert chain_holds(tmp_path / "journal.jsonl")


def test_threads_write_one_chain(tmp_path):
    book = journal(tmp_path)
    threads = [
        threading.Thread(target=lambda: [book.wire("urn-1", "rx", b"x") for _ in range(300)])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    book.close()
    assert book.last == 1200
    assert chain_holds(tmp_path / "journal.jsonl")


def test_writing_to_a_closed_journal_is_an_evidence_error(tmp_path):
    book = journal(tmp_path)
    book.close()
    with pytest.raises(EvidenceError, match="closed"):
        book.add("note", {})


def test_what_json_cannot_say_is_an_evidence_error_and_not_a_broken_line(tmp_path):
    with journal(tmp_path) as book:
        with pytest.raises(EvidenceError):
            book.add("note", {"x": float("nan")})
        with pytest.raises(EvidenceError):
            book.add("note", {"x": object()})
        assert book.add("note", {"x": b"\x01"}) == 1
