"""Defects of log-in, refusals and of what comes over the link."""

# ruff: noqa: ARG002  (an override takes what its hook is given)
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from kalys.emulators.urn.behaviour import Behaviour
from kalys.protocols.urn.messages import Garbage, Op, Purpose, Role
from kalys.protocols.urn.permissions import ANY, Rule


class UnlimitedLogIns(Behaviour):
    def attempts_before_lock(self, configured: int) -> int:
        return 1_000_000


class LockForgottenAtRestart(Behaviour):
    def keeps_locks(self) -> bool:
        return False


class AuditorCloses(Behaviour):
    def rule(self, op: Op, kind: str) -> Rule | None:
        rule = super().rule(op, kind)
        if rule is not None and op is Op.CLOSE and rule.roles is not None:
            return replace(rule, roles=rule.roles | {Role.AUDITOR})
        return rule


class ParametersWhileOpen(Behaviour):
    def rule(self, op: Op, kind: str) -> Rule | None:
        rule = super().rule(op, kind)
        if rule is not None and op is Op.SET_PARAMETER:
            return replace(rule, states=ANY)
        return rule


class CoverUnalarmed(Behaviour):
    def alerts_of_cover(self) -> bool:
        return False


class RefusalsNotLogged(Behaviour):
    def logs_refusal(self, op: Op) -> bool:
        return False


class OpensWithoutKey(Behaviour):
    def asks_for_key(self, op: Op, kind: str) -> bool:
        return super().asks_for_key(op, kind) and op is not Op.OPEN


class SoftwareWithoutKey(Behaviour):
    def asks_for_key(self, op: Op, kind: str) -> bool:
        return super().asks_for_key(op, kind) and kind != Purpose.SOFTWARE.value


class NoncesRepeat(Behaviour):
    def __init__(self, parameters: Mapping[str, Mapping[str, float]] | None = None) -> None:
        super().__init__(parameters)
        self._first = b""

    def nonce(self, fresh: bytes) -> bytes:
        self._first = self._first or fresh
        return super().nonce(self._first)


class NonceNotSpent(Behaviour):
    def spends_nonce(self) -> bool:
        return False


class HangsOnLongFrame(Behaviour):
    def survives(self, garbage: Garbage) -> bool:
        return super().survives(garbage) and "length" not in garbage.why


class GarbageCounted(Behaviour):
    def __init__(self, parameters: Mapping[str, Mapping[str, float]] | None = None) -> None:
        super().__init__(parameters)
        self._seen = 0

    def counts(self, garbage: Garbage) -> bool:
        self._seen += 1
        return self._seen % int(self.parameters["garbage-counted"]["every"]) == 0
