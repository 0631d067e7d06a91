"""Whatever is handed to the reader as a picture: an error in words or a rejection, no traceback."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kalys.ballots.render import Renderer
from kalys.ballots.sheet import Mark, Sheet
from kalys.ballots.templates import layouts_for
from kalys.counting.reader import Reader
from kalys.election.definition import load
from kalys.errors import ConfigurationError
from kalys.protocols.urn.messages import ReturnReason

LAYOUT = layouts_for(load("kg-2021-11-28"))["KG-PL"]
READER = Reader([LAYOUT])
SHEET = Sheet("s", "kg-2021-11-28", "KG-PL", (Mark("party", "P05", "cross"),))
IMAGE = Renderer([LAYOUT], pool=1).scan(SHEET)


@pytest.mark.parametrize(("image", "told"), [
    (None, "NoneType"), ("scan.png", "str"), ([[0, 1], [1, 0]], "list"), (b"\x89PNG", "bytes"),
    (np.zeros((2339, 1654, 3), np.uint8), "3 dimensions"),
    (np.zeros((2339, 1654), np.uint16), "uint16"), (IMAGE.astype(np.float32), "float32"),
    (IMAGE > 128, "bool"), (np.zeros(0, np.uint8), "1 dimensions"),
    (np.zeros((0, 0), np.uint8), "got 0 x 0"), (np.zeros((0, 1654), np.uint8), "1654 x 0"),
    (np.zeros((1, 1), np.uint8), "got 1 x 1"), (IMAGE[:1200], "1654 x 1200"),
    (IMAGE[:, :900], "900 x 2339"), (IMAGE.T, "2339 x 1654"),
    (np.zeros((20000, 3), np.uint8), "3 x 20000"),
])
def test_what_is_no_scan_of_this_page_is_told_in_words(image: Any, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        READER.read(image)
    with pytest.raises(ConfigurationError, match=told):
        READER.read_batch([IMAGE, image])


@pytest.mark.parametrize("dpi", [100, 150, 300, 400])
def test_another_resolution_is_named_and_a_layout_of_that_resolution_reads_it(dpi: int) -> None:
    size = LAYOUT.at(dpi).shape[::-1]
    image = cv2.resize(IMAGE, size, interpolation=cv2.INTER_AREA if dpi < 200 else cv2.INTER_CUBIC)
    with pytest.raises(ConfigurationError, match=f"looks like the page at {dpi} dpi"):
        READER.read(image)
    reading = Reader([LAYOUT.at(dpi)]).read(image)
    assert reading.read and reading.marks["party"] == ("P05",)


def test_views_with_other_strides_are_read_as_well() -> None:
    wide = np.zeros((2339, 3308), np.uint8)
    wide[:, ::2] = IMAGE
    assert READER.read(wide[:, ::2]).marks["party"] == ("P05",)
    turned = READER.read(IMAGE[::-1, ::-1])
    assert turned.orientation == "down-foot" and turned.marks["party"] == ("P05",)
    frozen = IMAGE.copy()
    frozen.setflags(write=False)
    assert READER.read(frozen).marks["party"] == ("P05",)


def test_a_mirrored_picture_is_never_read() -> None:
    for image in (IMAGE[::-1], IMAGE[:, ::-1]):
        assert not READER.read(image).read


def test_no_pictures_give_no_readings() -> None:
    assert READER.read_batch([]) == []


def test_the_reader_leaves_the_picture_alone() -> None:
    before = IMAGE.copy()
    READER.read(IMAGE)
    assert np.array_equal(before, IMAGE)


@given(
    st.integers(2258, 2360), st.integers(1597, 1711), st.integers(0, 2**31),
    st.sampled_from(["noise", "black", "white", "bars", "half", "shuffled"]),
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_array_of_about_the_right_size_is_rejected_with_a_reason(
    rows: int, columns: int, seed: int, kind: str
) -> None:
    rng = np.random.default_rng(seed)
    image = np.full((rows, columns), 255, np.uint8)
    if kind == "noise":
        image = rng.integers(0, 256, (rows, columns), dtype=np.uint8)
    elif kind == "black":
        image[:] = 0
    elif kind == "bars":
        image[np.arange(rows) % int(rng.integers(2, 90)) < int(rng.integers(1, 40))] = 0
    elif kind == "half":
        image[: rows // 2] = 0
    elif kind == "shuffled":
        part = IMAGE[: min(rows, 2339), : min(columns, 1654)]
        image[: part.shape[0], : part.shape[1]] = part[rng.permutation(part.shape[0])]
    reading = READER.read(image)
    assert not reading.read and reading.reason in set(ReturnReason)
