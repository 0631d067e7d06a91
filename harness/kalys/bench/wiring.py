"""From a device of the bench file and an address to a driver.

Each function opens what it needs and hands over something that is closed by ``close`` or
``disconnect``; who closes it, and in which order, is the bench's business.
"""

from __future__ import annotations

from collections.abc import Callable

from kalys.ballots.templates import layouts_for
from kalys.bench.bench_file import Device, Placed
from kalys.bench.profile import Profile, load_profile
from kalys.devices import counting_core
from kalys.devices.dialogue import SLOW, Dialogue, Patience
from kalys.devices.printer import PrinterTap
from kalys.devices.roles import CountingCore
from kalys.devices.supply import KeysightE36312A
from kalys.devices.urn import Sizes, UrnDriver
from kalys.devices.urn_core import UrnCore
from kalys.devices.world import WorldLink
from kalys.election.definition import ElectionDefinition
from kalys.errors import ConfigurationError
from kalys.evidence.journal import NullJournal, Recorder
from kalys.links.clock import Clock, RealClock
from kalys.links.faults import LineFaults
from kalys.links.inprocess import Exchange
from kalys.links.instrument import open_instrument
from kalys.links.link import Link, SerialSettings, open_link
from kalys.protocols.counting_core import hello
from kalys.protocols.urn import binary, line
from kalys.protocols.urn.codec import ClientCodec
from kalys.protocols.urn.messages import Op

URN = "urn:"
EMULATED_URN = "kalys-emulated-urn"
IMAGE_INJECTION = "image-injection"
MOST_CHUNK = 32_768


def serial_settings(placed: Placed) -> SerialSettings:
    """The line settings of an address: the profile's, with the bench file's put over them."""
    link = placed.link_settings()
    return SerialSettings(
        baudrate=link.baud,
        bytesize=link.bytesize,
        parity=link.parity,
        stopbits=link.stopbits,
        xonxoff=link.xonxoff,
        rtscts=link.rtscts,
    )


def codec_of(placed: Placed) -> Callable[[], ClientCodec]:
    """What makes a fresh client codec for an urn's profile."""
    dialect = placed.profile.dialect
    if dialect is None:
        return binary.ClientCodec
    return lambda: line.ClientCodec(dialect)


def line_faults(placed: Placed, seed: int) -> LineFaults | None:
    """The faults that the bench file puts on a line."""
    wanted = placed.device.faults
    if wanted is None:
        return None
    return LineFaults(
        f"{seed}/{placed.name}",
        baud=wanted.baud,
        fragment=wanted.fragment,
        corrupt=wanted.corrupt,
        lose=wanted.lose,
        stall=(wanted.stall, wanted.stall_s),
        disconnect_after=wanted.disconnect_after,
    )


def open_core(placed: Placed, definition: ElectionDefinition) -> CountingCore:
    """The driver of a counting core, which has been told the first style of the election."""
    style, layout = next(iter(layouts_for(definition).items()))
    first = hello(
        definition.model_dump(mode="json"), style, layout.without_artwork().to_dict(),
        sides=layout.sides,
    )
    link, spec = placed.link_settings(), str(placed.device.link)
    if spec.startswith(URN):
        return counting_core.begun(_urn_core(spec, placed.name), first, spec)
    return counting_core.open_core(
        spec, placed.name, first, timeout_s=link.timeout_s, start_s=link.boot_s
    )


def urn_address(spec: str) -> str:
    """Where the urn is whose counting core ``spec`` names, "" when it names another core."""
    return _profile_and_url(spec)[1] if spec.startswith(URN) else ""


def _profile_and_url(spec: str) -> tuple[str, str]:
    """Of ``urn:URL`` or ``urn:PROFILE=URL``."""
    rest = spec.removeprefix(URN)
    profile, equals, url = rest.partition("=")
    if equals and ":" not in profile and not profile.startswith("/dev"):
        return profile, url
    return EMULATED_URN, rest


