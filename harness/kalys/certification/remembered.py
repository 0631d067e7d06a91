"""What a run was asked for, and what of that is kept so that it can be continued.

A run has one plan, one bench and one seed: they are written to ``evidence/inputs`` before anything
is run, and ``--resume`` takes them from there.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from kalys.bench.bench_file import BenchPlan
from kalys.errors import ConfigurationError
from kalys.evidence.run_folder import RunFolder
from kalys.requirements import catalogue
from kalys.requirements.plan import Plan


@dataclass(frozen=True)
class CertificationOptions:
    """What ``kalys certify`` was asked for.

    Who does the shards of a campaign (``workers`` processes, one for each processor when None, or
    the Dask cluster of ``scheduler``) changes nothing in the evidence and is not remembered.
    """

    bench: str = "emulated-station"
    plan: str = "quick"
    seed: int = 1
    out: Path | None = None
    lang: str = "en"
    wire: str | None = None
    defects: tuple[str, ...] = ()
    resume: Path | None = None
    core: str | None = None
    election: str | None = None
    workers: int | None = None
    scheduler: str | None = None


def inputs_of(options: CertificationOptions, plan: Plan, layout: BenchPlan) -> dict[str, Any]:
    """The documents of ``evidence/inputs`` by name."""
    profile = layout.under_test.profile
    known = catalogue.load().overridden(profile.requirements)
    return {
        "plan": plan.model_dump(mode="json"),
        "profile": {
            **profile.model_dump(mode="json", exclude={"dialect"}),
            "limits": profile.limit_values(),
        },
        "bench": layout.file.model_dump(mode="json"),
        "requirements": {"requirements": [r.model_dump(mode="json") for r in known]},
        "options": {
            "bench": from_anywhere(options.bench), "plan": from_anywhere(options.plan),
            "seed": options.seed, "lang": options.lang, "wire": options.wire,
            "defects": list(options.defects), "core": options.core,
            "election": options.election and from_anywhere(options.election),
        },
    }


def remembered(
    folder: RunFolder, options: CertificationOptions
) -> tuple[CertificationOptions, Plan]:
    """The options and the plan of the run that is continued.

    ConfigurationError when they cannot be read: the run cannot be continued.
    """
    kept = _read(folder, "options")
    try:
        restored = replace(
            options, bench=_text(kept["bench"]), plan=_text(kept["plan"]), seed=int(kept["seed"]),
            lang=_text(kept["lang"]), wire=None if kept["wire"] is None else _text(kept["wire"]),
            defects=tuple(_text(name) for name in kept["defects"]),
            core=None if kept.get("core") is None else _text(kept["core"]),
            election=None if kept.get("election") is None else _text(kept["election"]),
        )
        plan = Plan.model_validate(_read(folder, "plan"))
    except (KeyError, TypeError, ValueError, ValidationError) as error:
        raise _unreadable(folder, error) from error
    return restored, plan


def require_the_same_bench(folder: RunFolder, now: dict[str, Any]) -> None:
    """ConfigurationError when bench or profile are not those with which the run began."""
    for name in ("bench", "profile"):
        if _read(folder, name) != json.loads(json.dumps(now[name])):
            raise ConfigurationError(
                f"the {name} is not the one with which this run began",
                where=str(folder.inputs / f"{name}.json"),
                remedy=f"Put the {name} file back as it was, or start a new run.",
            )


def _read(folder: RunFolder, name: str) -> Any:
    try:
        return json.loads((folder.inputs / f"{name}.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise _unreadable(folder, error) from error


def _unreadable(folder: RunFolder, error: Exception) -> ConfigurationError:
    return ConfigurationError(
        f"what the run was asked for cannot be read: {' '.join(str(error).split())}",
        where=str(folder.inputs),
        remedy="The run cannot be continued; start a new one.",
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not a name")
    return value


def from_anywhere(name: str) -> str:
    """A file's whole path, so that the run can be continued from another folder."""
    path = Path(name)
    return str(path.resolve()) if path.is_file() else name
