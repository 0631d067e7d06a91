"""Deck truth against what a device says it counted: outcomes, totals and cast vote records.

Three things are known of a deck that went through an urn: what each sheet should have given
(``Truth``), what the urn said of each sheet (``Fed``), and what it has in the end (``Results`` and
``VoteRecord``s). Totals have lost the sheets, and records are in no order on purpose, so records
are *matched* to sheets: first those that are exactly as the truth says, then the rest by the fewest
differing positions. What is left over or differs is an error, attributed to contest and option.

Pure functions; nothing here talks to a device.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, combinations

from scipy.sparse import lil_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from kalys.ballots.sheet import Sheet, Truth
from kalys.devices.roles import Results, VoteRecord
from kalys.election.definition import Contest
from kalys.election.rules import Judgement, judge_sheet
from kalys.election.tally import Tally
from kalys.procedures.feeding import Fed

Position = tuple[str, str]
Signature = tuple[bool, frozenset[Position]]

# Matching by likeness compares every leftover sheet with every leftover record; beyond this many
# the device is so wrong that who was mistaken for whom does not matter any more.
LIKENESS_LIMIT = 400


@dataclass(frozen=True)
class Pair:
    """A counted sheet and the record that was matched to it; None where there is none left."""

    sheet: Sheet | None
    record: VoteRecord | None

    @property
    def missed(self) -> frozenset[Position]:
        """Marks that the sheet bears and the record lacks."""
        return self._certain(self.sheet) - _marks(self.record.marks if self.record else {})

    @property
    def invented(self) -> frozenset[Position]:
        """Marks that the record holds and the sheet does not bear."""
        if self.record is None:
            return frozenset()
        borne = _marks(self.sheet.truth.marks) if self.sheet and self.sheet.truth else frozenset()
        return _marks(self.record.marks) - borne - _ambiguous(self.sheet)

    @property
    def exact(self) -> bool:
        """Sheet and record say the same, validity included."""
        return (
            self.sheet is not None
            and self.record is not None
            and self.record.valid in _validities(self.sheet)
            and not self.missed
            and not self.invented
        )

    def describe(self) -> str:
        """What is wrong, in words that do not name the sheet."""
        if self.sheet is None:
            assert self.record is not None
            return f"record {self.record.id} belongs to no sheet that was counted"
        if self.record is None:
            return "it was accepted and has no record"
        parts = [f"{c}/{o} was marked and is not in the record" for c, o in sorted(self.missed)]
        parts += [f"{c}/{o} is in the record and was not marked" for c, o in sorted(self.invented)]
        if not parts and not self.exact:
            parts = [f"recorded as {'valid' if self.record.valid else 'invalid'}"]
        return f"{_why(self.sheet)}: {'; '.join(parts) or 'recorded right'}"

    @property
    def note(self) -> str:
        """What is wrong, with the sheet's id."""
        return f"sheet {self.sheet.id}: {self.describe()}" if self.sheet else self.describe()

    @staticmethod
    def _certain(sheet: Sheet | None) -> frozenset[Position]:
        if sheet is None or sheet.truth is None:
            return frozenset()
        return _marks(sheet.truth.marks) - _ambiguous(sheet)


@dataclass(frozen=True)
class Comparison:
    """All that differs between a deck that was counted and what the urn has of it.

    ``errors`` counts wrong ballot positions by (contest, option): a vote too few or too many in the
    totals, a mark missing or invented in a record, whichever shows more. ``votes_off`` sums how far
    the total of each option is from the deck's. ``notes`` say it in words.
    """

    sheets: int
    positions: int
    errors: Mapping[Position, int]
    notes: tuple[str, ...]
    pairs: tuple[Pair, ...]
    totals_agree: bool
    records_agree: bool
    records_sum_to_totals: bool
    votes_off: int = 0

    @property
    def wrong_sheets(self) -> int:
        """Sheets whose record is missing or differs."""
        return sum(pair.sheet is not None and not pair.exact for pair in self.pairs)

    @property
    def wrong_positions(self) -> int:
        return sum(self.errors.values())


def wrong_outcome(sheet: Sheet, fed: Fed) -> str:
    """What is wrong with what the urn did with a sheet, in words that do not name the sheet; ""
    when it did right."""
    truth = sheet.truth
    if truth is None or truth.accepts(fed.outcome, fed.reason):
        return ""
    return f"{_why(sheet)}: {_expected(truth)}, but it was {fed.describe()}"


