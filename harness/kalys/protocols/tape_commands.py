"""How long the commands of an ESC/POS stream are: what a tap must know to keep its place.

Only commands whose form is published for Epson's TM printers are here; any other is unknown, which
the tap reports. Source: Epson, "ESC/POS Command Reference for TM Printers".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

DLE, ESC, FS, GS = 0x10, 0x1B, 0x1C, 0x1D
NEED_MORE = 0

# Lead byte -> number of argument bytes -> the letters that take so many.
_FIXED: Mapping[int, Mapping[int, bytes]] = {
    ESC: {0: b"2<@LSimv\x0c", 1: b" !%-3=?EGJKMRTUVadertu{", 2: b"$\\c", 3: b"p", 8: b"W"},
    GS: {0: b":c", 1: b"!/BHITabfhrw", 2: b"$LPW\\", 3: b"^"},
    FS: {0: b"&.", 1: b"!-CW", 2: b"Sp"},
    DLE: {1: b"\x05"},
}
# Commands whose head tells their length and whose data may be long.
long_data = frozenset((b"\x1dv", b"\x1b*", b"\x1d(", b"\x1c(", b"\x1b(", b"\x1d8", b"\x1d*"))


def length(data: bytes, at: int) -> int | None:
    """Bytes of the command at ``at``, of which two are there at least.

    NEED_MORE when its length cannot be told yet; None when the command is not known.
    """
    lead, letter = data[at], data[at + 1]
    for arguments, letters in _FIXED[lead].items():
        if letter in letters:
            return 2 + arguments
    variable = _variable(lead, letter)
    if variable is None:
        return None
    head, tell = variable
    return tell(data, at) if len(data) - at >= head else NEED_MORE


def _variable(lead: int, letter: int) -> tuple[int, Callable[[bytes, int], int | None]] | None:
    """For a command of variable length: bytes needed to tell it, and how."""
    return {
        (GS, ord("V")): (3, _cut), (GS, ord("v")): (8, _raster), (GS, ord("k")): (4, _bar_code),
        (GS, ord("(")): (5, _function), (GS, ord("8")): (7, _long_function),
        (GS, ord("*")): (4, _own_picture), (FS, ord("(")): (5, _function),
        (ESC, ord("(")): (5, _function), (ESC, ord("*")): (5, _bit_image),
        (ESC, ord("D")): (3, _tabs), (ESC, ord("&")): (5, _own_characters),
        (DLE, 0x04): (3, _status), (DLE, 0x14): (3, _pulse),
    }.get((lead, letter))


def _little(data: bytes, at: int, size: int = 2) -> int:
    return int.from_bytes(data[at : at + size], "little")


def _cut(data: bytes, at: int) -> int:
    return 3 if data[at + 2] in (0, 1, 48, 49) else 4


def _raster(data: bytes, at: int) -> int | None:
    """GS v 0 m xL xH yL yH, then x * y bytes."""
    if data[at + 2] != ord("0"):
        return None
    return 8 + _little(data, at + 4) * _little(data, at + 6)


def _bit_image(data: bytes, at: int) -> int:
    """ESC * m nL nH, then n columns of one byte, of three in the 24-dot modes."""
    return 5 + _little(data, at + 3) * (3 if data[at + 2] in (32, 33) else 1)


def _function(data: bytes, at: int) -> int:
    """GS ( x pL pH, then p bytes."""
    return 5 + _little(data, at + 3)


def _long_function(data: bytes, at: int) -> int:
    """GS 8 L p1 p2 p3 p4, then p bytes."""
    return 7 + _little(data, at + 3, 4)


def _own_picture(data: bytes, at: int) -> int:
    """GS * x y, then x * y * 8 bytes."""
    return 4 + data[at + 2] * data[at + 3] * 8


def _bar_code(data: bytes, at: int) -> int | None:
    """GS k m d... NUL for m below 65, GS k m n d... from there."""
    if data[at + 2] >= 65:
        return 4 + data[at + 3]
    return _to_nul(data, at, 3, 256)


def _tabs(data: bytes, at: int) -> int | None:
    """ESC D n... NUL, at most 32 positions."""
    return _to_nul(data, at, 2, 33)


def _to_nul(data: bytes, at: int, head: int, longest: int) -> int | None:
    end = data.find(b"\x00", at + head, at + head + longest)
    if end >= 0:
        return end + 1 - at
    return NEED_MORE if len(data) - at < head + longest else None


def _own_characters(data: bytes, at: int) -> int | None:
    """ESC & y c1 c2, then for each character its width x and x * y bytes."""
    high, first, last = data[at + 2], data[at + 3], data[at + 4]
    if not 1 <= high <= 3 or not 32 <= first <= last:
        return None
    place = at + 5
    for _ in range(first, last + 1):
        if place >= len(data):
            return NEED_MORE
        place += 1 + high * data[place]
    return place - at


def _status(data: bytes, at: int) -> int:
    """DLE EOT n, with one more byte for the ink, interface and buzzer."""
    return 4 if data[at + 2] in (7, 8, 18) else 3


def _pulse(data: bytes, at: int) -> int | None:
    """DLE DC4 fn: 1 and 2 take two more bytes, 8 takes seven."""
    return {1: 5, 2: 5, 8: 10}.get(data[at + 2])
