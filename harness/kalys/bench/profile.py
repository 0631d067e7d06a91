"""A profile: what a model of device is, how to talk to it, and what its maker promises.

Data in ``device_profiles/*.yaml``, one file per model, real or emulated. A profile never says where
a device is (the bench file does). Unknown keys are errors: a misspelt limit must not silently judge
nothing. docs/profiles.md explains every key; `profile_schema` is the JSON Schema.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from kalys import documents
from kalys.devices.printer import page_number
from kalys.emulators.urn.configuration import UrnEmulation
from kalys.errors import ConfigurationError
from kalys.protocols.urn.authentication import test_key
from kalys.protocols.urn.line import LineDialect
from kalys.protocols.urn.messages import Op
from kalys.protocols.urn.messages import Role as LoginRole
from kalys.protocols.urn.report_reading import ReportPatterns
from kalys.resources import find

DeviceRole = Literal["urn", "core", "feeder", "hands", "printer", "supply"]
Protocol = Literal[
    "urn-link", "line", "counting-core", "escpos-tape", "world-link", "scpi", "operator"
]

# Which protocols make sense for which role; the first is the usual one.
PROTOCOLS: Mapping[str, tuple[str, ...]] = {
    "urn": ("urn-link", "line"),
    "core": ("counting-core",),
    "feeder": ("world-link", "operator"),
    "hands": ("world-link", "operator"),
    "printer": ("escpos-tape", "operator"),
    "supply": ("scpi", "operator"),
}

Word = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=64)]
Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]


class Strict(BaseModel):
    """Frozen, and unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Identification(Strict):
    """What the device must answer when it is asked who it is; empty: anything."""

    maker: str = ""
    model: str = ""


class LinkDefaults(Strict):
    """How to open and use the link, unless the bench file says otherwise."""

    baud: Annotated[int, Field(ge=50, le=4_000_000)] = 115_200
    bytesize: Literal[7, 8] = 8
    parity: Literal["N", "E", "O"] = "N"
    stopbits: Literal[1, 2] = 1
    rtscts: bool = False
    xonxoff: bool = False
    timeout_s: Positive = Field(default=2.0, description="seconds to an ordinary answer")
    attempts: Annotated[int, Field(ge=1, le=10)] = Field(
        default=3, description="how often a request is sent before the device counts as silent"
    )
    boot_s: Positive = Field(default=30.0, description="seconds from power on to the first answer")
    slow: Mapping[Op, Positive] = Field(
        default_factory=dict, description="operations that take longer, in seconds"
    )
    chunk_bytes: Annotated[int, Field(ge=16, le=32_768)] = Field(
        default=1024, description="bytes of a file in one message"
    )
    page_rows: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=32, description="records or log entries in one message"
    )


class Limits(Strict):
    """What the maker promises. A limit that is absent is judged by the requirement alone."""

    transport_speed_mm_s: Positive | None = None
    sheets_per_minute: Positive | None = None
    capacity: Annotated[int, Field(gt=0)] | None = Field(
        default=None, description="sheets in the box"
    )
    capacity_warning_before: Annotated[int, Field(gt=0)] | None = Field(
        default=None, description="sheets left when the warning comes, at the latest"
    )
    clock_drift_ppm: Positive | None = None
    close_to_report_s: Positive | None = Field(
        default=None, description="closing to the end of printing"
    )
    restart_s: Positive | None = Field(default=None, description="power return to the ready state")
    backup_minutes: Positive | None = Field(default=None, description="on the battery alone")
    mark_vote_fill: Share | None = Field(
        default=None, description="share of a target that is dark from which on it is a vote"
    )
    mark_blank_fill: Share | None = Field(
        default=None, description="share of a target that is dark up to which it is no vote"
    )
    misfeed_rate: Share | None = None
    double_feed_min_overlap_mm: Positive | None = None
    paper_lightest_g_m2: Positive | None = None
    paper_heaviest_g_m2: Positive | None = None
    paper_driest_percent: Positive | None = Field(
        default=None, description="relative humidity that the paper was kept in, at least"
    )
    paper_dampest_percent: Positive | None = None
    paper_size_tolerance_mm: Positive | None = Field(
        default=None, description="by which a sheet may be longer or shorter than its layout"
    )
    ballot_length_mm: Positive | None = Field(
        default=None, description="longest ballot that it takes"
    )
    ballot_options: Annotated[int, Field(gt=0)] | None = Field(
        default=None, description="most options on one ballot"
    )
    notice_s: Positive | None = Field(
        default=None, description="end of the sheet's path to the notice"
    )
    inactivity_s: Positive | None = Field(
        default=None, description="a log-in is left alone so long before an alert"
    )
    alert_s: Positive | None = Field(
        default=None, description="from that alert to the end of the log-in"
    )


