"""One sheet of paper: its print, a voter's marks, what the paper suffered, and the truth.

Think of a sheet as a recipe for a picture. ``Renderer.scan`` cooks it, a reader looks at the
picture, and only the suite that fed the sheet knows the ``truth``. What goes over the world's
control link is ``Sheet.physical()``: the same without the truth, so that no emulator can peek.

Lengths are millimetres, angles degrees; x runs right and y down from the upper left corner of the
printed face. Densities run from 0 (paper) to 1 (black as the timing marks).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from kalys.ballots.stock import USUAL_STOCK, Stock
from kalys.errors import ConfigurationError

MOST = 10_000.0
"""No length, angle or share of anything on paper is larger: mm, degrees."""
TRUTHS = ("valid", "invalid", "return", "any-but-miscounted")
"""Kinds of truth."""
ORIENTATIONS = ("down-head", "down-foot", "up-head", "up-foot")
"""Printed face down or up, head or foot first. An urn's sensor looks at the lower side, so that
"up-*" shows it the back."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A mark made by a person at one target. ``kind`` is one of ``kalys.ballots.marks.KINDS``;
    ``params`` override that kind's physical parameters."""

    contest: str
    option: str
    kind: str
    params: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fold:
    """A fold through (x, y), ``angle_deg`` from the horizontal: a thin line with a soft shadow."""

    x: float
    y: float
    angle_deg: float = 0.0
    width_mm: float = 0.3
    depth: float = 0.2


@dataclass(frozen=True, slots=True)
class Stain:
    """A round stain on the paper, darker at its rim."""

    x: float
    y: float
    radius_mm: float
    depth: float = 0.15


@dataclass(frozen=True, slots=True)
class Streak:
    """A line along the whole feed from dirt on the sensor, ``x`` mm from the sensor's left end."""

    x: float
    width_mm: float = 0.15
    depth: float = 0.7


@dataclass(frozen=True, slots=True)
class Tear:
    """A corner torn off: "head-left", "head-right", "foot-left" or "foot-right", with its legs."""

    corner: str
    along_mm: float
    down_mm: float


@dataclass(frozen=True, slots=True)
class Notch:
    """A piece torn out of an edge ("left", "right", "head" or "foot"), its middle ``at_mm`` from
    the upper or left end of that edge, ``along_mm`` long and ``deep_mm`` deep."""

    edge: str
    at_mm: float
    along_mm: float
    deep_mm: float


@dataclass(frozen=True, slots=True)
class Scrawl:
    """A pen's zigzag anywhere on the paper, for example across timing marks; (x, y) its middle."""

    x: float
    y: float
    width_mm: float
    height_mm: float
    pen_mm: float = 0.6
    density: float = 0.9


@dataclass(frozen=True, slots=True)
class Label:
    """A piece of white paper glued over the print, or print that was rubbed off; (x, y) its
    middle."""

    x: float
    y: float
    width_mm: float
    height_mm: float


@dataclass(frozen=True, slots=True)
class Paper:
    """What happened to the paper on its way past the sensor.

    ``skew_deg`` turns clockwise about the middle of the page; ``shift_mm`` moves it (right, down);
    ``stretch`` lengthens it along the feed (0.01 is one per cent); ``noise`` is the standard
    deviation of the sensor's noise and ``brightness`` its offset, both as a share of full scale;
    ``contrast`` scales densities; ``background`` is the grey level behind the paper (0 to 255).
    ``perspective`` says by which share the sheet's foot is seen wider than its head, and its right
    edge longer than its left. ``crop_mm`` is what the sensor misses (left, top, right, bottom).
    ``follower_mm`` is how far a second, unmarked ballot of the same style, drawn in beneath, shows
    behind the foot: a double feed. ``stock`` is what the sheet is made of.
    """

    skew_deg: float = 0.0
    shift_mm: tuple[float, float] = (0.0, 0.0)
    stretch: float = 0.0
    noise: float = 0.012
    brightness: float = 0.0
    contrast: float = 1.0
    background: int = 206
    folds: tuple[Fold, ...] = ()
    stains: tuple[Stain, ...] = ()
    streaks: tuple[Streak, ...] = ()
    tears: tuple[Tear, ...] = ()
    notches: tuple[Notch, ...] = ()
    scrawls: tuple[Scrawl, ...] = ()
    labels: tuple[Label, ...] = ()
    perspective: tuple[float, float] = (0.0, 0.0)
    crop_mm: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    follower_mm: float = 0.0
    stock: Stock = USUAL_STOCK


