"""Whatever comes over a port, the world answers or ignores it, and goes on."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kalys.protocols import world as link
from kalys.protocols.urn.messages import REQUEST_FIELDS, Op, UrnState

Make = Callable[..., Any]          # the fixture ``station``
URN = "urn-1"
quick = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture
def running(station: Make) -> Any:
    return station(UrnState.OPEN)


PORTS = (URN, "world", "supply", "urn-1.printer")


@given(port=st.sampled_from(PORTS), data=st.binary(max_size=300))
@quick
def test_noise_on_any_port_harms_nothing(running: Any, port: str, data: bytes) -> None:
    running.world.receive(port, data, running.now)
    running.world.output()
    running.world.opened(port, running.now)      # the next host begins with a clean line
    assert running.status()["state"] == "open"


VALUES = {
    "bool": st.booleans(), "u8": st.integers(0, 255), "u16": st.integers(0, 65535),
    "u32": st.integers(0, 2**32 - 1), "i16": st.integers(-(2**15), 2**15 - 1),
    "i64": st.integers(-(2**63), 2**63 - 1), "bytes": st.binary(max_size=64),
    "text": st.one_of(
        st.text(max_size=20),
        st.sampled_from(["operator", "auditor", "results", "log", "zero", "definition", "status"]),
    ),
}


@st.composite
def requests(draw: st.DrawFn) -> tuple[Op, dict[str, Any]]:
    op = draw(st.sampled_from([op for op in Op if op not in (Op.RESTART, Op.CLOSE)]))
    return op, {name: draw(VALUES[kind]) for name, kind in REQUEST_FIELDS[op].items()}


@given(asked=st.lists(requests(), max_size=8), role=st.sampled_from([None, "auditor", "operator"]))
@quick
def test_every_request_is_answered_whatever_its_fields(
    running: Any, asked: list[tuple[Op, dict[str, Any]]], role: str | None
) -> None:
    for op, fields in asked:
        answer = running.send(op, **fields)
        assert answer is not None and answer.op is op
    assert running.status()["state"] == "open"


@pytest.mark.parametrize(
    "wrong",
    [
        {"marks": [{"contest": "party", "option": "P01", "kind": "nonsense"}]},
        {"marks": [{"contest": "party", "option": "P01", "kind": "tick", "params": {"zzz": 1}}]},
        {"marks": [{"contest": "party", "option": "P01", "kind": "tick",
                    "params": {"width_mm": "x"}}]},
        {"marks": "abc"},
        {"paper": {"skew_deg": 1e9}},
        {"paper": {"background": 999}},
        {"paper": {"folds": [{"x": 1e9, "y": 0}]}},
        {"style": "nope"},
        {"election": "../../etc/passwd"},
        {"orientation": "sideways"},
        {"truthful": True},
    ],
    ids=lambda wrong: json.dumps(wrong)[:40],
)
def test_a_sheet_that_cannot_be_is_refused_in_words(running: Any, wrong: dict[str, Any]) -> None:
    sheet = {"id": "x", "election": running.definition.id, "style": "KG-PL", **wrong}
    running.put("world", json.dumps(
        {"id": 5, "do": "insert", "urn": URN, "sheets": [sheet]}).encode() + b"\n")
    answer = next(m for m in reversed(running.notices) if isinstance(m, link.Answer))
    assert not answer.ok and answer.error
    running.run(3)
    assert running.outcome() == "nothing"


@pytest.mark.parametrize("paper", [{"stretch": -5}, {"noise": -1}])
def test_paper_that_nobody_could_make_is_given_back(running: Any, paper: dict[str, Any]) -> None:
    sheet = {"id": "x", "election": running.definition.id, "style": "KG-PL", "paper": paper}
    running.do(link.Insert(URN, [sheet]))
    running.run(5)
    assert running.outcome() in ("unreadable", "valid", "invalid", "wrong-side", "foreign")


def test_a_picture_that_claims_to_be_enormous_is_not_unpacked(running: Any) -> None:
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    chunk = b"IHDR" + header
    png = (b"\x89PNG\r\n\x1a\n" + struct.pack(">I", len(header)) + chunk
           + struct.pack(">I", zlib.crc32(chunk)))
    with pytest.raises(AssertionError, match="usable size"):
        running.do(link.Image(URN, "bomb", base64.b64encode(png).decode()))


def test_a_layout_that_no_scanner_could_take_is_refused(running: Any) -> None:
    from kalys.ballots.templates import layouts_for

    data = layouts_for(running.definition)["KG-PL"].to_dict()
    data["page_mm"] = [5000.0, 5000.0]
    with pytest.raises(AssertionError, match="5000 x 5000 mm"):
        running.do(link.Define(URN, {}, {"KG-PL": data}))
    with pytest.raises(AssertionError, match="layout"):
        running.do(link.Define(URN, {}, {"KG-PL": {"style": 1}}))
