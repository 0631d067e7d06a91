"""What of an urn's configuration a test may change: with a way back."""

from __future__ import annotations

import hashlib

from kalys.devices.roles import Urn
from kalys.errors import KalysError
from kalys.procedures.preparation import Prepared
from kalys.protocols.urn.messages import Role


def another_value(urn: Urn) -> tuple[str, str, str]:
    """A numeric parameter, its value, and one that is 1 % higher; KalysError without any."""
    for name, (value, _) in urn.parameters().items():
        try:
            number = float(value)
        except ValueError:
            continue
        if number > 0 and "." in value:
            return name, value, f"{number * 1.01:.6g}"
    raise KalysError(
        f"{urn.name} names no numeric parameter that could be changed",
        remedy="See what it answers to PARAMETERS.",
    )


def change_a_parameter(urn: Urn) -> None:
    """Change a parameter and put its value back: two changes. Needs an administrator."""
    name, old, new = another_value(urn)
    urn.set_parameter(name, new)
    urn.set_parameter(name, old)


def renew_key(prepared: Prepared, role: Role) -> None:
    """Set a role's key anew, to the one that the profile's credentials give; so nothing is lost."""
    credentials = prepared.profile.credentials
    if credentials is None:
        raise KalysError(
            f"the profile of {prepared.urn.name} has no credentials",
            remedy="Say in the profile where the keys come from.",
        )
    serial = prepared.urn.identity().serial
    prepared.urn.set_key(role, credentials.key(serial, role))


def installed_software(prepared: Prepared) -> bytes:
    """The image of the software that the urn runs, so that installing it changes nothing.

    The image of an emulated urn is "maker/model/version". KalysError where the image is not at
    hand, which its hash decides.
    """
    identity = prepared.urn.identity()
    image = f"{identity.maker}/{identity.model}/{identity.firmware}".encode()
    if hashlib.sha256(image).hexdigest() != identity.firmware_sha256:
        raise KalysError(
            f"the image of the software of {prepared.urn.name} (SHA-256 "
            f"{identity.firmware_sha256[:16]}...) is not at hand",
        )
    return image
