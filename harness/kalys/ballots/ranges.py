"""Ballots around a device's declared range: of another length, and with more options.

Both come from a layout that is in use, so that everything but the one property is as it should be:
same timing marks, same code, same election. ``of_length`` is the same print on longer or shorter
paper; ``with_options`` is a ballot of one contest with so many targets, and its election.
"""

from __future__ import annotations

from kalys.ballots.layout import Face, Layout, Target, Track
from kalys.election.definition import Contest, ElectionDefinition
from kalys.errors import ConfigurationError

CONTEST = "range"
_COLUMNS = 10
_MARGIN_MM = 3.0
_AREA = (32.0, 42.0, 32.0, 30.0)      # clear of timing marks and code: left, top, right, bottom
_TARGET_MM = 5.0
_LINE_MM = 0.4


def of_length(layout: Layout, more_mm: float, style: str) -> Layout:
    """The same ballot on paper longer by ``more_mm`` (shorter if negative), as ``style``: what does
    not fit on shorter paper is cut off at the foot. Raises ConfigurationError when too little of a
    ballot is left."""
    width, height = layout.page_mm
    length = round(height + more_mm, 3)
    faces = {}
    for name, face in layout.faces.items():
        faces[name] = {
            "tracks": [_cut(track, length).model_dump() for track in face.tracks],
            "code": face.code.model_dump() if face.code else None,
            "targets": [
                t.model_dump() for t in face.targets if t.y + t.height / 2 < length - _MARGIN_MM
            ],
            "texts": [t.model_dump() for t in face.texts if t.y < length - _MARGIN_MM],
            "lines": [v.model_dump() for v in face.lines if max(v.y1, v.y2) < length - _MARGIN_MM],
            "boxes": [b.model_dump() for b in face.boxes if b.y + b.height < length],
        }
    return Layout.from_dict({
        "election": layout.election, "style": style, "page_mm": (width, length),
        "dpi": layout.dpi, "faces": faces,
    })


def _cut(track: Track, length: float) -> Track:
    if track.edge in ("top", "bottom"):
        return track
    fit = int((length - _MARGIN_MM - track.first) / track.pitch) + 1
    return track.model_copy(update={"count": min(track.count, fit)})


def with_options(
    definition: ElectionDefinition, layout: Layout, options: int
) -> tuple[ElectionDefinition, Layout]:
    """An election and a ballot of the layout's style with one contest of ``options`` options.

    Raises ConfigurationError when so many do not fit on the page.
    """
    style = definition.style(layout.style)
    model = definition.contest(style.contests[0])
    made = tuple(
        model.options[0].model_copy(update={"id": f"R{i:03d}", "kind": "candidate"})
        for i in range(1, options + 1)
    )
    contest = Contest.model_validate({
        **model.model_dump(), "id": CONTEST, "options": [option.model_dump() for option in made],
        "votes_allowed": 1,
    })
    one = style.model_copy(update={"contests": (CONTEST,)})
    election = definition.model_copy(update={
        "id": f"{definition.id}-range-{options}", "contests": (contest,), "styles": (one,),
    })
    front = layout.front.model_copy(update={
        "targets": _targets(layout, contest), "texts": (), "lines": (), "boxes": (),
    })
    ballot = Layout.from_dict({
        **layout.to_dict(), "election": election.id,
        "faces": {"front": Face.model_dump(front, mode="json")},
    })
    return ElectionDefinition.from_bytes(election.to_bytes()), ballot


def _targets(layout: Layout, contest: Contest) -> tuple[Target, ...]:
    width, height = layout.page_mm
    left, top, right, bottom = _AREA
    rows = -(-len(contest.options) // _COLUMNS)
    dx = (width - left - right) / (_COLUMNS - 1)
    dy = min(14.0, (height - top - bottom) / max(1, rows - 1))
    if dy < 1.3 * _TARGET_MM:
        raise ConfigurationError(
            f"{len(contest.options)} options do not fit on {width:g} x {height:g} mm",
            where=f"layout {layout.style}",
        )
    return tuple(
        Target(
            contest=contest.id, option=option.id, x=round(left + i % _COLUMNS * dx, 3),
            y=round(top + i // _COLUMNS * dy, 3), width=_TARGET_MM, height=_TARGET_MM,
            line_mm=_LINE_MM,
        )
        for i, option in enumerate(contest.options)
    )
