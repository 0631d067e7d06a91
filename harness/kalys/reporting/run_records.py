"""The cast vote records that an urn told in a run, found again in the bytes of its link.

Nothing but the journal is asked: what went over the wire is decoded as the driver decoded it, and a
listing counts when all its pages are there. A run holds several elections, one for each procedure
that fed sheets; each gives its listings in order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from kalys.devices.roles import VoteRecord
from kalys.devices.urn import record_of
from kalys.errors import ConfigurationError, EvidenceError
from kalys.evidence.journal import Record, read_journal
from kalys.protocols.urn import binary, line
from kalys.protocols.urn.codec import ClientCodec, ServerCodec
from kalys.protocols.urn.messages import Op, Request, Response, Result
from kalys.reporting.build import RunData


@dataclass(frozen=True)
class Listing:
    """All records of an urn at one moment, as they were told to ``procedure``."""

    procedure: str
    journal: int            # number of the journal's record that completed it
    records: tuple[VoteRecord, ...]


def listings(data: RunData) -> Iterator[Listing]:
    """The complete listings of the urn under test, in order.

    ConfigurationError for a run of a counting core, which tells no records.
    """
    if data.of_a_core:
        raise ConfigurationError(
            "a counting core alone keeps no records", where=str(data.folder),
            remedy="Name the run folder of an urn.",
        )
    heard = _Heard(data)
    procedure = ""
    for record in read_journal(data.folder / "evidence" / "journal.jsonl"):
        if record.kind == "procedure":
            procedure = str(record.data["id"])
        elif record.kind == "wire" and record.data.get("link") == data.identity["name"]:
            for rows in heard.take(record):
                yield Listing(procedure, record.number, rows)


def last_listing(data: RunData, procedure: str | None = None) -> Listing:
    """The last listing of a run, or of one of its procedures; ConfigurationError names those that
    have one."""
    found = list(listings(data))
    chosen = [one for one in found if procedure in (None, one.procedure)]
    if not chosen:
        there = ", ".join(dict.fromkeys(one.procedure for one in found)) or "none"
        raise ConfigurationError(
            "no records were read" + (f" by {procedure}" if procedure else ""),
            where=str(data.folder), remedy=f"Procedures that read records in this run: {there}",
        )
    return chosen[-1]


def _codecs(data: RunData) -> tuple[Callable[[], ClientCodec], Callable[[], ServerCodec]]:
    dialect = data.inputs["profile"].get("dialect")
    if dialect is None:
        return binary.ClientCodec, binary.ServerCodec
    model = line.LineDialect.model_validate(dialect)
    return lambda: line.ClientCodec(model), lambda: line.ServerCodec(model)


class _Heard:
    """Both directions of one link, and the pages of the listing that is being read."""

    def __init__(self, data: RunData) -> None:
        client, server = _codecs(data)
        self._client, self._server = client(), server()
        self._first = 0
        self._asked = 0                 # the journal's record of a request that waits for its page
        self._rows: list[VoteRecord] = []

    def take(self, record: Record) -> Iterator[tuple[VoteRecord, ...]]:
        """The listings that these bytes complete."""
        try:
            data = bytes.fromhex(record.data["bytes"])
        except (KeyError, TypeError, ValueError) as error:
            raise EvidenceError(
                "bytes of a wire that are none", where=f"journal record {record.number}"
            ) from error
        if record.data["direction"] == "tx":
            for request in self._server.feed(data):
                if isinstance(request, Request):
                    self._client.expecting(request)
                    self._note(request, record.number)
            return
        for message in self._client.feed(data):
            asked = isinstance(message, Response) and message.op is Op.RECORDS
            if asked and isinstance(message, Response):
                self._asked = 0
                if message.result is Result.OK:
                    yield from self._page(message, record.number)

    def _note(self, request: Request, number: int) -> None:
        """Remember which page is asked for. One that was never understood is not passed over: a
        listing with a hole must not look like a shorter one."""
        if self._asked and request.op is not Op.RECORDS:
            raise EvidenceError(
                "the answer to a request for records cannot be decoded",
                where=f"journal record {self._asked}",
                remedy="Was the run made by another version of Kalys?",
            )
        if request.op is Op.RECORDS:
            self._first, self._asked = request.fields["first"], number

    def _page(self, message: Response, number: int) -> Iterator[tuple[VoteRecord, ...]]:
        del self._rows[self._first :]           # a page that was asked for again
        try:
            self._rows += [record_of(row) for row in message.fields["records"]]
        except ValueError as error:
            raise EvidenceError(str(error), where=f"journal record {number}") from error
        if len(self._rows) == message.fields["total"]:
            yield tuple(self._rows)
            self._rows = []