@dataclass(frozen=True, slots=True)
class Truth:
    """What a correct device does with a sheet.

    ``kind`` is one of

    - "valid": accepted as valid, counting exactly ``votes``;
    - "invalid": accepted as invalid;
    - "return": given back with a reason in ``reasons``, never counted;
    - "any-but-miscounted": counted exactly as told here (valid or invalid by ``valid``), or given
      back with a reason in ``reasons``; any other count is an error. Where marks are declared
      ambiguous (``ambiguous``), each of them may be read either way.

    ``marks`` are the options that bear a mark, ``votes`` those that count; ``overvotes`` and
    ``undervotes`` are per contest, 0 or 1. ``reasons`` are words of
    ``kalys.protocols.urn.messages.ReturnReason``. ``why`` says it to a person.
    """

    kind: str
    valid: bool = False
    marks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    votes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    overvotes: Mapping[str, int] = field(default_factory=dict)
    undervotes: Mapping[str, int] = field(default_factory=dict)
    ambiguous: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()
    why: str = ""

    @property
    def counted(self) -> bool:
        """Whether a correct device must count the sheet (as valid or as invalid)."""
        return self.kind in ("valid", "invalid")

    def accepts(self, outcome: str, reason: str = "") -> bool:
        """Whether ``outcome`` ("valid", "invalid" or "returned", with its ``reason``) is right.

        Only the compartment and the reason are judged here; votes show in records and totals.
        """
        if outcome == "returned":
            may = self.kind in ("return", "any-but-miscounted")
            return may and (not self.reasons or reason in self.reasons)
        if self.kind == "any-but-miscounted":
            return bool(self.ambiguous) or outcome == ("valid" if self.valid else "invalid")
        return outcome == self.kind


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet. ``group`` names the part of the deck it belongs to; ``seed`` fixes whatever is
    random in its picture. ``style`` is a style of ``election``, or "plain" for blank paper.

    ``printed`` is empty, or says of a misprint what stands in the places of front and back: "front"
    and "back" of the style, or another style's ("STYLE/back")."""

    id: str
    election: str
    style: str
    marks: tuple[Mark, ...] = ()
    paper: Paper = Paper()
    orientation: str = "down-head"
    seed: int = 0
    truth: Truth | None = None
    group: str = ""
    printed: tuple[str, ...] = ()

    def physical(self) -> dict[str, Any]:
        """The sheet as plain data without its truth and group; what may leave the suite.

        Of the paper only what is not as usual is told.
        """
        told = {
            "id": self.id, "election": self.election, "style": self.style,
            "marks": [
                {"contest": m.contest, "option": m.option, "kind": m.kind, "params": dict(m.params)}
                for m in self.marks
            ],
            "paper": _unusual(self.paper), "orientation": self.orientation, "seed": self.seed,
        }
        return told | {"printed": list(self.printed)} if self.printed else told

    def to_dict(self) -> dict[str, Any]:
        """The whole sheet as plain data, truth included: what a deck file holds."""
        data = asdict(self)
        if self.paper.stock == USUAL_STOCK:
            del data["paper"]["stock"]
        if not self.printed:
            del data["printed"]
        return data


def _unusual(paper: Paper) -> dict[str, Any]:
    """The fields of a paper that differ from a usual one's, as plain data."""
    told: dict[str, Any] = {}
    for name, usual in _USUAL_PAPER:
        value = getattr(paper, name)
        if isinstance(value, Stock):
            told |= {name: value.unusual()} if value != usual else {}
        elif value != usual:
            parts = isinstance(value, tuple) and not isinstance(value[0], float | int)
            told[name] = [asdict(part) for part in value] if parts else value
    return told


_USUAL_PAPER = tuple((f.name, getattr(Paper(), f.name)) for f in fields(Paper))


def physical_sheet(data: Mapping[str, Any]) -> Sheet:
    """The sheet that ``Sheet.physical`` described; ConfigurationError names what is wrong."""
    return _sheet({k: v for k, v in data.items() if k not in ("truth", "group")})


