"""A deck: sheets with known truth, its expected totals, its coverage, its manifest and its file.

A deck file is JSON lines: the manifest first, then one sheet a line with its truth. The manifest
binds the file to the election (SHA-256 of the definition) and to itself (SHA-256 over the sheets'
lines); a file that does not agree with either is refused.

Sheets may be generated when they are asked for (``Generated``), so that a deck of 100,000 costs no
memory.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, overload

from kalys.ballots.marks import kind_of
from kalys.ballots.render import PLAIN
from kalys.ballots.sheet import Sheet, Truth, sheet_from_dict
from kalys.election.definition import Contest, ElectionDefinition, canonical_json
from kalys.election.rules import Judgement
from kalys.election.tally import Tally
from kalys.errors import ConfigurationError

READABLE = ("down-head", "down-foot")
"""Orientations in which an urn that reads one side sees the print."""


class Generated(Sequence[Sheet]):
    """A sequence of ``n`` sheets, each made by ``make(i)`` when it is asked for."""

    def __init__(self, n: int, make: Callable[[int], Sheet]) -> None:
        self._n = n
        self._make = make

    def __len__(self) -> int:
        return self._n

    @overload
    def __getitem__(self, index: int) -> Sheet: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Sheet]: ...
    def __getitem__(self, index: int | slice) -> Sheet | Sequence[Sheet]:
        if isinstance(index, slice):
            return tuple(self._make(i) for i in range(*index.indices(self._n)))
        place = index + self._n if index < 0 else index
        if not 0 <= place < self._n:
            raise IndexError(f"sheet {index} of {self._n}")
        return self._make(place)

    def __iter__(self) -> Iterator[Sheet]:
        return (self._make(i) for i in range(self._n))


@dataclass(frozen=True)
class Coverage:
    """How often each option bears a vote, by orientation: ``count[contest][option][orientation]``.

    ``share`` is the part of all options that are active at least once in every readable
    orientation of the deck (VVSG 2.0 1.1.2-D asks 100 %); ``missing`` names the others.
    """

    style: str
    count: Mapping[str, Mapping[str, Mapping[str, int]]]

    @property
    def missing(self) -> tuple[str, ...]:
        return tuple(
            f"{contest}/{option} {orientation}"
            for contest, options in self.count.items()
            for option, by in options.items()
            for orientation, n in by.items() if n == 0
        )

    @property
    def share(self) -> float:
        places = sum(len(by) for options in self.count.values() for by in options.values())
        return 1 - len(self.missing) / places if places else 0.0


@dataclass(frozen=True)
class Deck:
    """A named sequence of sheets for one ballot style of one election, made from a seed.

    ``parameters`` are whatever else the builder was given or chose, as plain JSON data.
    """

    name: str
    seed: int
    definition: ElectionDefinition
    style: str
    sheets: Sequence[Sheet]
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.sheets)

    def __iter__(self) -> Iterator[Sheet]:
        return iter(self.sheets)

    def __getitem__(self, index: int) -> Sheet:
        return self.sheets[index]

    @property
    def contests(self) -> tuple[Contest, ...]:
        return self.definition.style_contests(self.style)

    @property
    def positions(self) -> int:
        """Ballot positions in the sheets that count: what accuracy is stated per."""
        each = sum(len(contest.options) for contest in self.contests)
        return each * self.tally().sheets

    def group(self, *names: str) -> Deck:
        """The part of the deck whose sheets belong to the named groups."""
        part = tuple(sheet for sheet in self if sheet.group in names)
        return Deck(f"{self.name}/{'+'.join(names)}", self.seed, self.definition, self.style, part)

    def tally(self, counted: Collection[str] | None = None) -> Tally:
        """The expected totals of the sheets that a correct device must count.

        With ``counted`` (ids of the sheets that were accepted) the totals of exactly those: for
        decks whose sheets may be counted or returned. A sheet given twice counts once.
        """
        total = Tally(self.contests)
        for sheet in self:
            truth = sheet.truth
            if truth is None or truth.kind == "return":
                continue
            if truth.counted if counted is None else sheet.id in counted:
                total.add(_judgement(truth))
        return total

    def coverage(self) -> Coverage:
        """Which options bear a counted vote in which orientation."""
        used = {s.orientation for s in self if s.truth and s.truth.counted} or {READABLE[0]}
        count = {
            contest.id: {option: dict.fromkeys(sorted(used), 0) for option in contest.option_ids}
            for contest in self.contests
        }
        for sheet in self:
            if sheet.truth is None or sheet.truth.kind != "valid":
                continue
            for contest_id, options in sheet.truth.votes.items():
                for option in options:
                    count[contest_id][option][sheet.orientation] += 1
        return Coverage(self.style, count)

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """What the deck is: name, seed, election, counts by group, parameters, expected
        totals, SHA-256."""
        digest, groups = hashlib.sha256(), dict[str, int]()
        for sheet in self:
            digest.update(_line(sheet))
            groups[sheet.group] = groups.get(sheet.group, 0) + 1
        return {
            "deck": self.name,
            "seed": self.seed,
            "election": self.definition.id,
            "election_sha256": self.definition.sha256(),
            "style": self.style,
            "sheets": len(self),
            "groups": groups,
            "parameters": dict(self.parameters),
            "truth": self.tally().to_dict(),
            "sha256": digest.hexdigest(),
        }

    def check(self, definition: ElectionDefinition, style: str | None = None) -> None:
        """Raise ConfigurationError unless the deck was made for this election (and style)."""
        if self.definition.sha256() != definition.sha256():
            raise ConfigurationError(
                f"the deck is for election {self.definition.id} "
                f"({self.definition.sha256()[:12]}), the bench for {definition.id} "
                f"({definition.sha256()[:12]})",
                where=f"deck {self.name}", remedy="Make the deck again for this election.",
            )
        if style is not None and style != self.style:
            raise ConfigurationError(
                f"the deck is for style {self.style}, the urn counts {style}",
                where=f"deck {self.name}",
            )

    def save(self, path: Path) -> None:
        """Write manifest and sheets as JSON lines."""
        with path.open("wb") as file:
            file.write(canonical_json(self.manifest) + b"\n")
            for sheet in self:
                file.write(_line(sheet))


def load_deck(path: Path, definition: ElectionDefinition) -> Deck:
    """The deck in a file; ConfigurationError names the line, or what does not agree."""
    try:
        lines = path.read_bytes().splitlines(keepends=True)
    except OSError as error:
        raise ConfigurationError(f"cannot be read: {error}", where=str(path)) from error
    manifest = _manifest(lines, path)
    if manifest["election_sha256"] != definition.sha256():
        raise ConfigurationError(
            f"the deck is for election {manifest['election']} "
            f"({str(manifest['election_sha256'])[:12]}), not for {definition.id} "
            f"({definition.sha256()[:12]})",
            where=str(path), remedy="Name the election that the deck was made for (--election), "
            "or make the deck again for this one.",
        )
    definition.style(manifest["style"])     # or an error that names the styles there are
    digest = hashlib.sha256(b"".join(lines[1:])).hexdigest()
    if digest != manifest["sha256"]:
        raise ConfigurationError(
            f"the sheets were changed: SHA-256 {digest[:12]}, manifest {manifest['sha256'][:12]}",
            where=str(path), remedy="Make the deck again: the same kind, style, number of sheets "
            "and seed give the same bytes.",
        )
    sheets = tuple(
        _sheet(line, f"{path}:{number}", definition, manifest["style"])
        for number, line in enumerate(lines[1:], 2)
    )
    ids = Counter(sheet.id for sheet in sheets)
    if ids and ids.most_common(1)[0][1] > 1:
        raise ConfigurationError(
            f"two sheets are called {ids.most_common(1)[0][0]}", where=str(path)
        )
    parameters = manifest.get("parameters", {})
    if not isinstance(parameters, dict):
        raise ConfigurationError("the manifest's parameters are no object", where=f"{path}:1")
    deck = Deck(
        manifest["deck"], manifest["seed"], definition, manifest["style"], sheets, parameters
    )
    for name, value in deck.manifest.items():
        if manifest.get(name) != value:
            raise ConfigurationError(
                f"manifest and sheets do not agree: {_differing(name, manifest.get(name), value)}",
                where=str(path), remedy="Make the deck again.",
            )
    return deck


def _differing(name: str, told: object, found: object) -> str:
    """The first thing in which what the manifest tells differs from what is found."""
    if isinstance(told, Mapping) and isinstance(found, Mapping):
        for key in sorted({*told, *found}, key=str):
            if told.get(key) != found.get(key):
                return _differing(f"{name}.{key}", told.get(key), found.get(key))
    said = "nothing" if told is None else repr(told)
    return f"{name} is {said} in the manifest, {found!r} by the sheets"


def _manifest(lines: list[bytes], path: Path) -> dict[str, Any]:
    try:
        manifest = json.loads(lines[0]) if lines else None
    except (ValueError, RecursionError):
        manifest = None
    wanted = {"deck": str, "seed": int, "election_sha256": str, "style": str, "sha256": str}
    if not isinstance(manifest, dict) or any(
        not isinstance(manifest.get(name), kind) for name, kind in wanted.items()
    ):
        raise ConfigurationError(
            "the first line is not the manifest of a deck", where=f"{path}:1",
            remedy="Decks are made by `kalys deck make`.",
        )
    return manifest


def _sheet(line: bytes, where: str, definition: ElectionDefinition, style: str) -> Sheet:
    try:
        sheet = sheet_from_dict(json.loads(line))
        _fits(sheet, definition, style)
    except (ValueError, RecursionError, ConfigurationError) as error:
        remedy = error.remedy if isinstance(error, ConfigurationError) else None
        said = error.what if isinstance(error, ConfigurationError) else error
        raise ConfigurationError(str(said), where=where, remedy=remedy) from error
    return sheet


def _fits(sheet: Sheet, definition: ElectionDefinition, style: str) -> None:
    """ConfigurationError unless marks and truth of a sheet are such as there are: a mark at an
    option that is not printed would leave no trace in a picture."""
    for mark in sheet.marks:
        kind = kind_of(mark)
        strange = sorted(set(mark.params) - set(kind.ranges))
        if strange:
            raise ConfigurationError(
                f"a {mark.kind} has no parameter {strange[0]}",
                remedy=f"It has: {', '.join(kind.ranges)}",
            )
    counts = sheet.truth is not None and sheet.truth.kind != "return"
    if counts and (sheet.election, sheet.style) != (definition.id, style):
        raise ConfigurationError(
            f"a sheet of {sheet.election}/{sheet.style} counts in a deck of {style}"
        )
    if sheet.election != definition.id or sheet.style == PLAIN:
        return                                  # a foreign ballot, or no ballot at all
    contests = {c.id: c.option_ids for c in definition.style_contests(sheet.style)}
    places = [(mark.contest, mark.option) for mark in sheet.marks]
    if sheet.truth is not None:
        truth = sheet.truth
        for options in (truth.marks, truth.votes, truth.ambiguous):
            places += [(contest, option) for contest in options for option in options[contest]]
        places += [(c, contests.get(c, ("",))[0]) for c in (*truth.overvotes, *truth.undervotes)]
    for contest, option in places:
        if option not in contests.get(contest, ()):
            raise ConfigurationError(f"{sheet.style} has no option {contest}/{option}")


def _line(sheet: Sheet) -> bytes:
    return canonical_json(sheet.to_dict()) + b"\n"


def _judgement(truth: Truth) -> Judgement:
    reason = "" if truth.valid else "invalid"
    return Judgement(truth.valid, reason, truth.votes, truth.overvotes, truth.undervotes)
