"""A shard: the part of a campaign that one worker does at a time.

Think of it as a pure function. An order says which sheets of which deck are to be shown to which
core; the result holds what the core said of each, and what that comes to. `do_shard` is the same in
this process, in a worker process and on a worker of Dask, and asks nobody anything in between: a
deck is made again from its recipe, pictures are drawn where they are read. What costs time to set
up (the core, the renderer) is kept in a `Workbench` from one shard to the next.

SHA-256 of a picture costs more than reading it. So only the picture of a sheet that went wrong is
hashed, and that of one sheet in ``SAMPLED``, by which anyone who draws the deck again can see that
he gets the same pictures.
"""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from kalys import __version__
from kalys.ballots.deck_file import Deck
from kalys.ballots.render import Renderer
from kalys.ballots.templates import layouts_for
from kalys.ballots.volume import GEOMETRIES, volume
from kalys.devices.counting_core import open_core
from kalys.devices.roles import CoreReading, CountingCore
from kalys.election.definition import ElectionDefinition
from kalys.errors import ConfigurationError, KalysError
from kalys.evidence.canonical import canonical
from kalys.evidence.read_times import ReadTimes
from kalys.procedures.comparison import Pair
from kalys.procedures.core_answers import SheetAnswer, answer_of
from kalys.procedures.core_errors import Alike, ErrorPart, error_parts
from kalys.procedures.core_run import given_up, greeting, sha256_of, shown
from kalys.procedures.shard_count import ShardCount, ShardJudge

SAMPLED = 64
"""Of so many sheets that were read right the picture of one is hashed."""
_POOL = 2 * GEOMETRIES + 2      # warped bases: every geometry of a part of the deck, however fed

Tell = Callable[[int], None]
"""Told how many more sheets have been read."""


@dataclass(frozen=True)
class Recipe:
    """How the deck of a campaign is made."""

    builder: str
    style: str
    seed: int
    sheets: int

    def deck(self, definition: ElectionDefinition) -> Deck:
        """The deck; ConfigurationError when there is no such builder."""
        if self.builder != "volume":
            raise ConfigurationError(f"no deck is built by {self.builder!r}")
        return volume(definition, self.style, self.sheets, self.seed)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Recipe:
        """The recipe that ``to_dict`` wrote; TypeError or ValueError when it is none."""
        recipe = cls(**data)
        if not all(isinstance(text, str) for text in (recipe.builder, recipe.style)) or not all(
            isinstance(number, int) for number in (recipe.seed, recipe.sheets)
        ):
            raise ValueError("it is no recipe of a deck")
        return recipe


@dataclass(frozen=True)
class CoreSpec:
    """How a worker opens the core under test."""

    spec: str
    timeout_s: float
    start_s: float


@dataclass(frozen=True)
class ShardOrder:
    """The sheets ``first`` to ``last`` (exclusive) of a deck, for a core.

    ``core`` is None where only the core that is open in this process can be asked. ``kalys`` is the
    version that gave the order: with another the same recipe may give another deck.
    """

    number: int
    first: int
    last: int
    recipe: Recipe
    definition: ElectionDefinition
    core: CoreSpec | None
    give_up_after: int | None = None
    kalys: str = __version__


@dataclass(frozen=True)
class ShardResult:
    """What came of a shard: ``answers`` is the file of them, whole, as it will lie on the disk."""

    number: int
    answers: bytes
    count: ShardCount
    parts: tuple[ErrorPart, ...] = ()
    times: ReadTimes = field(default_factory=ReadTimes)


@dataclass(frozen=True)
class ShardFailure:
    """Why a shard could not be done at all: an error of the few kinds, as plain texts."""

    number: int
    what: str
    where: str | None = None
    remedy: str | None = None

    def error(self) -> KalysError:
        return KalysError(self.what, where=self.where, remedy=self.remedy)


