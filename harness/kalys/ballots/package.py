"""What is loaded into an urn before an election: definition, style, layout and voting hours.

One file, canonical JSON. Its SHA-256 is what an urn reports as ``definition_sha256``: so anyone
can check that an urn counts what was certified. An urn counts one ballot style only, as in
Kyrgyzstan, where a station has one urn for each of its two ballots (CEC 2021-11-23).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import date, time
from typing import Any

from kalys.ballots.layout import Layout
from kalys.ballots.stock import SecurityMark
from kalys.ballots.templates import layouts_for
from kalys.election.definition import (
    BallotStyle,
    Contest,
    ElectionDefinition,
    canonical_json,
)
from kalys.errors import ConfigurationError

_KEYS = {"definition", "style", "station", "layout", "window", "date"}
_MARK = "security_mark"          # only where the election asks for one


@dataclass(frozen=True)
class UrnPackage:
    """What ``read_package`` finds: everything an urn needs to count one style at one station."""

    definition: ElectionDefinition
    style: str
    station: str
    layout: Layout
    date: date
    opens: time
    closes: time
    offset_min: int
    security_mark: SecurityMark | None = None

    @property
    def ballot_style(self) -> BallotStyle:
        return self.definition.style(self.style)

    @property
    def contests(self) -> tuple[Contest, ...]:
        """The contests on this urn's ballot."""
        return self.definition.style_contests(self.style)


def urn_package(
    definition: ElectionDefinition, style: str, station: str, layout: Layout | None = None,
    security_mark: SecurityMark | None = None,
) -> bytes:
    """The bytes to load. Without ``layout`` the shipped one of the style is taken; with a
    ``security_mark`` the urn must take no sheet without it."""
    if layout is None:
        layout = layouts_for(definition)[definition.style(style).id]
    asked = {} if security_mark is None else {_MARK: security_mark.model_dump(mode="json")}
    return canonical_json({
        **asked,
        "definition": definition.model_dump(mode="json"),
        "style": style,
        "station": station,
        "layout": layout.without_artwork().to_dict(),
        "window": {
            "open": definition.polls_open.strftime("%H:%M"),
            "close": definition.polls_close.strftime("%H:%M"),
            "offset_min": definition.offset_min,
        },
        "date": definition.date.isoformat(),
    })


def package_sha256(data: bytes) -> str:
    """What the urn must report as ``definition_sha256``: 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def read_package(data: bytes) -> UrnPackage:
    """The package in ``data``; ConfigurationError says what is wrong with it."""
    try:
        content: Any = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"not JSON: {error}", where="urn package") from error
    if not isinstance(content, dict) or set(content) - {_MARK} != _KEYS:
        raise ConfigurationError(
            f"expected exactly the keys {', '.join(sorted(_KEYS))}", where="urn package"
        )
    definition = ElectionDefinition.from_bytes(canonical_json(content["definition"]))
    layout = Layout.from_dict(content["layout"])
    try:
        package = UrnPackage(
            definition=definition,
            style=str(content["style"]),
            station=str(content["station"]),
            layout=layout,
            date=date.fromisoformat(content["date"]),
            opens=time.fromisoformat(content["window"]["open"]),
            closes=time.fromisoformat(content["window"]["close"]),
            offset_min=int(content["window"]["offset_min"]),
            security_mark=SecurityMark.from_dict(content[_MARK]) if _MARK in content else None,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigurationError(f"date or window: {error!r}", where="urn package") from error
    _check(package)
    return package


def _check(package: UrnPackage) -> None:
    if package.layout.style != package.style or package.layout.election != package.definition.id:
        raise ConfigurationError(
            f"the layout is of {package.layout.election}/{package.layout.style}, the urn counts "
            f"{package.definition.id}/{package.style}",
            where="urn package",
        )
    if package.opens >= package.closes:
        raise ConfigurationError("polls must open before they close", where="urn package")
    mark, (width, height) = package.security_mark, package.layout.page_mm
    if mark is not None and (mark.x > width or mark.y > height):
        raise ConfigurationError("the security mark is not on the page", where="urn package")
    placed = {(t.contest, t.option) for f in package.layout.faces.values() for t in f.targets}
    wanted = {(c.id, o) for c in package.contests for o in c.option_ids}
    if placed != wanted:
        odd = sorted(placed ^ wanted)[0]
        raise ConfigurationError(
            f"definition and layout differ in {odd[0]}/{odd[1]}", where="urn package"
        )
