"""Defects of the memory when the power fails, when a memory fails, and of what is plugged in."""

# ruff: noqa: ARG002  (an override takes what its hook is given)
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from kalys.emulators.urn.behaviour import Behaviour
from kalys.protocols.urn.messages import Event, EventKind

if TYPE_CHECKING:
    from kalys.emulators.urn.storage import Frame


class HalfRecordTaken(Behaviour):
    def checks_memory(self) -> bool:
        return False

    def transaction_is_done(self, recorded: bool) -> bool:
        return True


class RecordLostInCache(Behaviour):
    def transaction_is_done(self, recorded: bool) -> bool:
        return True


class ExportCutShort(Behaviour):
    def __init__(self, parameters: Mapping[str, Mapping[str, float]] | None = None) -> None:
        super().__init__(parameters)
        self._cut = False

    def noticed(self, event: Event) -> None:
        super().noticed(event)
        if event.kind is EventKind.BOOTED and event.fields["cause"] == "power-loss":
            self._cut = True

    def exported_file(self, data: bytes) -> bytes:
        cut, self._cut = self._cut, False
        data = super().exported_file(data)
        return data[: len(data) // 2] if cut else data


class OldSettingsTaken(Behaviour):
    def settings_in_force(self, generations: Sequence[int]) -> int:
        return min(generations)


class OldCountersTaken(Behaviour):
    def brings_counters_up_to_date(self) -> bool:
        return False


class RecordDoubledAtStart(Behaviour):
    def transaction_is_done(self, recorded: bool) -> bool:
        return False


class LogShortenedAtStart(Behaviour):
    def log_at_start(self, frames: Sequence[Frame], *, orderly: bool) -> Sequence[Frame]:
        lost = int(self.parameters["log-shortened-at-start"]["entries"])
        return frames if orderly else frames[: max(0, len(frames) - lost)]


class NoValidationAtStart(Behaviour):
    def validates_at_start(self) -> bool:
        return False


class ValidatesVotesOnly(Behaviour):
    def validates_log(self) -> bool:
        return False


class SingleMemory(Behaviour):
    def mirrors_memory(self) -> bool:
        return False


class MemoryFailureUnheeded(Behaviour):
    def mirrors_memory(self) -> bool:
        return False

    def tells_memory_failure(self) -> bool:
        return False


class MemoryFailureSilent(Behaviour):
    def tells_memory_failure(self) -> bool:
        return False


class PluggingSilent(Behaviour):
    def alerts_of_components(self) -> bool:
        return False


class PluggingUnlogged(Behaviour):
    def logs(self, kind: str) -> bool:
        return kind not in ("intervention", "media") and super().logs(kind)


class PortStaysOpen(Behaviour):
    def closes_unplugged_port(self) -> bool:
        return False

    def logs_out_unplugged(self) -> bool:
        return False


class PortReadsAfterReplug(Behaviour):
    def closes_unplugged_port(self) -> bool:
        return False
