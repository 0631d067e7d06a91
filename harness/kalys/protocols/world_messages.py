"""What crosses the control link of an emulated world: commands and notifications, as dataclasses.

Their fields are the JSON keys (docs/protocols/world-link.md). They are checked strictly, no unknown
key and no number in a text, because the other side may be anybody. ``kalys.protocols.world`` turns
them into lines and back, and offers their names.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Strict

Text = Annotated[str, Strict()]
Whole = Annotated[int, Strict()]
YesNo = Annotated[bool, Strict()]
Number = Annotated[float, Strict()]      # whole numbers as well


class _Checked:
    __pydantic_config__ = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True)
class Hello(_Checked):
    """Ask who is there. Answer: ``protocol``, ``urns`` (names), ``time`` (ns of the world)."""

    do: Literal["hello"] = "hello"


@dataclass(frozen=True, slots=True)
class Define(_Checked):
    """Give the urn's world what it needs to draw sheets: the election and its layouts by style.

    Answer: ``styles``, the style codes now known.
    """

    urn: Text
    election: dict[str, Any]
    layouts: dict[str, Any]
    do: Literal["define"] = "define"


@dataclass(frozen=True, slots=True)
class Insert(_Checked):
    """Offer sheets at the throat; two or more lie on one another, each ``overlap_mm`` behind.

    ``sheets`` are physical sheets. Answered at once; the sheet waits at the throat until the
    urn's feed motor takes it, and ``gate`` notifications tell when.
    """

    urn: Text
    sheets: list[dict[str, Any]]
    overlap_mm: Number = 0.0
    do: Literal["insert"] = "insert"


@dataclass(frozen=True, slots=True)
class Image(_Checked):
    """Offer a sheet whose scan is this PNG (base64; 8-bit grey, 200 dpi), e.g. of a real ballot."""

    urn: Text
    sheet: Text
    png: Text
    do: Literal["image"] = "image"


@dataclass(frozen=True, slots=True)
class PullBack(_Checked):
    """Pull at the sheet that is being drawn in. Answer: ``pulled``, false when it was too late."""

    urn: Text
    do: Literal["pull_back"] = "pull_back"


@dataclass(frozen=True, slots=True)
class JamNext(_Checked):
    """Make the next sheet stick ``at_mm`` behind the throat."""

    urn: Text
    at_mm: Number
    do: Literal["jam_next"] = "jam_next"


@dataclass(frozen=True, slots=True)
class ClearJam(_Checked):
    """Open the cover, take the stuck sheet out, close. Answer: ``sheet``, its id or null."""

    urn: Text
    do: Literal["clear_jam"] = "clear_jam"


@dataclass(frozen=True, slots=True)
class Returned(_Checked):
    """Take what came back out of the throat since the last call. Answer: ``sheets``, ids."""

    urn: Text
    do: Literal["returned"] = "returned"


@dataclass(frozen=True, slots=True)
class Box(_Checked):
    """Look into the box. Answer: ``valid`` and ``invalid``, ids in order of arrival."""

    urn: Text
    do: Literal["box"] = "box"


@dataclass(frozen=True, slots=True)
class EmptyBox(_Checked):
    """Empty both compartments."""

    urn: Text
    do: Literal["empty_box"] = "empty_box"


@dataclass(frozen=True, slots=True)
class Cover(_Checked):
    """Open or close the cover."""

    urn: Text
    open: YesNo
    do: Literal["cover"] = "cover"


@dataclass(frozen=True, slots=True)
class Media(_Checked):
    """Put the memory stick in or take it out."""

    urn: Text
    inserted: YesNo
    do: Literal["media"] = "media"


@dataclass(frozen=True, slots=True)
class Battery(_Checked):
    """Connect or disconnect the backup battery."""

    urn: Text
    connected: YesNo
    do: Literal["battery"] = "battery"


@dataclass(frozen=True, slots=True)
class Roll(_Checked):
    """Take the printer's paper roll out (``empty``) or put a new one in."""

    urn: Text
    empty: YesNo
    do: Literal["roll"] = "roll"


