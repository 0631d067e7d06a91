"""The scheduler of virtual time, and the same calls on the host's clock."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalys.errors import ConfigurationError, KalysError
from kalys.links.clock import RealClock, VirtualClock

SECOND = 1_000_000_000
EPOCH = datetime.fromisoformat("2021-11-28T08:00:00+06:00")


def test_sleeping_moves_virtual_time_by_exactly_that_much(clock):
    clock.sleep(0.85)
    assert clock.now() == 850_000_000
    clock.sleep(-1)
    assert clock.now() == 850_000_000


def test_civil_time_is_the_epoch_plus_the_time_that_has_passed():
    clock = VirtualClock(EPOCH)
    clock.sleep(43_200)
    assert clock.utc() == EPOCH + timedelta(hours=12)
    assert clock.utc().utcoffset() == timedelta(0)


def test_an_epoch_without_a_zone_is_refused():
    with pytest.raises(ConfigurationError, match="time zone"):
        VirtualClock(datetime(2021, 11, 28))  # noqa: DTZ001


def test_a_wait_ends_at_the_moment_its_condition_comes_true(clock):
    came = []
    clock.call_at(3 * SECOND, lambda: came.append(1))
    assert clock.wait(lambda: bool(came), 10)
    assert clock.now() == 3 * SECOND


def test_a_wait_without_luck_ends_at_its_deadline(clock):
    clock.call_at(11 * SECOND, lambda: None)
    assert not clock.wait(lambda: False, 10)
    assert clock.now() == 10 * SECOND


def test_what_happens_at_the_very_deadline_is_still_in_time(clock):
    came = []
    clock.call_at(10 * SECOND, lambda: came.append(1))
    assert clock.wait(lambda: bool(came), 10)


def test_waiting_for_ever_for_nothing_is_an_error_and_not_a_hang(clock):
    with pytest.raises(KalysError, match="stands still"):
        clock.wait(lambda: False, None)


def test_a_cancelled_action_never_runs(clock):
    ran = []
    handle = clock.call_at(SECOND, lambda: ran.append(1))
    handle.cancel()
    handle.cancel()
    clock.sleep(2)
    assert ran == [] and not handle.pending


def test_thousands_of_cancelled_actions_do_not_stay_in_memory(clock):
    for _ in range(10_000):
        clock.call_at(3600 * SECOND, lambda: None).cancel()
    assert len(clock._heap) < 200


def test_an_action_that_waits_is_told_so(clock):
    clock.call_at(0, lambda: clock.sleep(1))
    with pytest.raises(RuntimeError, match="may not wait"):
        clock.sleep(1)


def test_an_error_in_an_action_reaches_the_one_who_waits_and_time_goes_on(clock):
    clock.call_at(SECOND, lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        clock.sleep(5)
    clock.sleep(1)
    assert clock.now() == 2 * SECOND


@given(st.lists(st.integers(0, 50), max_size=40))
def test_actions_run_in_order_of_time_then_of_registration(times):
    clock = VirtualClock(EPOCH)
    ran: list[tuple[int, int]] = []
    for number, moment in enumerate(times):
        clock.call_at(moment, lambda n=number: ran.append((clock.now(), n)))
    clock.sleep(1)
    assert ran == sorted((moment, number) for number, moment in enumerate(times))


def _three_voices(seed: int) -> list[tuple[str, int]]:
    clock = VirtualClock(EPOCH)
    said: list[tuple[str, int]] = []

    def voice(name: str) -> str:
        chance = random.Random(f"{seed}{name}")
        for _ in range(50):
            clock.sleep(chance.randrange(5) / 10)
            said.append((name, clock.now()))
        return name

    voices = [clock.spawn(lambda n=name: voice(n)) for name in "ABC"]
    assert [v.join() for v in voices] == ["A", "B", "C"]
    return said


@pytest.mark.parametrize("seed", range(5))
def test_conversations_interleave_in_the_order_of_time_and_the_same_way_every_time(seed):
    said = _three_voices(seed)
    assert said == _three_voices(seed)
    assert [t for _, t in said] == sorted(t for _, t in said)
    assert len({name for name, _ in said[:20]}) == 3


def test_two_conversations_hand_the_word_to_each_other(clock):
    turn, said = ["A"], []

    def speak(me: str, other: str) -> None:
        for _ in range(3):
            clock.wait(lambda: turn[0] == me, 1)
            said.append(me)
            turn[0] = other

    a, b = clock.spawn(lambda: speak("A", "B")), clock.spawn(lambda: speak("B", "A"))
    a.join(), b.join()
    assert said == ["A", "B"] * 3
    assert clock.now() == 0


def test_a_conversation_may_start_another_and_wait_for_it(clock):
    def outer() -> int:
        inner = clock.spawn(lambda: clock.sleep(2) or 7)
        return inner.join() + 1

    assert clock.spawn(outer).join() == 8
    assert clock.now() == 2 * SECOND


def test_the_main_code_outlives_short_conversations_it_does_not_join(clock):
    ends = []
    for seconds in (1, 2, 3):
        clock.spawn(lambda s=seconds: (clock.sleep(s), ends.append(s)))
    clock.sleep(2.5)
    assert ends == [1, 2] and clock.now() == 2.5 * SECOND


def test_what_a_conversation_raises_is_raised_where_it_is_joined(clock):
    failing = clock.spawn(lambda: 1 / 0)
    clock.sleep(1)
    assert failing.done
    with pytest.raises(ZeroDivisionError):
        failing.join()


def test_ctrl_c_in_a_conversation_reaches_the_main_code_at_once(clock):
    def interrupted() -> None:
        clock.sleep(1)
        raise KeyboardInterrupt

    clock.spawn(interrupted)
    other = clock.spawn(lambda: clock.sleep(100) or "still here")
    with pytest.raises(KeyboardInterrupt):
        clock.sleep(50)
    assert clock.now() == SECOND
    assert other.join() == "still here"


def test_ctrl_c_in_an_action_leaves_the_clock_usable(clock):
    def strike() -> None:
        raise KeyboardInterrupt

    clock.call_at(SECOND, strike)
    with pytest.raises(KeyboardInterrupt):
        clock.sleep(5)
    clock.sleep(1)
    assert clock.now() == 2 * SECOND


def test_a_cancelled_conversation_cleans_up_and_says_nothing_more(clock):
    cleaned = []

    def talk() -> None:
        try:
            clock.sleep(100)
        finally:
            cleaned.append(clock.now())

    conversation = clock.spawn(talk)
    never_begun = clock.spawn(talk)
    never_begun.cancel()
    clock.sleep(1)
    conversation.cancel()
    assert cleaned == [SECOND] and conversation.done
    with pytest.raises(KalysError, match="cancelled"):
        conversation.join()


def test_the_real_clock_counts_from_its_own_zero_and_never_goes_back():
    clock = RealClock()
    readings = [clock.now() for _ in range(1000)]
    assert readings == sorted(readings) and readings[0] >= 0
    assert clock.utc().utcoffset() == timedelta(0)


def test_real_waits_end_with_their_condition_or_their_timeout():
    clock = RealClock()
    done = []
    conversation = clock.spawn(lambda: done.append(1) or clock.wake() or "end")
    assert clock.wait(lambda: bool(done), 5)
    assert conversation.join() == "end"
    assert not clock.wait(lambda: False, 0.002)


def test_what_a_real_conversation_raises_is_raised_where_it_is_joined():
    with pytest.raises(ZeroDivisionError):
        RealClock().spawn(lambda: 1 / 0).join()
