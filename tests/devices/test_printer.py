"""The tap on a tape."""

import pytest

from kalys.devices.printer import PrinterTap, page_number
from kalys.errors import LinkError
from kalys.links.inprocess import Exchange
from kalys.links.link import open_link
from kalys.protocols.tape import TapeWriter


class Printer:
    def opened(self): ...
    def closed(self): ...
    def received(self, data): ...


@pytest.fixture
def tapped(clock, notes):
    with Exchange(clock) as exchange:
        printer = Printer()
        printer.send = exchange.attach("urn-1.printer", printer)
        link = open_link(exchange.url("urn-1.printer"), name="tape", clock=clock, journal=notes)
        tap = PrinterTap(link, clock=clock, code_page="kz1048")
        yield printer, tap, exchange
        tap.close()


def test_the_tape_since_the_last_call_is_given_with_kyrgyz_letters(tapped, clock):
    printer, tap, _ = tapped
    writer = TapeWriter()
    printer.send(writer.start() + writer.line("Өкүлдөрдүн шайлоосу") + writer.line("P01  12"))
    clock.sleep(3.0)
    tape = tap.tape()
    assert tape.lines == ("Өкүлдөрдүн шайлоосу", "P01  12")
    assert tape.undecodable == 0
    assert tape.first == tape.last == 3_000_000_000
    assert tap.tape().lines == ()


def test_a_line_that_is_not_finished_comes_with_the_next_call(tapped):
    printer, tap, _ = tapped
    printer.send(b"half ")
    assert tap.tape().lines == ()
    printer.send(b"a line\n")
    assert tap.tape().lines == ("half a line",)


def test_what_cannot_be_decoded_is_counted_once(tapped):
    printer, tap, _ = tapped
    printer.send(b"\x1bt\xc8" + b"\xff\xfe\n")
    assert tap.tape().undecodable > 0
    assert tap.tape().undecodable == 0


def test_a_tap_that_is_gone_is_told(tapped):
    _, tap, exchange = tapped
    exchange.drop("urn-1.printer")
    with pytest.raises(LinkError):
        tap.tape()


def test_an_unknown_code_page_lists_the_known_ones():
    with pytest.raises(ValueError, match="kz1048"):
        page_number("koi8-r")
