"""Reading an urn's printed report by patterns (docs/protocols/urn-tape.md).

How to think about it: a tape is lines of text that somebody's printer made. ``ReportPatterns``
says, as regular expressions with named groups, how each item looks; the defaults read the reports
of ``kalys.protocols.urn.report``, and a profile gives those of its device. ``parse`` takes whatever
it finds and lists what a report of that kind must have and this one has not. It never raises: a bad
report is a finding, not an error.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

# Items that every report must have, and those of some kinds besides (REP-002, REP-005, REP-006,
# MET-001).
_ALWAYS = ("election", "station", "device", "serial", "software", "time", "number", "failures")
_BALLOTS = ("styles", "counted", "valid", "invalid")
_NEEDED: Mapping[str, tuple[str, ...]] = {
    "zero": (*_ALWAYS, *_BALLOTS, "votes", "overvotes", "undervotes"),
    "results": (*_ALWAYS, *_BALLOTS, "votes", "overvotes", "undervotes"),
    "station": (*_ALWAYS, *_BALLOTS, "votes", "overvotes", "undervotes", "urns"),
    "test": (*_ALWAYS, *_BALLOTS, "votes", "overvotes", "undervotes"),
    "status": (*_ALWAYS, *_BALLOTS),
    "parameters": (*_ALWAYS, "parameters"),
}
_NUMBERS = ("number", "counted", "valid", "invalid", "event_counter")
_LISTS = ("styles", "urns")
# No printer has lines of this length; a longer one is noise and would only cost time.
_LONGEST = 1000
_ISO_SECONDS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")


class ReportPatterns(BaseModel):
    """How the items of a printed report look: regular expressions, matched on whole lines."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    titles: dict[str, str] = Field(default_factory=lambda: {
        kind: rf".*\b{kind.upper()} REPORT\s*" for kind in _NEEDED
    }, description="kind of report -> its title line")
    items: dict[str, str] = Field(default_factory=lambda: {
        "election": r".*Election:\s*(?P<value>.*)",
        "station": r".*Station:\s*(?P<value>.*)",
        "device": r".*Device:\s*(?P<value>.*)",
        "serial": r".*Serial:\s*(?P<value>.*)",
        "software": r".*Software:\s*(?P<value>.*)",
        "time": r".*Time:\s*(?P<value>.*)",
        "number": r".*Report:\s*(?P<value>\d+)",
        "styles": r".*Style:\s*(?P<value>.*)",
        "counted": r".*Counted:\s*(?P<value>\d+)",
        "valid": r".*Valid:\s*(?P<value>\d+)",
        "invalid": r".*Invalid:\s*(?P<value>\d+)",
        "failures": r".*Failures:\s*(?P<value>\d+)",
        "event_counter": r".*Event counter:\s*(?P<value>\d+)",
        "urns": r".*Urns:\s*(?P<value>.*)",
    }, description="item -> its line, with the group value")
    contest: str = Field(default=r".*Contest:\s*(?P<contest>\S+)",
                         description="begins the rows of a contest")
    register_row: str = Field(
        default=r"(?P<option>\S+)(?: .*?)?\s+(?P<totals>\d+)\s+(?P<records>\d+)",
        description="one option, with groups option and totals, and records if there is such")
    overvotes: str = Field(default=r".*Overvotes:\s*(?P<value>\d+)")
    undervotes: str = Field(default=r".*Undervotes:\s*(?P<value>\d+)")
    parameter: str = Field(default=r"(?P<name>\S+) = (?P<value>\S+)(?: (?P<unit>\S+))?")
    failure: str = Field(default=r"! (?P<value>.*)")
    end: str = Field(default=r"\s*.*\bEND (?P<value>\d+)\s*")
    continued_word: str = Field(default=r" >(?P<rest>.*)")
    continued: str = Field(default=r"  (?P<rest>\S.*)", description="after a line that wants more")

    @field_validator("contest", "register_row", "overvotes", "undervotes", "parameter", "failure",
                     "end", "continued_word", "continued")
    @classmethod
    def _is_a_pattern(cls, pattern: str) -> str:
        return _checked(pattern)

    @model_validator(mode="after")
    def _groups_are_there(self) -> ReportPatterns:
        for patterns, groups in (
            (self.titles.values(), set()), (self.items.values(), {"value"}),
            ([self.contest], {"contest"}), ([self.register_row], {"option", "totals"}),
            ([self.overvotes, self.undervotes, self.failure], {"value"}),
            ([self.parameter], {"name", "value"}),
            ([self.continued, self.continued_word], {"rest"}),
        ):
            for pattern in patterns:
                lacking = groups - set(re.compile(_checked(pattern)).groupindex)
                if lacking:
                    raise ValueError(f"{pattern!r} lacks the group {', '.join(lacking)}")
        unknown = self.items.keys() - {name for names in _NEEDED.values() for name in names} - {
            "event_counter"}
        if unknown or self.titles.keys() - _NEEDED.keys():
            raise ValueError(f"no such item or kind of report: {sorted(unknown) or self.titles}")
        return self