def expected_tally(contests: Sequence[Contest], sheets: Iterable[Sheet]) -> Tally:
    """The totals that a correct device has after counting exactly these sheets."""
    tally = Tally(contests)
    for sheet in sheets:
        if sheet.truth is not None:
            tally.add(_judgement(sheet.truth))
    return tally


def tally_of_results(results: Results) -> Tally:
    """The device's own totals as a tally."""
    return Tally.from_dict({
        "sheets": results.sheets, "valid": results.valid, "invalid": results.invalid,
        "votes": results.votes, "overvotes": results.overvotes, "undervotes": results.undervotes,
    })


def tally_of_records(contests: Sequence[Contest], records: Iterable[VoteRecord]) -> Tally:
    """The sum of cast vote records, judged by the country's rule; the harness's own arithmetic.

    A record that names what is not on the ballot counts as a sheet and for nobody.
    """
    tally = Tally(contests)
    for record in records:
        try:
            tally.add(judge_sheet(contests, record.marks))
        except ValueError:
            tally.add(Judgement(False, "strange"))
    return tally


def compare(
    contests: Sequence[Contest],
    counted: Sequence[Sheet],
    results: Results,
    records: Sequence[VoteRecord],
) -> Comparison:
    """Deck = records = totals, for the sheets that the urn said it accepted."""
    return compare_pairs(
        contests, tuple(match(counted, records)), tally_of_results(results),
        tally_of_records(contests, records),
    )


def compare_pairs(
    contests: Sequence[Contest], pairs: tuple[Pair, ...], totals: Tally, summed: Tally
) -> Comparison:
    """The same where it is known which record is of which sheet; ``summed`` is the sum of the
    records."""
    counted = sum(pair.sheet is not None for pair in pairs)
    expected = _expected_of_pairs(contests, pairs)
    wrong = [pair for pair in pairs if not pair.exact]
    in_records: Counter[Position] = Counter(
        position for pair in wrong for position in (*pair.missed, *pair.invented)
    )
    in_totals = _vote_differences(expected, totals)
    errors = {
        position: max(in_records[position], in_totals[position])
        for position in (*in_records, *in_totals)
    }
    differences = expected.difference(totals)
    notes = [f"totals against deck: {text} in the device" for text in differences]
    notes += [pair.note for pair in wrong]
    unequal = summed.difference(totals)
    if unequal and not differences:
        notes += [f"sum of the records against totals: {text} in the device" for text in unequal]
    unexplained = int(bool(notes) and not errors)
    if unexplained:
        errors[("sheet", "class")] = len(wrong) or 1
    positions = sum(len(contest.options) for contest in contests)
    return Comparison(
        sheets=counted,
        positions=positions * counted,
        errors=errors,
        notes=tuple(notes),
        pairs=pairs,
        totals_agree=not differences,
        records_agree=not wrong,
        records_sum_to_totals=not unequal,
        votes_off=sum(in_totals.values()),
    )


def _expected_of_pairs(contests: Sequence[Contest], pairs: Iterable[Pair]) -> Tally:
    """The right totals: by the truth, or, where a mark may be read either way, as it was read."""
    tally = Tally(contests)
    for pair in pairs:
        if pair.sheet is None or pair.sheet.truth is None:
            continue
        if pair.record is not None and pair.exact and pair.sheet.truth.ambiguous:
            tally.add(judge_sheet(contests, pair.record.marks))
        else:
            tally.add(_judgement(pair.sheet.truth))
    return tally


def join(parts: Sequence[Comparison]) -> Comparison:
    """The comparisons of several parts of one deck, as one."""
    errors: Counter[Position] = Counter()
    for part in parts:
        errors.update(part.errors)
    return Comparison(
        sheets=sum(part.sheets for part in parts),
        positions=sum(part.positions for part in parts),
        errors=errors,
        notes=tuple(note for part in parts for note in part.notes),
        pairs=tuple(pair for part in parts for pair in part.pairs),
        totals_agree=all(part.totals_agree for part in parts),
        records_agree=all(part.records_agree for part in parts),
        records_sum_to_totals=all(part.records_sum_to_totals for part in parts),
        votes_off=sum(part.votes_off for part in parts),
    )


