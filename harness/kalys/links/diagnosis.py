"""What is wrong with a link, in words: exceptions of pyserial and the system -> LinkError.

pyserial wraps most system errors in SerialException, sometimes without their number; the number is
then found along the chain of causes. Every message names the URL and what to do about it.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable, Iterator

from kalys.errors import LinkError

_GONE = frozenset({errno.ENOENT, errno.ENODEV, errno.ENXIO})
_BUSY = frozenset({errno.EBUSY, errno.EAGAIN, errno.EWOULDBLOCK})
_NO_PORT = frozenset({errno.ENOTTY, errno.EISDIR, errno.EINVAL})

SCHEMES = "/dev/tty..., COM3, socket://host:port, rfc2217://host:port, kalys://bench/port"


def cannot_open(url: str, error: BaseException) -> LinkError:
    """Why ``url`` could not be opened, and what to do."""
    what, remedy = _open_cause(url, error)
    return LinkError(what, where=url, remedy=remedy)


def lost(url: str, error: BaseException, doing: str) -> LinkError:
    """The link was lost while ``doing`` ("reading", "writing")."""
    return LinkError(
        f"the link was lost while {doing} ({_words(error)})",
        where=url,
        remedy="Check the cable and the device's power, then open the link again; "
        "what was journaled so far is kept.",
    )


def does_not_take(url: str, seconds: float) -> LinkError:
    """The other side takes no bytes."""
    return LinkError(
        f"the device took no bytes for {seconds:g} s",
        where=url,
        remedy="Check flow control (rtscts, xonxoff) in the profile's link settings, "
        "and that the device is alive.",
    )


def _open_cause(url: str, error: BaseException) -> tuple[str, str]:
    number = _number(error)
    for applies, what, remedy in _CAUSES:
        if applies(error, number):
            return what, remedy
    if number in _GONE:
        return _absent(url, error)
    if "configure port" in str(error) or number in _NO_PORT:
        return (
            f"this is not a port, or it refuses the line settings ({_words(error)})",
            f"Check the address and baud rate, parity and stop bits. Addresses are: {SCHEMES}.",
        )
    return f"the link cannot be opened ({_words(error)})", f"Addresses are: {SCHEMES}."


def _absent(url: str, error: BaseException) -> tuple[str, str]:
    if "://" in url:
        return (
            f"there is no such port ({_words(error)})",
            "Check the port's name in the bench file.",
        )
    return (
        "there is no such port",
        "Plug the adapter in, or correct the address "
        "(list the ports with: python -m serial.tools.list_ports).",
    )


def _chain(error: BaseException) -> Iterator[BaseException]:
    current: BaseException | None = error
    while current is not None:
        yield current
        current = current.__cause__ or current.__context__


def _number(error: BaseException) -> int | None:
    for cause in _chain(error):
        if isinstance(cause, OSError) and cause.errno is not None:
            return cause.errno
    return None


def _words(error: BaseException) -> str:
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(text).split())


# In this order; each row: whether it applies to (error, its number), what is wrong, the remedy.
_CAUSES: tuple[tuple[Callable[[BaseException, int | None], bool], str, str], ...] = (
    (
        lambda error, _: isinstance(error, ValueError) and "not known" in str(error),
        "there is no such link scheme",
        f"Write one of: {SCHEMES}.",
    ),
    (
        lambda error, _: any(isinstance(cause, socket.gaierror) for cause in _chain(error)),
        "the host's name is not known",
        "Check the name, or write its IP address.",
    ),
    (
        lambda _, number: number == errno.ECONNREFUSED,
        "the connection was refused: nothing listens there",
        "Start the device's server (ser2net, kalys emulate) or correct host and port.",
    ),
    (
        lambda error, number: (
            number in (errno.EHOSTUNREACH, errno.ENETUNREACH)
            or any(isinstance(cause, TimeoutError) for cause in _chain(error))
        ),
        "the host does not answer",
        "Check that it is on and on the same network.",
    ),
    (
        lambda _, number: number in (errno.EACCES, errno.EPERM),
        "permission to use the port is denied",
        "Add your user to the port's group (Debian: sudo adduser $USER dialout, "
        "then log in again).",
    ),
    (
        lambda error, number: number in _BUSY or "exclusively lock" in str(error),
        "the port is busy: another program or link has it open",
        "Close that program (find it with: fuser -v PORT), or use another port.",
    ),
)
