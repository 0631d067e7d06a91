"""An urn's own counting core, shown pictures over the urn's link: no paper, no wear.

The third way to put a core under test, beside a callable and a program: the operation *read_image*
of docs/protocols/urn-link.md. The urn is brought into test mode with the election of the ``hello``
message, and is in STANDBY again, as it was found, when the core is closed. An urn whose polls are
open, or whose results may still be wanted, is never touched.

What the urn or its link does wrong is a `CoreFault`, as with any other core; before the next sheet
the link is opened anew and the urn told everything again.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kalys.ballots.layout import Layout
from kalys.ballots.package import urn_package
from kalys.devices.counting_core import contests_of
from kalys.devices.roles import CoreReading, Identity
from kalys.devices.urn import UrnDriver
from kalys.election.definition import ElectionDefinition
from kalys.errors import ConfigurationError, KalysError, LinkError, ProtocolError, Refused
from kalys.protocols.counting_core import CoreFault, answer_from
from kalys.protocols.urn.messages import AMBIGUOUS_MARKS, RETURN, Purpose, Role, UrnState

Picture = NDArray[np.uint8]

STATION = "laboratory"
UNTOUCHED = (UrnState.OPEN, UrnState.CLOSED)


class UrnCore:
    """The counting core of the urn behind ``urn``, which it disconnects when it is closed."""

    batch = 1

    def __init__(self, urn: UrnDriver, name: str) -> None:
        self.name = name
        self._urn = urn
        self._clock = urn.dialogue.clock
        self._hello: Mapping[str, Any] = {}
        self._contests: Mapping[str, frozenset[str]] = {}
        self._loaded = ("", "")         # SHA-256 of the package, what becomes of ambiguous marks
        self._found = ""                # the parameter as it was before we set it
        self._lost = False
        self._identity: Identity | None = None

    def identity(self) -> Identity:
        if self._identity is None:
            self._identity = self._urn.identity()
        return self._identity

    def begin(self, hello: Mapping[str, Any]) -> None:
        """Load the election and go into test mode; CoreFault when the urn does not.

        ConfigurationError when its polls are open or its results not yet archived.
        """
        self._hello, self._contests = hello, contests_of(hello)
        definition = ElectionDefinition.model_validate(hello["election"])
        layout = Layout.from_dict(hello["layout"])
        data = urn_package(definition, hello["style"], STATION, layout)
        wanted = (hashlib.sha256(data).hexdigest(), hello.get("ambiguous_marks", RETURN))
        if wanted == self._loaded:
            return
        with self._told():
            self._to_standby()
            self._set_ambiguous(wanted[1])
            self._urn.load(Purpose.DEFINITION, data)
            self._urn.test_mode(True)
        self._loaded = wanted

    def read(self, image: Picture) -> CoreReading:
        if self._lost:
            with self._told():
                self._urn.reconnect()
            self._lost = False
        self.begin(self._hello)
        started = self._clock.now()
        with self._told():
            answer = self._urn.read_image(image)
        seconds = (self._clock.now() - started) / 1e9
        if answer.status == "rejected":
            said: dict[str, Any] = {"status": "rejected", "reason": answer.reason}
        else:
            said = {"status": "read", "marks": answer.marks, "valid": answer.valid,
                    "marginal": answer.marginal}
        return CoreReading(answer_from(said, self._contests), seconds)

    def read_many(self, images: Sequence[Picture]) -> list[CoreReading | CoreFault]:
        return [self._one(image) for image in images]

    def pages(self, count: int, shape: tuple[int, ...]) -> Sequence[Picture]:
        return [np.empty(shape, np.uint8) for _ in range(count)]

    def close(self) -> None:
        """Leave the urn in STANDBY, with the parameter that it had; whatever fails is left."""
        with contextlib.suppress(KalysError):
            if self._loaded[0]:
                self._to_standby()
                if self._found:
                    self._urn.set_parameter(AMBIGUOUS_MARKS, self._found)
                self._urn.logout()
        with contextlib.suppress(KalysError):
            self._urn.disconnect()

    def _one(self, image: Picture) -> CoreReading | CoreFault:
        try:
            return self.read(image)
        except CoreFault as fault:
            return fault

    def _to_standby(self) -> None:
        self._urn.login(Role.ADMINISTRATOR)
        state = self._urn.status().state
        if state in UNTOUCHED:
            raise ConfigurationError(
                f"the urn is in the state {state.value}: it is shown no pictures",
                where=self._urn.dialogue.link.url,
                remedy="Close its polls, save its results and reset its election first.",
            )
        if state is not UrnState.STANDBY:
            self._urn.reset_election()

    def _set_ambiguous(self, wanted: str) -> None:
        """An urn that has no such parameter goes on giving such sheets back."""
        told = self._urn.parameters().get(AMBIGUOUS_MARKS, ("", ""))[0]
        if told and told != wanted:
            self._urn.set_parameter(AMBIGUOUS_MARKS, wanted)
            self._found = self._found or told

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Whatever goes wrong with the urn inside is a CoreFault."""
        try:
            yield
        except CoreFault:
            raise
        except Refused as refused:
            raise self._fault("error", f"the urn refuses: {refused.code}") from refused
        except LinkError as lost:
            self._lost = True
            raise self._fault("timeout", lost.what) from lost
        except ProtocolError as nonsense:
            self._lost = True
            raise self._fault("garbage", nonsense.what) from nonsense

    def _fault(self, kind: str, what: str) -> CoreFault:
        self._loaded = ("", "")
        return CoreFault(kind, what)