def parse(lines: Sequence[str], patterns: ReportPatterns | None = None) -> dict[str, Any]:
    """What the lines say.

    Keys: ``kind`` ("zero", "results", "station", "status", "parameters", "test", or empty),
    ``election``, ``station``, ``device``, ``serial``, ``software``, ``time`` (as printed),
    ``number``, ``styles``, ``counted``, ``valid``, ``invalid``, ``failures`` (list of texts),
    ``urns``, ``event_counter``, ``parameters`` (name -> (value, unit)), ``votes`` (contest ->
    option -> number in the totals memory), ``records`` (the same for the records memory),
    ``overvotes`` and ``undervotes`` (contest -> number), ``doubled`` (registers, as
    "contest/option", that stand on the paper more than once; the last one is taken), ``ended``
    (the end mark with the report's number), and ``missing``: the names of items that a report
    of this kind must have. What is not there is None or empty. A time without date, seconds or
    zone is missing.
    """
    return _Reading(patterns or ReportPatterns()).read(lines)


class _Reading:
    """One report while it is read."""

    def __init__(self, patterns: ReportPatterns) -> None:
        self._patterns = patterns
        self._items = {name: re.compile(text) for name, text in patterns.items.items()}
        self._contest: str | None = None
        self._found: dict[str, Any] = {
            "kind": "", **dict.fromkeys([*_ALWAYS, *_NUMBERS]), "failures": [], "ended": False,
            "styles": [], "urns": [], "parameters": {}, "votes": {}, "records": {},
            "overvotes": {}, "undervotes": {}, "doubled": [],
        }
        self._failures_stated: int | None = None

    def read(self, lines: Sequence[str]) -> dict[str, Any]:
        for line in self._joined(lines):
            self._take(line)
        self._found["missing"] = self._missing()
        return self._found

    def _joined(self, lines: Sequence[str]) -> list[str]:
        """The lines with their continuations appended."""
        joined: list[str] = []
        for line in (line[:_LONGEST] for line in lines):
            inside = re.fullmatch(self._patterns.continued_word, line)
            after = re.fullmatch(self._patterns.continued, line)
            if joined and joined[-1].strip() and inside:
                joined[-1] += inside["rest"]
            elif joined and after and self._wants_more(joined[-1]):
                joined[-1] += " " + after["rest"]
            else:
                joined.append(line)
        return joined

    def _wants_more(self, line: str) -> bool:
        """A value begun by a label, a failure or a parameter; not a rule, title or row."""
        texts = [pattern for name, pattern in self._items.items()
                 if name not in _NUMBERS and name != "failures"]
        patterns = [self._patterns.failure, self._patterns.parameter, self._patterns.contest]
        return line.rstrip().endswith(":") or any(p.fullmatch(line) for p in texts) or any(
            re.fullmatch(p, line) for p in patterns)

    def _take(self, line: str) -> None:
        patterns, found = self._patterns, self._found
        for kind, title in patterns.titles.items():
            if not found["kind"] and re.fullmatch(title, line):
                found["kind"] = kind
                return
        # Before the rows: a failure such as "! 3 4" has the shape of a register's row.
        if (match := re.fullmatch(patterns.failure, line)) is not None:
            found["failures"].append(match["value"].strip())
            return
        if self._take_contest(line):
            return
        for name, pattern in self._items.items():
            match = pattern.fullmatch(line)
            if match is not None:
                self._keep(name, match["value"].strip())
                return
        if (match := re.fullmatch(patterns.end, line)) is not None:
            number = match.groupdict().get("value")
            found["ended"] = number is None or found["number"] in (None, int(number))
        elif (match := re.fullmatch(patterns.parameter, line)) is not None:
            found["parameters"][match["name"]] = (
                match["value"], match.groupdict().get("unit") or "")

    def _take_contest(self, line: str) -> bool:
        """Whether the line begins a contest or belongs to the one that was begun."""
        found, patterns = self._found, self._patterns
        if (match := re.fullmatch(patterns.contest, line)) is not None:
            self._contest = match["contest"]
            return True
        if self._contest is None:
            return False
        for name, pattern in (("overvotes", patterns.overvotes),
                              ("undervotes", patterns.undervotes)):
            if (match := re.fullmatch(pattern, line)) is not None:
                found[name][self._contest] = int(match["value"])
                return True
        if (match := re.fullmatch(patterns.register_row, line)) is not None:
            row = found["votes"].setdefault(self._contest, {})
            if match["option"] in row:
                found["doubled"].append(f"{self._contest}/{match['option']}")
            row[match["option"]] = int(match["totals"])
            records = match.groupdict().get("records")
            if records is not None:
                found["records"].setdefault(self._contest, {})[match["option"]] = int(records)
            return True
        return False

    def _keep(self, name: str, value: str) -> None:
        if name == "failures":
            self._failures_stated = int(value)
        elif name in _NUMBERS:
            self._found[name] = int(value)
        elif name in _LISTS:
            self._found[name] = value.split()
        elif self._found[name] is None and value:
            self._found[name] = value

    def _missing(self) -> list[str]:
        found = self._found
        if not found["kind"]:
            return ["kind"]
        missing = [name for name in _NEEDED[found["kind"]]
                   if found[name] in (None, [], {}) and name != "failures"]
        if "time" not in missing and not _ISO_SECONDS.fullmatch(found["time"]):
            missing.append("time")
        if self._failures_stated is None or self._failures_stated != len(found["failures"]):
            missing.append("failures")
        for name in ("records", "overvotes", "undervotes"):
            lacking = found["votes"].keys() - found[name].keys()
            missing += [f"{name} of {contest}" for contest in sorted(lacking)
                        if name not in missing]
        return missing if found["ended"] else [*missing, "end"]


def _checked(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"{pattern!r} is no regular expression: {error}") from error
    return pattern
