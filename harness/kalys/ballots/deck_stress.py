"""Decks that wear on paper: damage as it happens, and every effect climbing beyond its range.

Sheets bear ordinary marks; what they suffered decides by ``kalys.ballots.effects`` whether they
must be counted or may come back. None may be counted otherwise than marked.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import replace

from kalys.ballots.deck_file import Deck
from kalys.ballots.deck_maker import DeckMaker
from kalys.ballots.layout import Layout, track_centres
from kalys.ballots.sheet import Fold, Label, Notch, Paper, Scrawl, Stain, Streak, Tear
from kalys.ballots.truth import truth_on_paper
from kalys.ballots.volume import draw_fold
from kalys.election.definition import ElectionDefinition

_CORNERS = ("head-left", "head-right", "foot-left", "foot-right")
_MOST = 2.5     # times the declared range
_TOGETHER = 3   # effects on one sheet


def damaged(definition: ElectionDefinition, style: str, n: int, seed: int) -> Deck:
    """Torn, stained, streaked, crumpled, faint and badly fed sheets (PAP-005): counted as marked or
    given back, never miscounted."""
    bench = DeckMaker.of(definition, style, "damaged", seed)
    sheets = []
    for i in range(n):
        group, paper = _damage(bench.rng, i)
        put = bench.on_both_sides(
            [bench.drawn(bench.deciding.id, bench.tick().option, ("tick", "cross"))]
        )
        way = bench.way(i)
        truth = truth_on_paper(
            bench.contests, put, paper, bench.layout, orientation=way, why=group
        )
        sheets.append(bench.sheet(group, put, paper, way, truth=truth))
    return bench.deck("damaged", seed, sheets)


def _damage(r: random.Random, i: int) -> tuple[str, Paper]:
    """One kind of damage after the other."""
    corner = r.choice(("head-left", "head-right", "foot-left", "foot-right"))
    sign = r.choice((-1, 1))
    kinds = (
        ("torn", Paper(tears=(Tear(corner, r.uniform(10, 70), r.uniform(10, 70)),))),
        ("stained", Paper(stains=tuple(
            Stain(r.uniform(10, 200), r.uniform(10, 287), r.uniform(5, 30), r.uniform(0.1, 0.25))
            for _ in range(3)))),
        ("streaked", Paper(streaks=tuple(
            Streak(r.uniform(5, 205), r.uniform(0.1, 0.5), r.uniform(0.5, 1)) for _ in range(2)))),
        ("crumpled", Paper(folds=tuple(draw_fold(r) for _ in range(9)))),
        ("skewed", Paper(skew_deg=sign * r.uniform(3.5, 12))),
        ("shifted", Paper(shift_mm=(sign * r.uniform(6, 30), r.uniform(-20, 20)))),
        ("stretched", Paper(stretch=sign * r.uniform(0.012, 0.05))),
        ("faint", Paper(contrast=round(r.uniform(0.2, 0.7), 2), noise=0.03)),
        ("dark", Paper(brightness=-round(r.uniform(0.1, 0.5), 2), noise=0.03)),
    )
    return kinds[i % len(kinds)]


def paper_stress(definition: ElectionDefinition, style: str, n: int, seed: int) -> Deck:
    """Each effect of paper and sensor climbing from nothing to far beyond its declared range, then
    several together inside it, and several together anywhere (PAP-005, MRK-002).

    The group names the effect, or is "together" or "worst". Strengths are spread evenly over the
    sheets of a group whatever ``n`` is.
    """
    bench = DeckMaker.of(definition, style, "paper-stress", seed)
    groups = (*_EFFECTS, "together", "worst")
    rounds = -(-n // len(groups))
    sheets = []
    for i in range(n):
        group, step = groups[i % len(groups)], i // len(groups)
        strength = (step + bench.rng.random()) / rounds
        way = bench.way(step)
        paper = _stressed(bench, group, strength, way)
        put = bench.on_both_sides([bench.drawn(bench.deciding.id, bench.tick().option)])
        sheets.append(bench.sheet(group, put, paper, way))
    return bench.deck("paper-stress", seed, sheets, {
        "effects": list(_EFFECTS), "beyond": _MOST, "together": _TOGETHER,
    })


def _stressed(bench: DeckMaker, group: str, strength: float, orientation: str) -> Paper:
    """Paper with one effect of a strength from 0 to 1, or several, on the side that lies below."""
    r, layout = bench.rng, bench.layout
    if orientation.startswith("up"):
        layout = layout.model_copy(update={"faces": {"front": layout.faces["back"]}})
    if group in _EFFECTS:
        return _EFFECTS[group](Paper(), _MOST * strength, r, layout)
    names = r.sample(list(_IN_RANGE if group == "together" else _EFFECTS), _TOGETHER)
    paper = Paper()
    for name in names:
        most = 1.0 if group == "together" else _MOST
        paper = _EFFECTS[name](paper, most * strength, r, layout)
    return paper


Effect = Callable[[Paper, float, random.Random, Layout], Paper]
"""Adds one effect to paper: 1.0 is the end of its declared range, or noticeable damage."""


def _signed(r: random.Random, value: float) -> float:
    return round(value * r.choice((-1, 1)), 4)


def _skew(p: Paper, s: float, r: random.Random, _: Layout) -> Paper:
    return replace(p, skew_deg=_signed(r, 3.0 * s))


def _shift(p: Paper, s: float, r: random.Random, _: Layout) -> Paper:
    return replace(p, shift_mm=(_signed(r, 5.0 * s), round(r.uniform(-5, 5) * s, 2)))


def _stretch(p: Paper, s: float, r: random.Random, _: Layout) -> Paper:
    return replace(p, stretch=_signed(r, 0.01 * s))


def _noise(p: Paper, s: float, _: random.Random, __: Layout) -> Paper:
    return replace(p, noise=round(0.02 * s, 4))


def _dark(p: Paper, s: float, _: random.Random, __: Layout) -> Paper:
    return replace(p, brightness=round(-0.06 * s, 3), contrast=round(1 - 0.15 * s, 3))


def _light(p: Paper, s: float, _: random.Random, __: Layout) -> Paper:
    return replace(p, brightness=round(0.04 * s, 3), contrast=round(1 - 0.15 * s, 3))


def _fold(p: Paper, s: float, r: random.Random, layout: Layout) -> Paper:
    """Through a target, as folds divide readers."""
    target = r.choice(layout.front.targets)
    drawn = draw_fold(r, *layout.page_mm)
    share = r.uniform(-0.45, 0.45)
    fold = Fold(
        round(target.x + share * target.width, 2), round(target.y + share * target.height, 2),
        drawn.angle_deg, round(min(0.4, drawn.width_mm) if s <= 1 else 0.4 * s, 3),
        round(0.22 * s, 3),
    )
    return replace(p, folds=(*p.folds, fold))


def _stain(p: Paper, s: float, r: random.Random, layout: Layout) -> Paper:
    target = r.choice(layout.front.targets)
    stain = Stain(round(target.x + r.uniform(-8, 8), 1), round(target.y + r.uniform(-8, 8), 1),
                  round(r.uniform(4, 15), 1), round(0.15 * s, 3))
    return replace(p, stains=(*p.stains, stain))


def _streak(p: Paper, s: float, r: random.Random, layout: Layout) -> Paper:
    x = r.choice((r.choice(layout.front.targets).x, r.uniform(5, layout.page_mm[0] - 5)))
    streak = Streak(round(x, 2), round(0.3 * s, 3), round(r.uniform(0.4, 1.0), 2))
    return replace(p, streaks=(*p.streaks, streak))


def _torn_corner(p: Paper, s: float, r: random.Random, _: Layout) -> Paper:
    tear = Tear(r.choice(_CORNERS), round(25 * s, 1), round(25 * s * r.uniform(0.5, 1), 1))
    return replace(p, tears=(*p.tears, tear))


def _torn_edge(p: Paper, s: float, r: random.Random, layout: Layout) -> Paper:
    edge = r.choice(("left", "right", "head", "foot"))
    length = layout.page_mm[1] if edge in ("left", "right") else layout.page_mm[0]
    at, along, deep = r.uniform(20, length - 20), r.uniform(8, 40), 10 * s
    return replace(p, notches=(*p.notches, Notch(edge, round(at), round(along), round(deep, 1))))


def _scrawl(p: Paper, s: float, r: random.Random, layout: Layout) -> Paper:
    """Across timing marks."""
    marks = [(x, y) for t in layout.front.tracks for _, x, y in track_centres(t, layout.page_mm)]
    x, y = r.choice(marks)
    drawn = Scrawl(round(x, 1), round(y, 1), round(2 + 12 * s, 1), round(2 + 8 * s, 1),
                   round(r.uniform(0.4, 1.2), 2), round(r.uniform(0.6, 1.0), 2))
    return replace(p, scrawls=(*p.scrawls, drawn))


def _label(p: Paper, s: float, r: random.Random, layout: Layout) -> Paper:
    marks = [(x, y) for t in layout.front.tracks for _, x, y in track_centres(t, layout.page_mm)]
    x, y = r.choice(marks)
    glued = Label(round(x, 1), round(y, 1), round(2 + 12 * s, 1), round(2 + 12 * s, 1))
    return replace(p, labels=(*p.labels, glued))


def _perspective(p: Paper, s: float, r: random.Random, _: Layout) -> Paper:
    return replace(p, perspective=(_signed(r, 0.01 * s), _signed(r, 0.01 * s * r.random())))


def _crop(p: Paper, s: float, r: random.Random, _: Layout) -> Paper:
    sides = [0.0, 0.0, 0.0, 0.0]
    sides[r.randrange(4)] = round(8 * s, 1)
    return replace(p, crop_mm=(sides[0], sides[1], sides[2], sides[3]))


def _double_feed(p: Paper, s: float, _: random.Random, __: Layout) -> Paper:
    return replace(p, follower_mm=round(2 + 110 * s, 1))


_EFFECTS: Mapping[str, Effect] = {
    "skewed": _skew, "shifted": _shift, "stretched": _stretch, "noisy": _noise, "dark": _dark,
    "light": _light, "folded": _fold, "stained": _stain, "streaked": _streak,
    "torn-corner": _torn_corner, "torn-edge": _torn_edge, "scrawled": _scrawl, "labelled": _label,
    "perspective": _perspective, "cropped": _crop, "double-feed": _double_feed,
}
_IN_RANGE = ("skewed", "shifted", "stretched", "noisy", "dark", "light", "folded", "stained")
