"""Checking a profile or a bench file before anything depends on it."""

from __future__ import annotations

from pathlib import Path

from kalys import documents
from kalys.bench.bench_file import plan_bench
from kalys.bench.profile import load_profile
from kalys.errors import ConfigurationError
from kalys.resources import resource


def check_file(name: str | Path) -> str:
    """Check a profile or a bench (a file, or a shipped name) and say in a sentence what it is.

    ConfigurationError names file, line and field of the first mistakes.
    """
    if _is_bench(name):
        plan = plan_bench(name)
        return (
            f"{plan.path}: a good bench file: {plan.file.bench}, {plan.file.time} time, "
            f"{len(plan.devices)} devices, under test {plan.dut}"
        )
    profile = load_profile(name)
    return (
        f"{name}: a good profile: {profile.profile}, a {profile.role} over {profile.protocol}, "
        f"{len(profile.limit_values())} promised limits"
    )


def _is_bench(name: str | Path) -> bool:
    path = Path(name)
    if path.is_file():
        data, _ = documents.read(path)
        if not isinstance(data, dict):
            raise ConfigurationError("is neither a profile nor a bench file", where=f"{path}:1",
                                     remedy="It begins with profile: NAME or bench: NAME.")
        return "bench" in data
    return (resource("device_profiles", "benches") / f"{name}.yaml").is_file()
