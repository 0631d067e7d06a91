"""What the voter's display shows, and when; and the defects that show there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kalys.emulators.agenda import Agenda
from kalys.emulators.defects import display
from kalys.emulators.urn.display import Screen
from kalys.protocols import world as link
from kalys.protocols.urn.messages import EventKind, UrnState

Make = Callable[..., Any]          # the fixture ``station``
URN = "urn-1"


def watched(make: Make, defects: list[str]) -> Any:
    """A station with open polls whose display is watched."""
    s = make(UrnState.OPEN, defects=defects)
    s.run(1)
    s.do(link.WatchDisplay(URN, True))
    s.notices.clear()
    return s


def shown(s: Any) -> list[tuple[str, int]]:
    """(word, time) of what the display showed."""
    return [(n.text.partition(":")[0], n.t) for n in s.notices
            if isinstance(n, link.DisplayChanged)]


def head(s: Any) -> int:
    return int(next(n.t for n in s.notices
                    if isinstance(n, link.GateCrossed) and (n.gate, n.edge) == ("entry", "lead")))


def fall(s: Any) -> int:
    return int(next(n.t for n in s.notices if isinstance(n, link.SheetBoxed)))


def test_a_watched_display_tells_each_change_when_it_can_be_seen(station: Make) -> None:
    s = watched(station, [])
    assert s.feed(s.sheet("party/P01")) == "valid"
    (wait, began), (accepted, ended) = shown(s)
    assert (wait, began - head(s)) == ("wait", 40_000_000)
    assert (accepted, ended - fall(s)) == ("accepted", 40_000_000)
    s.notices.clear()
    assert s.feed(s.sheet(style="KG-SM-27")) == "foreign"
    assert [word for word, _ in shown(s)] == ["wait", "returned"]


def test_nothing_is_told_of_a_display_that_nobody_watches_any_more(station: Make) -> None:
    s = watched(station, [])
    assert s.do(link.WatchDisplay(URN, False))["text"].startswith("open")
    s.feed(s.sheet("party/P01"))
    assert not shown(s)
    assert s.do(link.Display(URN))["text"].startswith("accepted")


def test_without_power_the_display_is_dark_at_once_and_shows_its_state_after_the_start(
    station: Make,
) -> None:
    s = watched(station, [])
    s.do(link.Battery(URN, False))
    s.supply("OUTP OFF,(@2)")
    assert shown(s) == [("", s.now)]
    s.run(1)
    s.supply("OUTP ON,(@2)")
    s.run(3.5)
    assert [word for word, _ in shown(s)] == ["open"]


def test_what_was_told_earlier_appears_earlier_and_the_same_text_is_no_change() -> None:
    agenda, seen = Agenda(), list[tuple[int, str]]()
    screen = Screen(agenda, lambda text: seen.append((agenda.now, text)))
    screen.show("a", 1.0)
    screen.watch(True)
    screen.show("b", 0.5)
    agenda.advance(10**9)
    assert seen == [(10**9, "a"), (10**9, "b")]
    screen.show("b", 0.1)
    screen.show("c", 0.5)
    agenda.advance(11 * 10**8)
    screen.dark()
    agenda.advance(10**10)
    assert seen[2:] == [(11 * 10**8, "")] and screen.text == ""


def test_a_display_that_nobody_watches_keeps_only_what_has_not_appeared_yet() -> None:
    agenda = Agenda()
    screen = Screen(agenda, lambda text: None)
    for number in range(1000):
        screen.show(str(number), 0.1)
        agenda.advance(agenda.now + 10**8)
    assert screen.text == "999" and agenda.deadline() is None
    assert len(screen._coming) == 0


def display_sluggish(make: Make, defects: list[str]) -> bool:
    s = watched(make, defects)
    s.feed(s.sheet("party/P01"))
    return shown(s)[0][1] - head(s) > 100_000_000


def outcome_shown_late(make: Make, defects: list[str]) -> bool:
    s = watched(make, defects)
    s.feed(s.sheet("party/P01"), seconds=6)
    assert shown(s)[0][1] - head(s) < 100_000_000
    return shown(s)[-1][1] - fall(s) > 1_000_000_000


def no_busy_indicator(make: Make, defects: list[str]) -> bool:
    s = watched(make, defects)
    s.feed(s.sheet("party/P01"))
    return [word for word, _ in shown(s)] == ["accepted"]


def display_contradicts_notice(make: Make, defects: list[str]) -> bool:
    s = watched(make, defects)
    assert s.feed(s.sheet(style="KG-SM-27")) == "foreign"
    notice = next(e for e in s.events if e.kind is EventKind.NOTICE)
    assert notice.fields["text"] == "returned"
    return shown(s)[-1][0] == "accepted"


SHOWN: dict[str, Callable[[Make, list[str]], bool]] = {
    entry.name: globals()[entry.name.replace("-", "_")] for entry in display.ENTRIES
}


@pytest.mark.parametrize("name", list(SHOWN))
def test_the_defect_shows_and_the_healthy_urn_does_not_show_it(station: Make, name: str) -> None:
    assert SHOWN[name](station, [name])
    assert not SHOWN[name](station, [])
