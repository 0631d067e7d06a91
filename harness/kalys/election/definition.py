"""What is voted on: contests, options and ballot styles of one election, as data.

An election definition says nothing about paper (that is ``kalys.ballots.layout``) and nothing about
devices. Its canonical bytes are what everyone hashes when they must agree that they speak of the
same election: JSON in UTF-8, keys sorted, no white space.

Shipped definitions lie in ``fixtures/elections``. A contest whose ``decides_validity`` is true
carries the Kyrgyz rule: no mark or two marks in it make the whole sheet invalid (CEC, 24.kg
2025-10-03; see ``kalys.election.rules``).
"""

from __future__ import annotations

import hashlib
import json
from datetime import date, datetime, time, timedelta, timezone
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from kalys.documents import load as load_document
from kalys.errors import ConfigurationError
from kalys.resources import find

_FOLDER = "fixtures/elections"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Words(_Frozen):
    """One text in the three languages of the ballots and reports."""

    ky: str
    ru: str
    en: str


class Option(_Frozen):
    """One thing that can be voted for. ``kind``: party, candidate, number or against-all."""

    id: str = Field(pattern=r"^[A-Z0-9]{1,8}$")
    name: Words
    kind: str = "candidate"


class Contest(_Frozen):
    """One question on a ballot, with its options in ballot order."""

    id: str = Field(pattern=r"^[a-z][a-z0-9-]{0,31}$")
    title: Words
    options: tuple[Option, ...] = Field(min_length=1)
    decides_validity: bool
    votes_allowed: int = Field(default=1, ge=1)

    @model_validator(mode="after")
    def _options_differ(self) -> Contest:
        ids = [option.id for option in self.options]
        if len(set(ids)) != len(ids):
            raise ValueError(f"contest {self.id} names an option twice")
        return self

    @property
    def option_ids(self) -> tuple[str, ...]:
        """The options' ids in ballot order."""
        return tuple(option.id for option in self.options)


class BallotStyle(_Frozen):
    """One kind of ballot: which contests it holds. ``code`` is printed on it as code marks."""

    id: str
    title: Words
    contests: tuple[str, ...] = Field(min_length=1)
    code: int = Field(ge=0, le=255)


class ElectionDefinition(_Frozen):
    """One election. ``code`` tells its ballots from those of other elections (0 to 63)."""

    id: str
    title: Words
    country: str
    code: int = Field(ge=0, le=63)
    date: date
    polls_open: time
    polls_close: time
    offset_min: int
    zone: str
    contests: tuple[Contest, ...]
    styles: tuple[BallotStyle, ...]
    source: str = ""

    @model_validator(mode="after")
    def _references_hold(self) -> ElectionDefinition:
        known = [contest.id for contest in self.contests]
        if len(set(known)) != len(known):
            raise ValueError("two contests have the same id")
        if len({style.id for style in self.styles}) != len(self.styles):
            raise ValueError("two ballot styles have the same id")
        if len({style.code for style in self.styles}) != len(self.styles):
            raise ValueError("two ballot styles have the same code")
        for style in self.styles:
            for contest in style.contests:
                if contest not in known:
                    raise ValueError(f"style {style.id} holds no such contest: {contest}")
        if self.polls_open >= self.polls_close:
            raise ValueError("polls must open before they close")
        return self

    def contest(self, contest_id: str) -> Contest:
        """The contest of that id; ConfigurationError names those there are."""
        for contest in self.contests:
            if contest.id == contest_id:
                return contest
        raise ConfigurationError(
            f"election {self.id} has no contest {contest_id}",
            remedy=f"Its contests: {', '.join(c.id for c in self.contests)}",
        )

    def style(self, style_id: str) -> BallotStyle:
        """The ballot style of that id; ConfigurationError names those there are."""
        for style in self.styles:
            if style.id == style_id:
                return style
        raise ConfigurationError(
            f"election {self.id} has no ballot style {style_id}",
            remedy=f"Its styles: {', '.join(s.id for s in self.styles)}",
        )

    def style_contests(self, style_id: str) -> tuple[Contest, ...]:
        """The contests on one ballot style, in ballot order."""
        return tuple(self.contest(c) for c in self.style(style_id).contests)

    @property
    def timezone(self) -> timezone:
        """Local time as a fixed offset; Kyrgyzstan has no summer time."""
        return timezone(timedelta(minutes=self.offset_min))

    @property
    def opens(self) -> datetime:
        """The moment the polls open, in local time."""
        return datetime.combine(self.date, self.polls_open, self.timezone)

    @property
    def closes(self) -> datetime:
        """The moment the polls close, in local time."""
        return datetime.combine(self.date, self.polls_close, self.timezone)

    def to_bytes(self) -> bytes:
        """Canonical JSON: sorted keys, no white space, UTF-8."""
        return canonical_json(self.model_dump(mode="json"))

    @classmethod
    def from_bytes(cls, data: bytes) -> ElectionDefinition:
        """The definition in ``data``; ConfigurationError if it is none."""
        try:
            return cls.model_validate_json(data)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"]) or "(document)"
            raise ConfigurationError(
                f"not an election definition: {place}: {first['msg']}", where="election definition"
            ) from error

    def sha256(self) -> str:
        """SHA-256 of the canonical bytes, 64 hexadecimal digits."""
        return hashlib.sha256(self.to_bytes()).hexdigest()


def canonical_json(data: object) -> bytes:
    """``data`` as the one JSON text that everyone hashes."""
    text = json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.encode("utf-8")


def load(name: str | Path) -> ElectionDefinition:
    """A definition from a file, or a shipped one by name, e.g. ``load("kg-2021-11-28")``."""
    return load_document(find(name, _FOLDER), ElectionDefinition)
