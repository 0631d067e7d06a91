"""Files that the host loads into the urn: a definition, another urn's results, software, and in
test mode the picture of a sheet."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from kalys.ballots.package import UrnPackage, read_package
from kalys.emulators.paper import picture
from kalys.emulators.urn.exports import RESULTS_FORMAT
from kalys.emulators.urn.mainboard import Mainboard
from kalys.emulators.urn.states import Cause
from kalys.errors import KalysError
from kalys.protocols.urn.messages import Purpose, Result

MOST_BYTES = 8 * 1024 * 1024


class Upload:
    """One file on its way in. ValueError when it is announced with sizes that cannot be."""

    def __init__(self, purpose: str, size: int, sha256: bytes) -> None:
        if not 0 < size <= MOST_BYTES or len(sha256) != hashlib.sha256().digest_size:
            raise ValueError(f"no file has {size} bytes and a digest of {len(sha256)}")
        self.purpose = Purpose(purpose)
        self.sha256 = sha256
        self._size = size
        self._data = bytearray()

    @property
    def received(self) -> int:
        return len(self._data)

    def take(self, offset: int, data: bytes) -> bool:
        """Append a chunk; False when it does not continue what is there, or is too much."""
        if offset != len(self._data) or len(self._data) + len(data) > self._size:
            return False
        self._data += data
        return True

    def commit(self, board: Mainboard) -> Result:
        """Take the file into use; what is wrong with it otherwise."""
        data = bytes(self._data)
        if len(data) != self._size or hashlib.sha256(data).digest() != self.sha256:
            return Result.BAD_HASH
        if self.purpose is Purpose.DEFINITION:
            return _definition(board, data, self.sha256)
        if self.purpose is Purpose.RESULTS:
            return _results(board, data)
        if self.purpose is Purpose.IMAGE:
            return _picture(board, data)
        return _software(board, self.sha256)


def _definition(board: Mainboard, data: bytes, sha256: bytes) -> Result:
    try:
        package = read_package(data)
    except (KalysError, ValueError):
        return Result.BAD_DEFINITION
    if package.layout.sides > 1:
        # One scanner line below the paper: of such a ballot it would count half.
        return Result.BAD_DEFINITION
    if not _in_range(package, board) and board.behaviour.minds_ballot_range():
        return Result.BAD_DEFINITION
    memory = board.memory
    memory.define(package, sha256, data)
    memory.event_counter += 1
    board.monitor.begin()
    board.rebuild_core()
    board.log("file", f"definition file added, SHA-256 {sha256.hex()}", "success", "memory")
    board.log("definition", f"definition of {package.definition.id}, style {package.style}, loaded",
              "success", "definition")
    board.move(Cause.DEFINED)
    return Result.OK


def _in_range(package: UrnPackage, board: Mainboard) -> bool:
    """Whether the ballot is no longer, and has no more options, than this model is built for."""
    c = board.configuration
    options = sum(len(contest.options) for contest in package.contests)
    longest = c.sheet_mm + c.length_tolerance_mm
    return options <= c.most_options and package.layout.page_mm[1] <= longest


def _results(board: Mainboard, data: bytes) -> Result:
    memory = board.memory
    try:
        results = json.loads(data)
        right = _fits(results, board)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        right = False
    if not right:
        return Result.BAD_DEFINITION
    serial = results["device"]["serial"]
    memory.imports[serial] = results
    board.log("file", f"results of urn {serial} added", "success", "memory")
    return Result.OK


def _fits(results: Any, board: Mainboard) -> bool:
    """Whether these are results of another urn of this station in this election."""
    package = board.memory.package
    if package is None or results["format"] != RESULTS_FORMAT:
        return False
    numbers = [results[name] for name in ("sheets", "valid", "invalid")]
    numbers += [n for row in results["votes"].values() for n in row.values()]
    numbers += [*results["overvotes"].values(), *results["undervotes"].values()]
    same = (results["election"], results["station"]) == (package.definition.id, package.station)
    return (
        same
        and isinstance(results["device"]["serial"], str)
        and results["device"]["serial"] != board.serial
        and isinstance(results["style"], str)
        and all(isinstance(n, int) and not isinstance(n, bool) and n >= 0 for n in numbers)
    )


def _picture(board: Mainboard, data: bytes) -> Result:
    try:
        board.picture = picture("loaded", data).pixels
    except KalysError:
        return Result.BAD_DEFINITION
    board.log("file", "picture of a sheet added", "success", "memory")
    return Result.OK


def _software(board: Mainboard, sha256: bytes) -> Result:
    memory = board.memory
    old = memory.software_sha256 or board.configuration.firmware_sha256
    memory.software_sha256 = sha256
    original = sha256 == board.configuration.firmware_sha256
    memory.software_suffix = "" if original else f"+{sha256.hex()[:8]}"
    memory.event_counter += 1
    board.log("software", f"software {old.hex()} replaced by {sha256.hex()}", "success", "firmware")
    return Result.OK
