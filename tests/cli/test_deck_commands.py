"""``kalys deck``: made, shown, printed, and refused when it does not fit."""

import json
from pathlib import Path

import pytest

from kalys.cli.app import main


def kalys(*words: object, monkeypatch: pytest.MonkeyPatch) -> int:
    """Run the command line in this process; its exit code."""
    monkeypatch.setattr("sys.argv", ["kalys", *map(str, words)])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


@pytest.fixture
def deck(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "deck.jsonl"
    made = kalys("deck", "make", path, "--kind", "folds", "--sheets", 3, monkeypatch=monkeypatch)
    assert made == 0
    return path


def test_a_deck_is_made_with_its_manifest(deck: Path) -> None:
    manifest = json.loads(deck.read_text().splitlines()[0])
    assert manifest["style"] == "KG-PL"
    assert len(deck.read_text().splitlines()) == 1 + 3


def test_a_deck_is_the_same_bytes_for_the_same_seed(
    deck: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    again = tmp_path / "again.jsonl"
    kalys("deck", "make", again, "--kind", "folds", "--sheets", 3, monkeypatch=monkeypatch)
    assert again.read_bytes() == deck.read_bytes()


def test_a_deck_is_printed_with_the_operators_instructions(
    deck: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "deck.pdf"
    assert kalys("deck", "print", deck, "--out", out, monkeypatch=monkeypatch) == 0
    assert out.read_bytes().startswith(b"%PDF")
    assert (tmp_path / "deck-instructions.pdf").read_bytes().startswith(b"%PDF")


def test_a_deck_is_shown_as_a_picture(
    deck: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "deck.png"
    assert kalys("deck", "show", deck, "--out", out, monkeypatch=monkeypatch) == 0
    assert out.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(("words", "told"), [
    (("make", "x.jsonl", "--kind", "fold"), "folds"),
    (("make", "x.jsonl", "--style", "KG-XX"), "KG-PL"),
    (("make", "x.jsonl", "--election", "kg-2021-11-29"), "Did you mean kg-2021-11-28?"),
    (("make", "x.jsonl", "--sheets", "0"), "at least one sheet"),
    (("make", "/nonexistent/x.jsonl"), "/nonexistent/x.jsonl"),
    (("print", "nowhere.jsonl"), "nowhere.jsonl"),
    (("show", "nowhere.jsonl"), "nowhere.jsonl"),
])
def test_what_cannot_be_done_is_told(
    words: tuple[str, ...], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert kalys("deck", *words, monkeypatch=monkeypatch) == 2
    shown = capsys.readouterr().err
    assert told in shown
    assert shown.startswith("kalys: ")
    assert "Traceback" not in shown


def test_a_deck_of_another_election_is_refused(
    deck: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert kalys("deck", "print", deck, "--election", "kg-training", monkeypatch=monkeypatch) == 2
    assert "the deck is for election kg-2021-11-28" in capsys.readouterr().err
    assert not deck.with_suffix(".pdf").exists()


@pytest.mark.parametrize("content", [
    "", "not a deck", "[" * 100_000, "[]", '{"deck": 1}', "\x00\x01",
])
def test_a_file_that_is_no_deck_is_told(
    content: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "broken.jsonl"
    path.write_text(content)
    assert kalys("deck", "print", path, monkeypatch=monkeypatch) == 2
    assert f"{path}:1" in capsys.readouterr().err


def test_a_changed_sheet_is_found(
    deck: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    deck.write_text(deck.read_text().replace('"P', '"Q', 1))
    assert kalys("deck", "show", deck, monkeypatch=monkeypatch) == 2
    assert str(deck) in capsys.readouterr().err
