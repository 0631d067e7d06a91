"""A receipt printer's tape: ESC/POS bytes from text, and text from ESC/POS bytes.

How to think about it: the tape is one stream in which commands (ESC, GS, FS, DLE and their
arguments) lie between text bytes of whatever code page was selected last. ``TapeWriter`` makes such
a stream the way an urn does. ``TapeParser`` is a tap on anybody's: it follows every ESC t, even in
the middle of a line, skips the commands whose length ``kalys.protocols.tape_commands`` knows, and
counts what it does not know or cannot decode instead of guessing.

Sources: Epson "ESC/POS Command Reference for TM Printers" (lengths, ESC t page numbers);
python-escpos' capability files for the pages of common models. The Kyrgyz letters Ң Ө Ү are in
KZ-1048 only, ESC t 53 on TM-T88V, TM-T20II, TM-L90 and TM-P80 (docs/protocols/urn-tape.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kalys.errors import ProtocolError
from kalys.protocols.tape_commands import DLE, ESC, FS, GS, NEED_MORE, length, long_data

LF, CR, HT, FF = 0x0A, 0x0D, 0x09, 0x0C
KZ1048_PAGE = 53

# ESC t n -> Python's codec. Pages that no codec of Python has are unknown on purpose.
CODE_PAGES: Mapping[int, str] = {
    0: "cp437", 2: "cp850", 3: "cp860", 4: "cp863", 5: "cp865", 13: "cp857", 14: "cp737",
    15: "iso8859_7", 16: "cp1252", 17: "cp866", 18: "cp852", 19: "cp858", 32: "cp720", 33: "cp775",
    34: "cp855", 35: "cp861", 36: "cp862", 37: "cp864", 38: "cp869", 39: "iso8859_2",
    40: "iso8859_15", 44: "cp1125", 45: "cp1250", 46: "cp1251", 47: "cp1253", 48: "cp1254",
    49: "cp1255", 50: "cp1256", 51: "cp1257", 52: "cp1258", 53: "kz1048",
}
# What a tap keeps at most of a line that does not end.
_LONGEST_LINE = 4096


class TapeWriter:
    """Bytes for a printer. Every method returns the bytes of one action; nothing is kept."""

    def __init__(self, page: int = KZ1048_PAGE) -> None:
        """``page`` is the ESC t number of the code page that the texts are written in."""
        if page not in CODE_PAGES:
            raise ProtocolError(f"no code page {page} is known", where="tape")
        self._page = page

    def start(self) -> bytes:
        """Initialise the printer and select the code page: ESC @, ESC t n."""
        return bytes((ESC, ord("@"), ESC, ord("t"), self._page))

    def line(self, text: str, *, bold: bool = False, double_width: bool = False) -> bytes:
        """One line: emphasis (ESC E) and double width (GS ! 16) around the text, then LF.

        ProtocolError when the code page lacks a character or the text has a control character.
        """
        try:
            encoded = text.encode(CODE_PAGES[self._page])
        except UnicodeEncodeError as error:
            raise ProtocolError(
                f"code page {self._page} has no {text[error.start]!r}", where="tape") from error
        if any(byte < 0x20 for byte in encoded):
            raise ProtocolError(f"a control character in {text!r}", where="tape")
        if bold:
            encoded = b"\x1bE\x01" + encoded + b"\x1bE\x00"
        if double_width:
            encoded = b"\x1d!\x10" + encoded + b"\x1d!\x00"
        return encoded + b"\n"

    def raster(self, width_bytes: int, rows: bytes) -> bytes:
        """A picture, GS v 0: ``rows`` are rows of ``width_bytes`` bytes, 8 dots each, 1 black."""
        height, left = divmod(len(rows), width_bytes)
        if left or not 0 < width_bytes <= 0xFFFF or height > 0xFFFF:
            raise ProtocolError(f"{len(rows)} bytes are no rows of {width_bytes}", where="tape")
        size = width_bytes.to_bytes(2, "little") + height.to_bytes(2, "little")
        return b"\x1dv0\x00" + size + rows

    def feed(self, lines: int) -> bytes:
        """Feed 0 to 255 lines: ESC d n."""
        return bytes((ESC, ord("d"), lines))

    def cut(self) -> bytes:
        """Feed to the cutter and cut: GS V 66 0."""
        return b"\x1dV\x42\x00"


@dataclass(frozen=True, slots=True)
class Unknown:
    """Bytes that were not understood, at which place of the stream (from 0), and why."""

    offset: int
    data: bytes
    why: str


class TapeParser:
    """A tap: feed it bytes, take the lines. It never raises, whatever comes."""

    def __init__(self, page: int = 0) -> None:
        """``page`` is the code page in force before the first ESC t (after power-on: 0, CP437)."""
        self._first_page = page
        self._page = page
        self._tail = b""
        self._skip = 0                  # bytes of a picture's data that are still to come
        self._offset = 0
        self._line: list[str] = []
        self._lines: list[str] = []
        self._length = 0
        self._own: set[int] = set()     # codes with shapes of the sender's own (ESC &)
        self._own_selected = False
        self.undecodable = 0            # characters whose shape the tape does not tell
        self.unknown: list[Unknown] = []
        self.cuts = 0
        self.pictures = 0

    def feed(self, data: bytes) -> None:
        """Take what came; a command that is cut in two is completed by the next call."""
        data = self._tail + data
        at = 0
        while at < len(data):
            taken = self._step(data, at)
            if taken == 0:
                break
            at += taken
            self._offset += taken
        self._tail = data[at:]

    def lines(self) -> list[str]:
        """The lines that were finished since the last call."""
        done, self._lines = self._lines, []
        return done

    def finish(self) -> list[str]:
        """As ``lines``, with the unfinished line as well; an unfinished command is unknown."""
        if self._tail:
            self._report(self._tail, "the stream ends within a command")
            self._offset += len(self._tail)
            self._tail = b""
        if self._line:
            self._end_line()
        return self.lines()

    def _step(self, data: bytes, at: int) -> int:
        """Take one thing at ``at``; how many bytes it has, or 0 when more are needed."""
        if self._skip:
            taken = min(self._skip, len(data) - at)
            self._skip -= taken
            return taken
        byte = data[at]
        if byte in (ESC, GS, FS, DLE):
            return self._command(data, at)
        if byte in (LF, FF):
            self._end_line()
        elif byte >= 0x20:
            return self._text(data, at)
        elif byte == HT:
            self._write(" " * (8 - self._length % 8))
        elif byte != CR:
            self._report(data[at : at + 1], "a control character")
        return 1

    def _text(self, data: bytes, at: int) -> int:
        end = at
        while end < len(data) and data[end] >= 0x20:
            end += 1
        # ASCII is the same in every page that printers have; the upper half is not.
        codec = CODE_PAGES.get(self._page, "ascii")
        if self._own_selected and self._own:
            # The printer draws shapes of the sender's own in place of these codes.
            decoded = "".join("\ufffd" if byte in self._own else
                              bytes((byte,)).decode(codec, "replace") for byte in data[at:end])
        else:
            decoded = data[at:end].decode(codec, "replace")
        self.undecodable += decoded.count("\ufffd")
        self._write(decoded)
        return end - at

    def _command(self, data: bytes, at: int) -> int:
        if len(data) - at < 2:
            return 0
        size = length(data, at)
        if size is None:
            self._report(data[at : at + 2], "a command of unknown length")
            return 2
        command = data[at : at + 2]
        if size != NEED_MORE and command in long_data:
            # Pictures come in many pieces: nothing of them is kept.
            self.pictures += command in (b"\x1dv", b"\x1b*")
            self._skip = size
            return self._step(data, at)
        if size == NEED_MORE or len(data) - at < size:
            return 0
        self._obey(command, data[at + 2 : at + size])
        return size

    def _obey(self, command: bytes, arguments: bytes) -> None:
        """What a command means for the text; most mean nothing."""
        if command == b"\x1b@":
            self._page = self._first_page
            self._own_selected = False
            self._own.clear()
        elif command == b"\x1bt":
            self._page = arguments[0]
            if self._page not in CODE_PAGES:
                self._report(command + arguments, "an unknown code page")
        elif command == b"\x1b%":
            self._own_selected = bool(arguments[0] & 1)
        elif command == b"\x1b&":
            self._own.update(range(arguments[1], arguments[2] + 1))
        elif command == b"\x1b?":
            self._own.discard(arguments[0])
        elif command in (b"\x1bd", b"\x1bJ", b"\x1be", b"\x1dV", b"\x1bi", b"\x1bm"):
            if self._line:
                self._end_line()
            self.cuts += command in (b"\x1dV", b"\x1bi", b"\x1bm")

    def _write(self, text: str) -> None:
        self._line.append(text)
        self._length += len(text)
        if self._length > _LONGEST_LINE:
            self._end_line()

    def _end_line(self) -> None:
        self._lines.append("".join(self._line).rstrip())
        self._line = []
        self._length = 0

    def _report(self, data: bytes, why: str) -> None:
        self.unknown.append(Unknown(self._offset, data, why))
