"""What the urn keeps without power, as bytes: checked frames on two chips, slots, and registers.

How to think about it. Whatever must survive is written here at the moment it changes, and after a
start everything is read back from here; no object of the running urn outlives its power. Four kinds
of places, each with its own promise:

* An **area** is a list of frames, appended one by one: records of votes, entries of the log. A
  frame carries its number and a keyed BLAKE2s of what it says (RFC 7693). So a frame is wholly
  there or it is not there: a torn one does not match its check, and the numbers show what is
  missing. A bad frame behind the last good one is a write that the power cut broke off; a bad one
  before it has been damaged.
* A **page** in two **slots** (counters): each write goes to the other slot, so that one is always
  whole. The newest whole one counts.
* The **settings**: a snapshot and the changes since, in two areas in turn. When one is full the
  next snapshot erases the other; until that is whole the old one counts.
* **Registers** in ferroelectric memory, written with the bus's speed: numbers that were told to the
  outside and must never be given twice (events, sheets, reports, the event counter), the ring of
  events, and the head of the event log.

Both chips (``flash``) get every write. What one of them has lost the other one gives back.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from kalys.emulators.urn.flash import SEGMENT_BYTES, Condition, Flash, Segment

MAGIC = 0xA5
HEADER = struct.Struct(">BII")        # magic, bytes of the payload, number of the frame
CHECK_BYTES = 8
EVENT_RING = 8192                     # events kept
SETTINGS_BYTES = 4096                 # a sector: so much of changes, then a new snapshot
SLOTS = ("a", "b")
GENERATION = "generation"


class Frame:
    """One frame as it was read. ``value`` is what was understood from its payload, if anything."""

    __slots__ = ("good", "number", "payload", "value")

    def __init__(self, number: int, payload: bytes, good: bool) -> None:
        self.number = number
        self.payload = payload
        self.good = good
        self.value: Any = None


@dataclass(frozen=True)
class Reading:
    """The good frames of an area in order.

    ``unfinished`` counts writes that a power cut broke off, ``damaged`` are the numbers of frames
    that neither chip has any more although later ones are there.
    """

    frames: list[Frame]
    unfinished: int = 0
    damaged: tuple[int, ...] = ()


class Storage:
    """Two chips and the registers of one urn. ``mirrored`` False: only the first chip is used."""

    def __init__(
        self,
        now: Callable[[], int],
        draw: Random,
        *,
        key: bytes,
        page_s: float,
        hold_up_s: float = 0.0,
        mirrored: bool = True,
    ) -> None:
        self.chips = {
            name: Flash(name, now, draw, page_s, hold_up_s) for name in ("primary", "secondary")
        }
        self.registers: dict[str, bytes] = {}
        self.ring: deque[bytes] = deque(maxlen=EVENT_RING)
        self._used = tuple(self.chips.values())[: 2 if mirrored else 1]
        self._key = key
        self._next: dict[str, int] = {}
        # Writes what changed at an earlier moment; called before anything else is written.
        self.earlier: Callable[[], None] = lambda: None

    # Writing

    def append(self, area: str, payload: bytes, *, at: int | None = None) -> None:
        """Write the next frame of an area."""
        self.earlier()
        number = self._next.get(area, 1)
        self._next[area] = number + 1
        frame = _framed(self._key, number, payload)
        for chip in self._used:
            chip.write(area, frame, at=at)

    def begin(self, area: str, payload: bytes, *, at: int | None = None) -> None:
        """Erase an area and write its first frame."""
        self.earlier()
        self._next[area] = 2
        frame = _framed(self._key, 1, payload)
        for chip in self._used:
            chip.write(area, frame, anew=True, at=at)

    def erase(self, area: str) -> None:
        self.earlier()
        self._next.pop(area, None)
        for chip in self._used:
            chip.write(area, b"", anew=True)

    def flush(self) -> None:
        """Wait until everything is written; that time is not lived through."""
        for chip in self._used:
            chip.flush()

    def cut(self) -> None:
        """The power is gone."""
        for chip in self._used:
            chip.cut()
        self._next.clear()

    def set_condition(self, name: str, condition: Condition) -> None:
        """Let a chip fail, be full, or be good again; a good one gets what the other one has."""
        chip = self.chips[name]
        chip.fail(condition)
        sources = [c for c in self._used if c is not chip and c.condition != "failed"]
        if condition == "good" and sources:
            source = sources[0]
            source.flush()
            for area in {*chip.areas, *source.areas}:
                chip.replace(area, [Segment(bytes(s.data)) for s in source.read(area)])

    @property
    def writable(self) -> bool:
        """Whether at least one chip takes what is written."""
        return any(chip.condition == "good" for chip in self._used)

    @property
    def failing(self) -> list[str]:
        """The chips that do not take what is written."""
        return [name for name, chip in self.chips.items() if chip.condition != "good"]

    # Reading back

    def read(self, area: str, *, checked: bool = True) -> Reading:
        """What an area holds; the next frame continues it.

        ``checked`` False takes the first chip's frames as they come, half ones too.
        """
        chips = [[_parsed(self._key, segment) for segment in chip.read(area)]
                 for chip in self._used]
        if not checked:
            frames = [f for parts in chips[:1] for part in parts for f in part if f.number]
            reading = Reading(frames)
        else:
            reading = _merged(chips)
            if not all(_holds(parts, reading.frames) for parts in chips):
                self._mend(area, reading.frames)
        self._next[area] = reading.frames[-1].number + 1 if reading.frames else 1
        return reading

    def rewrite(self, area: str, payloads: Iterable[bytes]) -> None:
        """Put other frames in the place of an area's own, behind the urn's back."""
        frames = [Frame(number, payload, True) for number, payload in enumerate(payloads, 1)]
        self._mend(area, frames)
        self._next[area] = len(frames) + 1

    def damage(self, area: str, number: int) -> bool:
        """Flip a bit of frame ``number`` on every chip; False when there is no such frame."""
        found = False
        for chip in self.chips.values():
            for segment in chip.read(area):
                at = 0
                for frame in _parsed(self._key, segment):
                    if frame.number == number:
                        segment.flip(at + HEADER.size + len(frame.payload) // 2, 0)
                        found = True
                        break
                    at += HEADER.size + len(frame.payload) + CHECK_BYTES
        return found

    def last_number(self, area: str) -> int:
        """The number of the last frame that was written to an area, 0 if none since the start."""
        return self._next.get(area, 1) - 1

    def _mend(self, area: str, frames: list[Frame]) -> None:
        """Bring every chip that works to hold exactly these frames, in whole segments."""
        segments = [Segment()]
        for frame in frames:
            if len(segments[-1].data) >= SEGMENT_BYTES:
                segments.append(Segment())
            segments[-1].append(_framed(self._key, frame.number, frame.payload))
        for chip in self._used:
            if chip.condition == "good":
                copies = [Segment(bytes(segment.data)) for segment in segments if segment.data]
                chip.replace(area, copies)

    def contents(self) -> Mapping[str, bytes]:
        """Every byte that is kept, by place: what a technician would read out of the chips."""
        held = {
            f"{name}/{area}/{number}": bytes(segment.data)
            for name, chip in self.chips.items()
            for area, segments in chip.areas.items()
            for number, segment in enumerate(segments)
        }
        held |= {f"register/{name}": value for name, value in self.registers.items()}
        return held | {f"ring/{number}": event for number, event in enumerate(self.ring)}

    def put(self, contents: Mapping[str, bytes]) -> None:
        """Write the bytes of ``contents`` into chips and registers, in place of what is there."""
        self.registers.clear()
        self.ring.clear()
        for chip in self.chips.values():
            chip.areas.clear()
        for place, data in contents.items():
            kind, _, rest = place.partition("/")
            if kind == "register":
                self.registers[rest] = data
            elif kind == "ring":
                self.ring.append(data)
            else:
                area = rest.rpartition("/")[0]
                self.chips[kind].areas.setdefault(area, []).append(Segment(data))

    # Pages in two slots

    def write_page(self, page: str, number: int, payload: bytes) -> None:
        """Write a page that was written ``number`` times before into the slot whose turn it is."""
        self.begin(f"{page}-{SLOTS[number % 2]}", payload)

    def read_page(self, page: str) -> list[bytes]:
        """The pages that are whole, of either slot."""
        return [
            frames[0].payload
            for slot in SLOTS if (frames := self.read(f"{page}-{slot}").frames)
        ]

    # Registers

    def register(self, name: str) -> int:
        """A number that is told outside; 0 until it was set."""
        return int.from_bytes(self.registers.get(name, b""), "big")

    def set_register(self, name: str, value: int) -> None:
        self.registers[name] = value.to_bytes(8, "big")


class Settings:
    """Named values as a snapshot and changes. ``told(name)`` gives a value as plain data.

    All that changes at one moment is one frame: it is there as a whole after a cut, or not at all.
    """

    def __init__(
        self, storage: Storage, now: Callable[[], int], names: Iterable[str],
        told: Callable[[str], Any],
    ) -> None:
        self._storage = storage
        self._now = now
        self._names = tuple(names)
        self._told = told
        self._changed: dict[str, None] = {}
        self._when = 0
        self._slot = SLOTS[0]
        self._generation = 0
        self._room = 0
        storage.earlier = self._write_earlier

    def _write_earlier(self) -> None:
        if self._changed and self._when < self._now():
            self.sync()

    def changing(self, name: str) -> None:
        """``name`` is about to change."""
        now = self._now()
        if self._changed and self._when != now:
            self.sync()
        self._when = now
        self._changed[name] = None

    def sync(self) -> None:
        """Write what has changed, as of the moment at which it changed."""
        if not self._changed:
            return
        payload = _json({name: self._told(name) for name in self._changed})
        self._changed.clear()
        if len(payload) > self._room:
            self.snapshot(self._when)
            return
        self._room -= len(payload)
        self._storage.append(f"settings-{self._slot}", payload, at=self._when)

    def snapshot(self, at: int | None = None) -> None:
        """Write everything into the other slot, and go on there."""
        self._changed.clear()
        self._generation += 1
        self._slot = SLOTS[self._generation % 2]
        values = {name: self._told(name) for name in self._names}
        self._storage.begin(
            f"settings-{self._slot}", _json({GENERATION: self._generation, **values}), at=at)
        self._room = SETTINGS_BYTES

    def forget_changes(self) -> None:
        """The power is gone: what was not written is not."""
        self._changed.clear()

    def read(self, choose: Callable[[list[int]], int]) -> dict[str, Any]:
        """The values as they were written; ``choose`` picks one of the generations that are whole.

        Empty when there is none.
        """
        found: dict[int, tuple[str, list[dict[str, Any]]]] = {}
        for slot in SLOTS:
            frames = self._storage.read(f"settings-{slot}").frames
            told = [json.loads(frame.payload) for frame in frames]
            if told and GENERATION in told[0]:
                found[told[0][GENERATION]] = (slot, told)
        if not found:
            return {}
        self._generation = choose(sorted(found))
        self._slot, told = found[self._generation]
        self._room = 0                    # the next change begins a fresh sector
        values: dict[str, Any] = {}
        for part in told:
            values |= part
        return values


def _json(values: Mapping[str, Any]) -> bytes:
    return json.dumps(values, separators=(",", ":"), ensure_ascii=False).encode()


def _framed(key: bytes, number: int, payload: bytes) -> bytes:
    body = HEADER.pack(MAGIC, len(payload), number) + payload
    return body + hashlib.blake2s(body, digest_size=CHECK_BYTES, key=key).digest()


def _parsed(key: bytes, segment: Segment) -> list[Frame]:
    """The frames of a segment; one without a number stands for bytes that are none.

    Bytes that have not changed are not read twice: the frames are kept beside the segment.
    """
    known: list[Frame] | None = segment.notes.get("frames")
    if known is not None:
        return known
    data, at, frames = segment.data, 0, []
    while at < len(data):
        end = at + HEADER.size
        magic, length, number = HEADER.unpack_from(data, at) if end <= len(data) else (0, 0, 0)
        if magic != MAGIC or end + length + CHECK_BYTES > len(data):
            frames.append(Frame(0, b"", False))
            break
        payload = bytes(data[end : end + length])
        at = end + length + CHECK_BYTES
        frame = Frame(number, payload, True)
        frame.good = _framed(key, number, payload)[-CHECK_BYTES:] == data[at - CHECK_BYTES : at]
        frames.append(frame)
    segment.notes["frames"] = frames
    return frames


def _merged(chips: list[list[list[Frame]]]) -> Reading:
    """The frames that at least one chip has whole."""
    whole = [[frame for part in parts for frame in part] for parts in chips]
    longest = max(whole, key=len, default=[])
    if all(frame.good for frame in longest) and _consecutive(longest):
        return Reading(longest)
    good: dict[int, Frame] = {}
    bad = 0
    for frames in whole:
        bad = max(bad, sum(not frame.good for frame in frames))
        for frame in frames:
            if frame.good:
                good.setdefault(frame.number, frame)
    last = max(good, default=0)
    damaged = tuple(number for number in range(1, last) if number not in good)
    unfinished = int(bad > len(damaged))
    return Reading([good[number] for number in sorted(good)], unfinished, damaged)


def _consecutive(frames: list[Frame]) -> bool:
    return not frames or (frames[0].number == 1 and frames[-1].number == len(frames))


def _holds(parts: list[list[Frame]], frames: list[Frame]) -> bool:
    """Whether a chip holds these frames and nothing else."""
    held = [frame for part in parts for frame in part]
    return len(held) == len(frames) and all(frame.good for frame in held)
