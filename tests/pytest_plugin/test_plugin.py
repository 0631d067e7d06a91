"""The pytest front turns verdicts into outcomes of tests."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from kalys.pytest_plugin.plugin import SessionHandover
from kalys.requirements import catalogue
from kalys.requirements.observation import Outcome, Verdict
from kalys.requirements.plan import Plan

pytest_plugins = ["pytester"]

SUITE = """
def test_it(certified):
    certified("mark.line", "{requirement}")
"""


class FakeSession:
    """A session whose one procedure gives a verdict that is known beforehand."""

    def __init__(self, outcome: Outcome, error: str | None = None) -> None:
        self.plan = Plan.load("quick")
        self.catalogue = catalogue.load()
        self.clock = SimpleNamespace(base="virtual")
        self.identity = SimpleNamespace(serial="KG-1", model="EU-1")
        self.seed = 1
        self.finished: dict[str, object] = {}
        self.ran: list[str] = []
        self._outcome, self._error = outcome, error

    def run(self, procedure: str) -> object:
        self.ran.append(procedure)
        result = SimpleNamespace(id=procedure, error=self._error)
        self.finished[procedure] = result
        return result

    def verdicts(self, requirements: tuple[str, ...]) -> tuple[Verdict, ...]:
        return tuple(
            Verdict(name, self._outcome, "the reason", failures=("sheet 7: missed",))
            for name in requirements
        )


@pytest.fixture
def suite(pytester):
    def run(session, requirement="MRK-001", *, text=None, args=()):
        pytester.makepyfile(text or SUITE.format(requirement=requirement))
        plugins = [SessionHandover(session)]
        return pytester.inline_run("-q", "-p", "no:cacheprovider", *args, plugins=plugins)

    return run


@pytest.mark.parametrize(
    ("outcome", "counts"),
    [
        (Outcome.PASS, (1, 0, 0)),
        (Outcome.FAIL, (0, 0, 1)),
        (Outcome.BLOCKED, (0, 0, 1)),
        (Outcome.INCONCLUSIVE, (0, 0, 1)),
        (Outcome.NOT_APPLICABLE, (0, 1, 0)),
    ],
)
def test_a_test_ends_as_the_verdict_says(suite, outcome, counts):
    assert suite(FakeSession(outcome)).countoutcomes() == list(counts)


def test_what_the_plan_does_not_include_is_skipped_and_not_run(suite):
    session = FakeSession(Outcome.PASS)
    assert suite(session, "ACC-002").countoutcomes() == [0, 1, 0]
    assert session.ran == []


def test_one_procedure_runs_once_for_all_its_requirements(suite):
    session = FakeSession(Outcome.PASS)
    suite(session, text="""
import pytest

@pytest.mark.parametrize("requirement", ["ACC-007", "ACC-009"])
def test_it(certified, requirement):
    certified("count.logic_and_accuracy", requirement)
""")
    assert session.ran == ["count.logic_and_accuracy"]


def test_too_little_data_waits_for_the_procedures_that_add_more(suite):
    session = FakeSession(Outcome.INCONCLUSIVE)
    assert suite(session, text="""
def test_it(certified):
    certified("count.volume", "ACC-009")
""").countoutcomes() == [0, 1, 0]


def test_allure_results_name_requirement_and_serial_number(suite, pytester):
    results = pytester.path / "allure"
    suite(FakeSession(Outcome.PASS), args=(f"--alluredir={results}",))
    text = "".join(p.read_text() for p in results.glob("*-result.json"))
    assert '"DUT"' in text and "KG-1" in text and "MRK-001" in text


def test_wrong_use_ends_with_a_message_and_no_traceback(pytester):
    pytester.makepyfile(SUITE.format(requirement="MRK-001"))
    result = pytester.runpytest_subprocess("--bench", "no-such-bench")
    result.stdout.no_fnmatch_line("*Traceback*")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