def match(counted: Sequence[Sheet], records: Sequence[VoteRecord]) -> Iterator[Pair]:
    """Each counted sheet with one record, each record with one sheet, as like as can be.

    Sheets without a doubtful mark fit one kind of record only and choose first. Those with doubtful
    marks fit several; a maximum matching gives as many of them as possible a record that is right.
    """
    waiting: dict[Signature, list[VoteRecord]] = defaultdict(list)
    for record in records:
        waiting[record.valid, _marks(record.marks)].append(record)
    doubtful, unmatched = [], []
    for sheet in counted:
        if _ambiguous(sheet):
            doubtful.append(sheet)
        elif fitting := next((s for s in _signatures(sheet) if waiting.get(s)), None):
            yield Pair(sheet, waiting[fitting].pop(0))
        else:
            unmatched.append(sheet)
    left = [record for group in waiting.values() for record in group]
    chosen = _matching(doubtful, left)
    for sheet, index in zip(doubtful, chosen, strict=True):
        if index >= 0:
            yield Pair(sheet, left[index])
        else:
            unmatched.append(sheet)
    taken = set(chosen)
    left = [record for index, record in enumerate(left) if index not in taken]
    yield from _by_likeness(unmatched, left)


def _matching(sheets: Sequence[Sheet], records: Sequence[VoteRecord]) -> list[int]:
    """For each sheet the index of a record that is right for it, or -1; as many as possible."""
    if not sheets or not records:
        return [-1] * len(sheets)
    by_signature: dict[Signature, list[int]] = defaultdict(list)
    for index, record in enumerate(records):
        by_signature[record.valid, _marks(record.marks)].append(index)
    fits = lil_array((len(sheets), len(records)), dtype=bool)
    for row, sheet in enumerate(sheets):
        fits.rows[row] = sorted(i for s in set(_signatures(sheet)) for i in by_signature[s])
        fits.data[row] = [True] * len(fits.rows[row])
    return [int(i) for i in maximum_bipartite_matching(fits.tocsr(), perm_type="column")]


def _by_likeness(sheets: Sequence[Sheet], records: list[VoteRecord]) -> Iterator[Pair]:
    """Pairs of what fits nowhere: each sheet with the record that differs in fewest positions."""
    left = list(records)
    alike = len(sheets) <= LIKENESS_LIMIT and len(left) <= LIKENESS_LIMIT
    for sheet in sheets:
        if left:
            best = min(left, key=lambda record: _unlike(sheet, record)) if alike else left[0]
            left.remove(best)
            yield Pair(sheet, best)
        else:
            yield Pair(sheet, None)
    yield from (Pair(None, record) for record in left)


def _unlike(sheet: Sheet, record: VoteRecord) -> int:
    pair = Pair(sheet, record)
    return 2 * (len(pair.missed) + len(pair.invented)) + (record.valid not in _validities(sheet))


def _signatures(sheet: Sheet) -> Iterator[Signature]:
    """Every record that would be right for the sheet: one, or more where marks are ambiguous."""
    truth = sheet.truth
    if truth is None:
        return
    open_to_doubt = sorted(_ambiguous(sheet))
    certain = _marks(truth.marks) - frozenset(open_to_doubt)
    readings = chain.from_iterable(
        combinations(open_to_doubt, n) for n in range(len(open_to_doubt) + 1)
    )
    for reading in readings:
        for valid in _validities(sheet):
            yield valid, certain | frozenset(reading)


def _validities(sheet: Sheet) -> tuple[bool, ...]:
    truth = sheet.truth
    if truth is None or truth.ambiguous:
        return (True, False)
    return (truth.valid,)


def _ambiguous(sheet: Sheet | None) -> frozenset[Position]:
    return _marks(sheet.truth.ambiguous) if sheet and sheet.truth else frozenset()


def _marks(marks: Mapping[str, Iterable[str]]) -> frozenset[Position]:
    return frozenset((contest, option) for contest, options in marks.items() for option in options)


def _vote_differences(expected: Tally, found: Tally) -> Counter[Position]:
    differences: Counter[Position] = Counter()
    for contest in {**expected.votes, **found.votes}:
        mine, theirs = expected.votes.get(contest, {}), found.votes.get(contest, {})
        for option in {**mine, **theirs}:
            difference = abs(mine.get(option, 0) - theirs.get(option, 0))
            if difference:
                differences[contest, option] = difference
    return differences


def _judgement(truth: Truth) -> Judgement:
    return Judgement(truth.valid, truth.why, truth.votes, truth.overvotes, truth.undervotes)


def _why(sheet: Sheet) -> str:
    why = sheet.truth.why if sheet.truth else ""
    return why or sheet.group or "no truth given"


def _expected(truth: Truth) -> str:
    match truth.kind:
        case "valid":
            return "it should be accepted as valid"
        case "invalid":
            return "it should be accepted as invalid"
        case "return":
            return f"it should be given back ({' or '.join(truth.reasons) or 'any reason'})"
        case _:
            rather = "valid" if truth.valid else "invalid"
            return f"it should be counted as {rather} or given back"