def sheet_from_dict(data: Mapping[str, Any]) -> Sheet:
    """The sheet that ``Sheet.to_dict`` described, truth included."""
    return _sheet(data)


def _sheet(data: Mapping[str, Any]) -> Sheet:
    try:
        values = dict(data)
        values["marks"] = tuple(_mark(mark) for mark in values.get("marks", ()))
        values["paper"] = _paper(values.get("paper", {}))
        if values.get("truth") is not None:
            values["truth"] = _truth(values["truth"])
        values["printed"] = _printed(values.get("printed", ()))
        sheet: Sheet = _make(Sheet, values)
    except (TypeError, ValueError, AttributeError, KeyError) as error:
        raise ConfigurationError(
            f"not a sheet: {error}", where=f"sheet {_name(data)}"
        ) from error
    if sheet.orientation not in ORIENTATIONS:
        raise ConfigurationError(
            f"no such orientation: {sheet.orientation}",
            where=f"sheet {sheet.id}",
            remedy=f"One of: {', '.join(ORIENTATIONS)}",
        )
    return sheet


def _name(data: object) -> str:
    return str(data.get("id", "?")) if isinstance(data, Mapping) else "?"


def _make(kind: type[Any], data: Mapping[str, Any]) -> Any:
    """``kind(**data)`` with numbers as numbers and without surprises."""
    known = {f.name for f in fields(kind)}
    strange = set(data) - known
    if strange:
        raise ValueError(f"{kind.__name__} has no field {sorted(strange)[0]}")
    values = dict(data)
    for f in fields(kind):
        if f.name in values and f.type == "int":
            if isinstance(values[f.name], bool) or not isinstance(values[f.name], int):
                raise ValueError(f"{kind.__name__}.{f.name} is not a whole number")
        elif f.name in values and f.type == "float":
            _number(values[f.name], f"{kind.__name__}.{f.name}")
        elif f.name in values and f.type == "str" and not isinstance(values[f.name], str):
            raise ValueError(f"{kind.__name__}.{f.name} is not text")
    return kind(**values)


def _number(value: Any, name: str) -> float:
    """``value`` as a number that paper may have; ValueError if it is none."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"{name} is not a number")
    if not abs(value) <= MOST:      # NaN as well
        raise ValueError(f"{name} is {value:g}, which no paper has")
    return float(value)


def _mark(data: Mapping[str, Any]) -> Mark:
    mark: Mark = _make(Mark, data)
    for name, value in mark.params.items():
        _number(value, f"{mark.kind}.{name}")
    return mark


def _paper(data: Mapping[str, Any]) -> Paper:
    values = dict(data)
    parts = {
        "folds": Fold, "stains": Stain, "streaks": Streak, "tears": Tear, "notches": Notch,
        "scrawls": Scrawl, "labels": Label,
    }
    for name, kind in parts.items():
        values[name] = tuple(_make(kind, part) for part in values.get(name, ()))
    if "stock" in values:
        values["stock"] = _make(Stock, values["stock"])
    for name, size in (("shift_mm", 2), ("perspective", 2), ("crop_mm", 4)):
        if name in values:
            numbers = tuple(_number(number, f"Paper.{name}") for number in values[name])
            if len(numbers) != size:
                raise ValueError(f"Paper.{name} takes {size} numbers, not {len(numbers)}")
            values[name] = numbers
    paper: Paper = _make(Paper, values)
    if not 0 <= paper.background <= 255:
        raise ValueError(f"Paper.background is {paper.background}, not a grey level of 0 to 255")
    return paper


def _printed(data: Sequence[Any]) -> tuple[str, ...]:
    if len(data) not in (0, 2) or not all(isinstance(face, str) for face in data):
        raise ValueError("Sheet.printed names two faces")
    return tuple(data)


def _truth(data: Mapping[str, Any]) -> Truth:
    values = dict(data)
    for name in ("marks", "votes", "ambiguous"):
        values[name] = _options(values.get(name, {}))
    values["reasons"] = tuple(values.get("reasons", ()))
    truth: Truth = _make(Truth, values)
    if truth.kind not in TRUTHS:
        raise ValueError(f"no such truth: {truth.kind}; there are {', '.join(TRUTHS)}")
    return truth


def _options(data: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    return {contest: tuple(options) for contest, options in data.items()}
