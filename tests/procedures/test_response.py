"""How soon the voter sees something: what is measured, and which urns it finds."""

from __future__ import annotations

import pytest

from kalys.devices.roles import Gate, Shown
from kalys.errors import Refused
from kalys.procedures.response import REQUIREMENTS, Response, responses
from kalys.procedures.timing_budget import response_u
from kalys.requirements.measuring import measure
from kalys.requirements.observation import Outcome

SMALL = {"timing.response": {"sheets": 8}, "paper.notices": {"sheets": 6}}
SECOND = 10**9


def gates(fell: float | None = 3.0) -> list[Gate]:
    seen = [Gate("entry", "lead", "s", SECOND), Gate("entry", "trail", "s", 2 * SECOND)]
    return seen if fell is None else [*seen, Gate("exit", "trail", "s", round(fell * SECOND))]


def show(*rows: tuple[float, str]) -> list[Shown]:
    known = {"accepted", "returned", "wait"}
    return [Shown(w, w if w in known else "", round(t * SECOND)) for t, w in rows]


@pytest.mark.parametrize(("shown", "found"), [
    (show((1.05, "wait"), (3.2, "accepted")), Response(0.05, 0.05, 0.2)),
    (show((0.5, "open"), (1.05, "wait"), (3.2, "accepted")), Response(0.05, 0.05, 0.2)),
    (show((1.05, "..."), (1.5, "wait"), (3.2, "accepted")), Response(0.05, 0.5, 0.2)),
    (show((1.05, "wait"), (2.0, "open"), (3.2, "accepted")), Response(0.05, 2.2, 0.2)),
    (show((1.05, "wait"), (2.5, "accepted")), Response(0.05, 0.05, 0.0)),
    (show((3.2, "accepted")), Response(2.2, 2.2, 0.2)),
    (show((1.05, "wait")), Response(0.05, None, None)),
    (show(), Response(None, None, None)),
])
def test_the_responses_follow_from_barriers_and_display(shown, found) -> None:
    told = responses(gates(), shown)
    assert told is not None
    for name in ("first", "busy", "cast"):
        assert getattr(told, name) == pytest.approx(getattr(found, name))


def test_a_sheet_that_did_not_fall_has_no_response_to_casting() -> None:
    told = responses(gates(None), show((1.05, "wait"), (2.2, "returned")))
    assert told is not None and told.cast is None and told.busy == pytest.approx(0.05)
    assert responses([], show((1.0, "wait"))) is None


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_an_urn_that_shows_everything_in_time_passes(emulated, seed) -> None:
    with emulated(parameters=SMALL, seed=seed) as session:
        for procedure in SMALL:
            assert session.run(procedure).error is None
        read = [o for o in session.observations if o.kind == "reading"]
        assert {o.requirement for o in read} == set(REQUIREMENTS)
        assert all(o.value < limit for o in read
                   for limit in [{"TIM-001": 0.1}.get(o.requirement, 1.0)])
        assert not any(o.failures for o in session.observations)


@pytest.mark.parametrize(("defect", "procedure", "requirement"), [
    ("display-sluggish", "timing.response", "TIM-001"),
    ("outcome-shown-late", "timing.response", "TIM-003"),
    ("no-busy-indicator", "timing.response", "TIM-001"),
    ("no-busy-indicator", "timing.response", "TIM-004"),
    ("display-contradicts-notice", "paper.notices", "PAP-007"),
])
def test_an_urn_that_does_not_fails(emulated, defect, procedure, requirement) -> None:
    with emulated(defect, parameters=SMALL) as session:
        assert session.run(procedure).error is None
        assert session.verdicts((requirement,))[0].verdict is Outcome.FAIL


def test_a_display_that_is_late_is_no_false_notice(emulated) -> None:
    with emulated("outcome-shown-late", parameters=SMALL) as session:
        session.run("paper.notices")
        assert not any(o.failures for o in session.observations)


def test_where_nothing_watches_the_display_nothing_is_measured_and_notices_are_judged(
    emulated, monkeypatch
) -> None:
    with emulated("false-success", parameters=SMALL) as session:
        def refused(on: bool) -> None:
            raise Refused("no instrument", code="operator")

        monkeypatch.setattr(session.hands, "watch_display", refused)
        session.run("timing.response")
        for requirement in REQUIREMENTS:
            assert session.verdicts((requirement,))[0].verdict is Outcome.BLOCKED
        session.run("paper.notices")
        assert session.verdicts(("PAP-007",))[0].verdict is Outcome.FAIL


def test_a_series_is_told_with_its_percentiles(emulated) -> None:
    with emulated(parameters={"timing.response": {"sheets": 24}}) as session:
        session.run("timing.response")
        (told,) = measure(session.catalogue["TIM-001"], session.observations)
        assert told.conditions["median"] <= told.conditions["95th percentile"]
        assert told.conditions["95th percentile"] <= told.conditions["highest"] < 0.1
        assert told.conditions["its 95 % upper bound"] is None         # 24 are too few for one


def test_the_uncertainty_of_a_response_is_small_beside_its_limit() -> None:
    assert 0.0005 < response_u(0.1) < response_u(10.0) < 0.002