class Workbench:
    """The core and the renderer of one worker. ``core`` and ``renderer`` are given where they are
    open already: then they are not closed here."""

    def __init__(
        self, core: CountingCore | None = None, renderer: Renderer | None = None
    ) -> None:
        self._given = core
        self._core = core
        self._renderer = renderer
        self._told: tuple[str, str, CoreSpec | None] | None = None

    def ready(self, order: ShardOrder) -> tuple[CountingCore, Renderer]:
        """The core, which has been told the style of the order, and the renderer.

        CoreFault, LinkError or ConfigurationError when the core cannot be had.
        """
        wanted = (order.definition.sha256(), order.recipe.style, order.core)
        if self._renderer is None:
            self._renderer = Renderer(layouts_for(order.definition), pool=_POOL)
        if self._told != wanted or self._core is None:
            hello = greeting(order.definition, order.recipe.style)
            if self._given is not None:
                self._given.begin(hello)
            else:
                self.close()
                self._core = _opened(order.core, hello)
            self._told = wanted
        assert self._core is not None
        return self._core, self._renderer

    def close(self) -> None:
        """Close the core that was opened here."""
        if self._given is None and self._core is not None:
            self._core.close()
            self._core = None


def _opened(core: CoreSpec | None, hello: Mapping[str, Any]) -> CountingCore:
    if core is None:
        raise ConfigurationError("this core can only be asked where it is open")
    return open_core(core.spec, "core", hello, timeout_s=core.timeout_s, start_s=core.start_s)


def do_shard(order: ShardOrder, bench: Workbench, tell: Tell) -> ShardResult | ShardFailure:
    """Show the sheets of a shard to the core and judge what it says. Raises nothing of its own: a
    shard that cannot be done says why."""
    if order.kalys != __version__:
        return ShardFailure(
            order.number,
            f"the order comes from Kalys {order.kalys}, the worker has {__version__}",
            remedy="Install the same version everywhere.",
        )
    try:
        return _done(order, bench, tell)
    except KalysError as error:
        return ShardFailure(order.number, error.what, error.where, error.remedy)


def _done(order: ShardOrder, bench: Workbench, tell: Tell) -> ShardResult:
    core, renderer = bench.ready(order)
    deck = order.recipe.deck(order.definition)
    layout = layouts_for(order.definition)[deck.style]
    judge = ShardJudge(deck.contests, deck.style, layout, order.first)
    lines: list[str] = []
    parts: list[ErrorPart] = []
    times, alike = ReadTimes(), Alike()
    silent, ended = 0, ""
    sheets = (deck[i] for i in range(order.first, order.last))
    seen = shown(core, renderer, sheets, layout.sides)
    for place, (sheet, image, read) in enumerate(seen, order.first):
        answer = answer_of(sheet, read, "" if place % SAMPLED else sha256_of(image))
        found = judge.add(sheet, answer)
        if isinstance(read, CoreReading):
            times.add(read.seconds)
        if found is not None:
            answer = answer_of(sheet, read, sha256_of(image))
            parts += error_parts(
                found.pair or Pair(sheet, None), image, renderer.layout(sheet),
                said=found.said, sha256=answer.sha256, alike=alike,
            )
        lines.append(canonical(answer.to_dict()))
        silent = silent + 1 if answer.status == "silent" else 0
        if len(lines) % core.batch == 0:
            tell(core.batch)
        if order.give_up_after is not None and silent >= order.give_up_after:
            ended = given_up(silent, place + 1, order.recipe.sheets)
            break
    tell(len(lines) % core.batch)
    return ShardResult(
        order.number, packed(lines), judge.count(ended), tuple(parts), times
    )


def packed(lines: list[str]) -> bytes:
    """Lines as a file: the same lines give the same bytes."""
    text = "".join(f"{line}\n" for line in lines)
    return gzip.compress(text.encode(), compresslevel=6, mtime=0)


def answers_in(data: bytes, most: int) -> list[SheetAnswer]:
    """The answers in a file; ValueError says what in it is none.

    ``most`` sheets can be in it: a file that unpacks to much more is not read to its end.
    """
    longest = most * 4096
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            text = file.read(longest + 1)
    except (OSError, EOFError) as error:
        raise ValueError(f"it cannot be unpacked: {error}") from error
    if len(text) > longest:
        raise ValueError("it holds more than answers to the sheets of the shard")
    answers = []
    for number, line in enumerate(text.splitlines(), 1):
        try:
            answers.append(SheetAnswer.from_dict(json.loads(line)))
        except (ValueError, TypeError, AttributeError, RecursionError) as error:
            raise ValueError(f"line {number}: {error}") from error
    return answers