@dataclass(frozen=True, slots=True)
class Display(_Checked):
    """Read the voter's display. Answer: ``text``."""

    urn: Text
    do: Literal["display"] = "display"


@dataclass(frozen=True, slots=True)
class WatchDisplay(_Checked):
    """Look at the voter's display all the time (``on``), or no more: every change is notified.

    Answer: ``text``, what it shows now.
    """

    urn: Text
    on: YesNo
    do: Literal["watch_display"] = "watch_display"


@dataclass(frozen=True, slots=True)
class DisturbCounter(_Checked):
    """Flip a stored counter behind the urn's back."""

    urn: Text
    contest: Text
    option: Text
    value: Whole
    do: Literal["disturb_counter"] = "disturb_counter"


@dataclass(frozen=True, slots=True)
class TamperLog(_Checked):
    """Change the stored log behind the urn's back, at entry ``index`` (from 0)."""

    urn: Text
    how: Literal["flip", "truncate", "swap", "delete"]
    index: Whole
    do: Literal["tamper_log"] = "tamper_log"


@dataclass(frozen=True, slots=True)
class Cable(_Checked):
    """Unplug a cable of the urn, its host's link or its printer's, or plug it in again."""

    urn: Text
    port: Literal["link", "printer"]
    connected: YesNo
    do: Literal["cable"] = "cable"


@dataclass(frozen=True, slots=True)
class MemoryChip(_Checked):
    """Let one of the urn's two memories fail, be full, or be good again."""

    urn: Text
    chip: Literal["primary", "secondary"]
    condition: Literal["good", "failed", "full"]
    do: Literal["memory_chip"] = "memory_chip"


@dataclass(frozen=True, slots=True)
class KeySwitch(_Checked):
    """Turn the key in the urn's key switch on, or off and take it out."""

    urn: Text
    turned: YesNo
    do: Literal["key_switch"] = "key_switch"


@dataclass(frozen=True, slots=True)
class DamageMemory(_Checked):
    """Flip a bit of a stored vote record or log entry on both memories; ``index`` from 0."""

    urn: Text
    what: Literal["votes", "log"]
    index: Whole
    do: Literal["damage_memory"] = "damage_memory"


Command = (
    Hello | Define | Insert | Image | PullBack | JamNext | ClearJam | Returned | Box | EmptyBox
    | Cover | Media | Battery | Roll | Display | WatchDisplay | DisturbCounter | TamperLog | Cable
    | MemoryChip | DamageMemory | KeySwitch
)


@dataclass(frozen=True, slots=True)
class GateCrossed(_Checked):
    """A light barrier saw an edge of a sheet; ``t`` is ns of the world's clock."""

    urn: Text
    gate: Literal["entry", "exit"]
    edge: Literal["lead", "trail"]
    sheet: Text
    t: Whole
    event: Literal["gate"] = "gate"


@dataclass(frozen=True, slots=True)
class SheetReturned(_Checked):
    """A sheet came back out of the throat."""

    urn: Text
    sheet: Text
    t: Whole
    event: Literal["returned"] = "returned"


@dataclass(frozen=True, slots=True)
class SheetBoxed(_Checked):
    """A sheet fell into a compartment."""

    urn: Text
    sheet: Text
    compartment: Literal["valid", "invalid"]
    t: Whole
    event: Literal["boxed"] = "boxed"


@dataclass(frozen=True, slots=True)
class SheetStuck(_Checked):
    """A sheet stopped inside, its head ``at_mm`` behind the throat."""

    urn: Text
    sheet: Text
    at_mm: Number
    t: Whole
    event: Literal["stuck"] = "stuck"


@dataclass(frozen=True, slots=True)
class DisplayChanged(_Checked):
    """The voter's display, which is watched, shows something else."""

    urn: Text
    text: Text
    t: Whole
    event: Literal["display"] = "display"


Notification = GateCrossed | SheetReturned | SheetBoxed | SheetStuck | DisplayChanged
