"""The code marks of Kalys ballots: which election and which style a sheet belongs to.

Twenty cells, dark for 1, read left to right on an upright page::

    1 | election, 6 bits | style, 8 bits | check, 4 bits | 1

The most significant bit comes first. The check is the CRC-4 of ITU-T G.704 (x^4 + x + 1, start 0)
over the 14 bits before it. A single misread cell is always found; a reader that finds no valid code
counts nothing.
"""

from __future__ import annotations

CELLS = 20


def code_bits(election_code: int, style_code: int) -> str:
    """The printed cells, "1" dark. Raises ValueError out of range (0..63, 0..255)."""
    if not (0 <= election_code < 64 and 0 <= style_code < 256):
        raise ValueError(f"no code for election {election_code}, style {style_code}")
    payload = f"{election_code:06b}{style_code:08b}"
    return f"1{payload}{_crc4(payload):04b}1"


def decode_bits(bits: str) -> tuple[int, int] | None:
    """(election code, style code) of 20 cells, or None if they are no valid code (or unclear)."""
    if len(bits) != CELLS or set(bits) - {"0", "1"} or bits[0] != "1" or bits[-1] != "1":
        return None
    payload, check = bits[1:15], int(bits[15:19], 2)
    if _crc4(payload) != check:
        return None
    return int(payload[:6], 2), int(payload[6:], 2)


def _crc4(bits: str) -> int:
    register = 0
    for bit in bits:
        top = (register >> 3) ^ int(bit)
        register = (register << 1) & 0xF
        if top:
            register ^= 0b0011
    return register
