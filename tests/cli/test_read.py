"""``kalys read``: scans to marks, with words for what cannot be read."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from kalys.ballots.render import Renderer
from kalys.ballots.sheet import Mark, Sheet
from kalys.ballots.templates import layouts_for
from kalys.election.definition import load

from ..running import Kalys

LETTER = layouts_for(load("accuvote"))["accuvote-letter"]
MARKS = (Mark("moderator", "M2", "tick"), Mark("article-2", "NO2", "filled"))


@pytest.fixture
def kalys(tmp_path: Path) -> Kalys:
    return Kalys(tmp_path, tmp_path / "key")


@pytest.fixture(scope="module")
def pictures() -> tuple[np.ndarray, np.ndarray]:
    return Renderer([LETTER], pool=2).scan_sides(
        Sheet("s", "accuvote", LETTER.style, MARKS, seed=3)
    )


def test_both_sides_of_a_sheet_are_read_and_drawn(kalys, pictures) -> None:
    for name, picture in zip(("front.png", "back.png"), pictures, strict=True):
        cv2.imwrite(str(kalys.folder / name), picture)
    ended = kalys("read", "--layout", "accuvote-letter", "--sides", "--show", "seen", "--json",
                  "front.png", "back.png")
    assert ended.code == 0, ended.err
    told = json.loads(ended.out)
    assert told["sheets"][0]["marks"]["article-2"] == ["NO2"]
    assert told["pictures"][0]["marks"]["moderator"] == ["M2"]
    assert cv2.imread(str(kalys.folder / "seen" / "front-seen.png")).shape[1] == 1700


def test_pictures_of_every_kind_are_converted(kalys, pictures) -> None:
    grey = Image.fromarray(pictures[0])
    grey.convert("RGB").resize((2550, 3300)).save(kalys.folder / "colour300.jpg")
    plain = grey.convert("1", dither=Image.Dither.NONE)
    plain.save(kalys.folder / "bilevel.tif", compression="group4")
    Image.fromarray(pictures[0].astype(np.uint16) * 257).save(kalys.folder / "deep.png")
    grey.rotate(90, expand=True).save(kalys.folder / "lying.png")
    grey.save(kalys.folder / "pages.tif", save_all=True, append_images=[
        Image.fromarray(pictures[1])])
    ended = kalys("read", "--layout", "accuvote-letter", "--json", "colour300.jpg", "bilevel.tif",
                  "deep.png", "lying.png", "pages.tif")
    assert ended.code == 0, ended.err + ended.out
    told = json.loads(ended.out)["pictures"]
    assert [p["dpi"] for p in told] == [300, 200, 200, 200, 200, 200]
    assert all(p["marks"].get("moderator", ["M2"]) == ["M2"] for p in told)


def test_what_is_no_picture_is_told_and_the_others_are_read(kalys, pictures) -> None:
    cv2.imwrite(str(kalys.folder / "front.png"), pictures[0])
    (kalys.folder / "text.png").write_text("no picture")
    whole = (kalys.folder / "front.png").read_bytes()
    (kalys.folder / "cut.png").write_bytes(whole[: len(whole) // 3])
    ended = kalys("read", "--layout", "accuvote-letter", "text.png", "cut.png", "gone.png",
                  "front.png")
    assert ended.code == 2
    assert "no picture" in ended.err and "truncated" in ended.err and "gone.png" in ended.err
    assert "moderator" in ended.out


def test_a_sheet_that_is_given_back_ends_with_1_and_a_wrong_layout_with_2(kalys, pictures) -> None:
    cv2.imwrite(str(kalys.folder / "white.png"), np.full_like(pictures[0], 240))
    ended = kalys("read", "--layout", "accuvote-letter", "white.png")
    assert ended.code == 1 and "wrong-side" in ended.out
    ended = kalys("read", "--layout", "nothing", "white.png")
    assert ended.code == 2 and "accuvote-letter" in ended.err