class CountryRules(Strict):
    """The country's rules that the device promises to follow."""

    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
    opens: Annotated[str, StringConstraints(pattern=r"^\d\d:\d\d$")] = "08:00"
    closes: Annotated[str, StringConstraints(pattern=r"^\d\d:\d\d$")] = "20:00"
    utc_offset_min: int = 360
    invalid_without_mark: bool = True
    invalid_with_two_marks: bool = True
    compartments: tuple[Word, ...] = ("valid", "invalid")


class Credentials(Strict):
    """Where the keys of the challenge-response come from.

    ``published-test``: those of the emulators (kalys.protocols.urn.authentication.test_key).
    ``environment``: hexadecimal in the environment variables named: no profile holds a secret.
    """

    scheme: Literal["published-test", "environment"]
    variables: Mapping[LoginRole, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _names_its_variables(self) -> Credentials:
        if self.scheme == "environment" and not self.variables:
            raise ValueError("scheme environment needs variables: {operator: NAME, ...}")
        return self

    def key(self, serial: str, role: LoginRole) -> bytes:
        """The key of a role; ConfigurationError when the environment does not hold it."""
        if self.scheme == "published-test":
            return test_key(serial, role)
        name = self.variables.get(role, "")
        try:
            return bytes.fromhex(os.environ[name])
        except (KeyError, ValueError) as error:
            raise ConfigurationError(
                f"there is no key of the role {role.value} for the device {serial}",
                where=f"environment variable {name or '(none named in the profile)'}",
                remedy="Set it to the key in hexadecimal.",
            ) from error


def _known_page(codec: str) -> str:
    page_number(codec)
    return codec


class TapePatterns(Strict):
    """How to read printed reports that are not laid out as docs/protocols/urn-tape.md says."""

    code_page: Annotated[str, AfterValidator(_known_page)] = Field(
        default="kz1048", description="in force before the printer is told another"
    )
    patterns: ReportPatterns | None = Field(
        default=None, description="regular expressions of the lines of an urn's printed reports"
    )


class SupplyOutput(Strict):
    """Which output feeds the urn, and with what."""

    channel: Annotated[int, Field(ge=1, le=3)] = 2
    volts: Positive = 24.0
    limit_amperes: Positive = 1.0


class LimitOverride(Strict):
    """A limit of the catalogue that this device is judged by instead; the report lists it."""

    value: float | int | str | bool
    reason: str
    source: str = ""


class Profile(Strict):
    """One model of device."""

    profile: Word
    role: DeviceRole
    description: str
    protocol: Protocol
    emulated: bool = Field(default=False, description="a model in software, not a physical device")
    identity: Identification = Identification()
    link: LinkDefaults = LinkDefaults()
    dialect: LineDialect | None = Field(
        default=None, description="the wire protocol, for protocol: line"
    )
    capabilities: tuple[Word, ...] = ()
    limits: Limits = Limits()
    path_mm: Positive | None = Field(
        default=None, description="distance of the bench's light barriers"
    )
    rules: CountryRules | None = None
    credentials: Credentials | None = None
    tape: TapePatterns | None = None
    output: SupplyOutput | None = None
    emulation: UrnEmulation | None = Field(
        default=None, description="the emulator's own parameters"
    )
    requirements: Mapping[
        Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}-\d{3}$")], LimitOverride
    ] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _fits_together(self) -> Profile:
        allowed = PROTOCOLS[self.role]
        if self.protocol not in allowed:
            raise ValueError(f"protocol {self.protocol} is not one of a {self.role}'s: "
                             f"{', '.join(allowed)}")
        if (self.protocol == "line") != (self.dialect is not None):
            raise ValueError("protocol line and the key dialect belong together")
        if self.role == "urn" and self.credentials is None:
            raise ValueError("the profile of an urn needs credentials")
        if self.emulation is not None and not (self.role == "urn" and self.emulated):
            raise ValueError("emulation goes with role: urn and emulated: true")
        return self

    def limit_values(self) -> dict[str, float]:
        """The promised limits that are given, by name."""
        return {k: v for k, v in self.limits.model_dump().items() if v is not None}


def load_profile(name: str | Path) -> Profile:
    """A profile file, or a shipped profile by its name; ConfigurationError says file and line."""
    path = find(name, "device_profiles")
    data, lines = documents.read(path)
    profile = documents.validate(data, Profile, path, lines)
    if profile.profile != path.stem:
        raise ConfigurationError(
            f"profile: the file is named {path.stem}, the profile {profile.profile}",
            where=f"{path}:{lines.get(('profile',), 1)}",
            remedy="Give both the same name.",
        )
    return profile


def profile_schema() -> dict[str, Any]:
    """The JSON Schema of a profile file."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Profile.model_json_schema(),
        "title": "Kalys device profile",
    }
