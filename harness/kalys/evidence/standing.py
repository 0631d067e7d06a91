"""Which observations of a journal stand.

A run that was interrupted in the middle of a procedure and continued later runs that procedure
again from its beginning. What the abandoned attempt saw would then be counted twice, so it does not
stand; except for its failures: no interruption may make a failure disappear. In virtual time the
second attempt plays the same sheets on the same device: a failure that it shows again is the same
one, and stands once.

A procedure of several elections says after each that this **part** is done; what was observed until
then stands, and only what came after is abandoned and done again.

A campaign goes on where it was broken off instead: its shards are in the journal one after another,
each followed by what was observed of it, and all of that stands.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kalys.errors import EvidenceError
from kalys.evidence.canonical import canonical
from kalys.evidence.journal import Record, read_journal
from kalys.requirements.observation import Observation

ABANDONED = "abandoned"


@dataclass
class Standing:
    """Observations that stand, procedures that ended, and those that began and did not. ``shards``
    holds the shard records by procedure, with the number of observations before the last one in
    ``before_last``."""

    observations: list[Observation] = field(default_factory=list)
    ended: dict[str, str | None] = field(default_factory=dict)
    open: dict[str, int] = field(default_factory=dict)
    shards: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    before_last: dict[str, int] = field(default_factory=dict)
    left: dict[str, list[Observation]] = field(default_factory=dict)
    """Failures of abandoned attempts, by procedure."""
    parts: dict[str, int] = field(default_factory=dict)
    """How many sheets or cuts of a procedure that has not ended lie in parts that are done."""
    part_ends: dict[str, int] = field(default_factory=dict)

    def add(self, record: Record) -> None:
        """Take the next record of the journal into account."""
        if record.kind == "observation":
            self.observations.append(_observation(record))
        elif record.kind == "procedure":
            _follow(self, record)
        elif record.kind == "shard":
            name = str(record.data.get("procedure"))
            self.shards.setdefault(name, []).append(record.data)
            self.before_last[name] = len(self.observations)
        elif record.kind == "part":
            name = str(record.data.get("procedure"))
            self.parts[name] = int(record.data.get("done", 0))
            self.part_ends[name] = len(self.observations)


def standing(path: Path) -> Standing:
    """Read a journal; EvidenceError names a record that is not what it says it is."""
    found = Standing()
    for record in read_journal(path):
        found.add(record)
    return found


def _follow(found: Standing, record: Record) -> None:
    name, step = record.data.get("id", ""), record.data.get("step")
    if step == "begin":
        if name not in found.open or name not in found.shards:
            found.open[name] = len(found.observations)
    elif step == "end":
        _settle_left(found, name, found.open.pop(name, len(found.observations)))
        found.ended[name] = record.data.get("error")
        found.parts.pop(name, None)
        found.part_ends.pop(name, None)
    elif step == ABANDONED and name in found.open:
        first = max(found.open.pop(name), found.part_ends.get(name, 0))
        kept = [o for o in found.observations[first:] if o.procedure != name or o.failures]
        found.observations[first:] = kept
        _settle_left(found, name, first)
        again = [o for o in kept if o.procedure == name]
        found.left.setdefault(name, []).extend(again)


def _settle_left(found: Standing, name: str, first: int) -> None:
    """Drop what abandoned attempts left that this one, from observation ``first`` on, shows again
    in virtual time: each as often as it is shown."""
    shown = Counter(_content(o) for o in found.observations[first:] if o.procedure == name)
    for old in [o for o in found.left.get(name, ()) if o.time_base == "virtual"]:
        if shown[_content(old)]:
            shown[_content(old)] -= 1
            found.left[name].remove(old)
            found.observations.remove(old)


def _content(observation: Observation) -> str:
    """What an observation says, wherever its evidence stands."""
    return canonical({k: v for k, v in observation.to_dict().items() if k != "evidence"})


def _observation(record: Record) -> Observation:
    try:
        return Observation.from_dict(record.data)
    except (ValueError, TypeError, KeyError) as error:
        raise EvidenceError(
            f"record {record.number} is not an observation: {error}",
            where=f"journal.jsonl:{record.number + 1}",
        ) from error
