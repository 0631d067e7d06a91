"""REP-007: the two urns of a station give one report.

In Kyrgyzstan a station has two urns, one for each ballot (CEC, 2021-11-23). One urn's results are
brought to the other as the file that it exports, and that urn prints the report of the station.
What it says must be what lies in both boxes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kalys.procedures import printed, totals
from kalys.procedures.preparation import Prepared, close_polls, prepared_urn
from kalys.procedures.registry import procedure
from kalys.procedures.report import vote
from kalys.protocols.urn.messages import Purpose, ReportKind, Role

if TYPE_CHECKING:
    from kalys.election.tally import Tally
    from kalys.procedures.session import Session

STYLES = ("KG-PL", "KG-SM-27")


@procedure(
    "report.consolidation", title="Two urns of a station give one report",
    requirements=("REP-007",), device_seconds=300, front="robot",
)
def consolidation(session: Session, parameters: Mapping[str, Any]) -> None:
    """``sheets`` ballots into each of two urns; the second's results go into the first."""
    others = [name for name in session.bench.urn_names if name != session.urn.name]
    if "station-report" not in session.profile.capabilities:
        session.not_applicable("REP-007", "the profile promises no station report")
        return
    if not others:
        session.blocked("REP-007", "the bench has one urn; a station has two")
        return
    sheets = int(parameters.get("sheets", 20))
    with (
        prepared_urn(session, style=STYLES[0]) as first,
        prepared_urn(session, style=STYLES[1], urn=others[0]) as second,
    ):
        truth = _cast(session, first, sheets)
        truth.merge(_cast(session, second, sheets))
        first.urn.load(Purpose.RESULTS, second.urn.export("results"))
        report = printed.take(first, ReportKind.STATION)
    totals.compare(
        session, "REP-007", truth, report.tally, condition="sheets in both boxes = station report"
    )


def _cast(session: Session, prepared: Prepared, sheets: int) -> Tally:
    truth = vote(session, prepared, sheets, f"report.consolidation.{prepared.urn.name}")
    close_polls(prepared)
    prepared.urn.login(Role.OPERATOR)
    return truth
