"""The election, its layouts and one renderer for all tests of ballots."""

from __future__ import annotations

import pytest

from kalys.ballots.layout import Layout
from kalys.ballots.render import Renderer
from kalys.ballots.templates import layouts_for
from kalys.election.definition import ElectionDefinition, load


@pytest.fixture(scope="session")
def election() -> ElectionDefinition:
    return load("kg-2021-11-28")


@pytest.fixture(scope="session")
def layouts(election: ElectionDefinition) -> dict[str, Layout]:
    return layouts_for(election)


@pytest.fixture(scope="session")
def renderer(layouts: dict[str, Layout]) -> Renderer:
    return Renderer(layouts)