def _urn_core(spec: str, name: str) -> CountingCore:
    """The counting core of an urn. Its link lives in real time, whatever the bench's clock is, and
    is not journaled byte by byte: what it was shown and answered is, as of any core."""
    wanted, url = _profile_and_url(spec)
    profile = load_profile(wanted)
    if profile.role != "urn" or IMAGE_INJECTION not in profile.capabilities:
        raise ConfigurationError(
            f"the profile {profile.profile} is of no urn that reads pictures", where=spec,
            remedy=f"Name an urn whose profile has the capability {IMAGE_INJECTION}: "
            "urn:PROFILE=URL.",
        )
    if not url:
        raise ConfigurationError("names no address", where=spec, remedy="Write urn:PROFILE=URL.")
    # A picture is a thousand times what is usually loaded: frames as long as the wire takes.
    return UrnCore(urn_at(url, wanted, RealClock(), chunk_bytes=MOST_CHUNK)[0], name)


def urn_at(
    url: str, profile: str, clock: Clock, *, chunk_bytes: int | None = None
) -> tuple[UrnDriver, Profile]:
    """The driver of an urn at ``url`` without a bench or a journal around it, and its profile;
    ``chunk_bytes`` in one frame at most, instead of what the profile says."""
    model = load_profile(profile)
    if model.role != "urn":
        raise ConfigurationError(
            f"the profile {model.profile} is of a {model.role}, not of an urn", where=profile
        )
    if chunk_bytes is not None:
        link = model.link.model_copy(update={"chunk_bytes": chunk_bytes})
        model = model.model_copy(update={"link": link})
    placed = Placed(Device(role="urn", name="urn", profile=profile, link=url), model, ())
    return open_urn(placed, url, clock, NullJournal(), seed=0), model


def open_urn(placed: Placed, url: str, clock: Clock, journal: Recorder, seed: int) -> UrnDriver:
    """The driver of an urn at ``url``."""
    faults, dialect = line_faults(placed, seed), placed.profile.dialect
    link, credentials = placed.link_settings(), placed.profile.credentials
    if credentials is None:
        raise ConfigurationError("the profile of an urn needs credentials", where=placed.name)

    def connect() -> Link:
        return open_link(url, name=placed.name, clock=clock, journal=journal,
                         settings=serial_settings(placed), faults=faults)

    dialogue = Dialogue(
        connect,
        codec_of(placed),
        name=placed.name,
        clock=clock,
        journal=journal,
        patience=Patience(answer=link.timeout_s, attempts=link.attempts, boot=link.boot_s,
                          slow={**SLOW, **link.slow}),
        repeats_events=dialect is None or Op.EVENTS_SINCE in dialect.requests,
    )
    chunk = min(link.chunk_bytes, codec_of(placed)().chunk)
    return UrnDriver(dialogue, credentials.key, Sizes(chunk=chunk, page=link.page_rows))


def open_printer(
    placed: Placed, urn: str, url: str, clock: Clock, journal: Recorder
) -> PrinterTap:
    """The tap on the tape of ``urn`` at ``url``."""
    link = open_link(url, name=f"{urn}.{placed.name}", clock=clock, journal=journal,
                     settings=serial_settings(placed))
    tape = placed.profile.tape
    return PrinterTap(link, clock=clock, code_page=tape.code_page if tape else "cp437")


def open_world(placed: Placed, url: str, clock: Clock, journal: Recorder) -> WorldLink:
    """The control link of a world at ``url``, after its greeting."""
    def connect() -> Link:
        return open_link(url, name="world", clock=clock, journal=journal)

    world = WorldLink(connect(), clock=clock, journal=journal, reopen=connect)
    try:
        world.hello()
        missing = [urn for urn in placed.of if urn not in world.urns]
        if missing:
            raise ConfigurationError(
                f"the world has no urn {', '.join(missing)}; it has {', '.join(world.urns)}",
                where=url, remedy="Give the urns of the bench file the world's names.",
            )
    except BaseException:
        world.close()
        raise
    return world


def open_supply(
    placed: Placed, resource: str, clock: Clock, journal: Recorder, exchange: Exchange | None
) -> KeysightE36312A:
    """The driver of a programmable supply at a VISA resource."""
    output = placed.profile.output
    if output is None:
        raise ConfigurationError("the profile of a supply needs output: {channel, volts, ...}",
                                 where=placed.profile.profile)
    instrument = open_instrument(resource, name=placed.name, clock=clock, journal=journal,
                                 exchange=exchange, timeout=placed.link_settings().timeout_s)
    channel = placed.device.channel or output.channel
    return KeysightE36312A(instrument, channel=channel, name=placed.name, journal=journal)
