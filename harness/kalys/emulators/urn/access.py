"""Who is logged in: challenge and response by role, with a lock after wrong attempts.

The construction is published (``kalys.protocols.urn.authentication``). A nonce is good for one
attempt and dies with the power. Wrong attempts and locks are remembered without power, so that
switching the urn off and on opens no new round of guessing.
"""

from __future__ import annotations

from random import Random

from kalys.emulators.agenda import SECOND
from kalys.emulators.urn.behaviour import Behaviour
from kalys.emulators.urn.configuration import UrnEmulation
from kalys.emulators.urn.memory import NonVolatile
from kalys.protocols.urn import authentication
from kalys.protocols.urn.messages import Result, Role


class Access:
    """The log-in of one link session. Volatile apart from the locks."""

    def __init__(
        self, memory: NonVolatile, c: UrnEmulation, behaviour: Behaviour, draw: Random
    ) -> None:
        self._memory = memory
        self._attempts = behaviour.attempts_before_lock(c.wrong_attempts)
        self._behaviour = behaviour
        self._draw = draw
        self._nonces: dict[Role, bytes] = {}
        self.role: Role | None = None

    def challenge(self, role: Role, now: int) -> bytes | Result:
        """A fresh nonce, or why not."""
        if self._locked(role, now):
            return Result.LOCKED_OUT
        nonce = self._behaviour.nonce(self._draw.randbytes(authentication.NONCE_SIZE))
        self._nonces[role] = nonce
        return nonce

    def authenticate(self, role: Role, mac: bytes, now: int) -> Result:
        """OK and logged in, or why not. Somebody else's log-in is not disturbed by a failure."""
        if self._locked(role, now):
            return Result.LOCKED_OUT
        nonce = self._nonces.get(role)
        if self._behaviour.spends_nonce():
            self._nonces.pop(role, None)
        memory = self._memory
        if nonce is not None and authentication.accepts(memory.keys[role], nonce, role, mac):
            memory.wrong_attempts[role] = 0
            self.role = role
            return Result.OK
        wrong = memory.wrong_attempts.get(role, 0) + 1
        if wrong >= self._attempts:
            memory.locked_until[role] = now + round(memory.parameters["lockout_s"] * SECOND)
            wrong = 0
        memory.wrong_attempts[role] = wrong
        return Result.NOT_AUTHORISED

    def logout(self) -> None:
        self.role = None
        if self._behaviour.spends_nonce():
            self._nonces.clear()

    def _locked(self, role: Role, now: int) -> bool:
        return now < self._memory.locked_until.get(role, 0)
