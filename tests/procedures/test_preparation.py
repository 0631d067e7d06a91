"""An urn is brought to STANDBY whatever it was doing, also with a sheet on its way."""

from __future__ import annotations

import pytest

from kalys.ballots.deck import volume
from kalys.errors import Refused
from kalys.procedures import preparation
from kalys.procedures.preparation import end_election, prepared_urn, restored, to_standby
from kalys.protocols.urn.messages import EventKind, Result, UrnState


@pytest.mark.parametrize("end", [end_election, lambda prepared: to_standby(prepared.urn)])
def test_an_election_ends_when_the_sheet_on_its_way_has_come_to_rest(emulated, end):
    with emulated() as session, prepared_urn(session) as prepared:
        [sheet] = volume(session.definition, "KG-PL", 1, 3).sheets
        prepared.feeder.insert(sheet)
        assert prepared.urn.wait([EventKind.SHEET_INSERTED], 10.0)
        assert prepared.urn.status().path == "feeding"
        end(prepared)
        assert prepared.urn.status().state is UrnState.STANDBY
        assert prepared.urn.status().path == "idle"
        box = prepared.feeder.box()
        assert [*box.valid, *box.invalid] == [sheet.id]


def test_an_urn_that_is_busy_for_ever_is_given_up(emulated, monkeypatch):
    with emulated() as session, restored(session, session.urn):
        said = Refused(f"{session.urn.name}: busy", code=Result.BUSY)
        asked = []

        def close() -> None:
            asked.append(session.clock.now())
            raise said

        with monkeypatch.context() as patch, pytest.raises(Refused, match="busy"):
            patch.setattr(session.urn, "close", close)
            preparation._when_free(session.urn, session.urn.close)
        waited = (asked[-1] - asked[0]) / 1e9
        assert waited == pytest.approx(preparation.COME_TO_REST_S, abs=1.0)
