"""The laboratory's signing key: Ed25519, made on first use, kept by its owner alone.

The key lies in the user's configuration folder as ``laboratory.key`` (PKCS #8 PEM, mode 0600), or
where the environment variable ``KALYS_KEY`` says. Where no key can be kept (a read-only container),
a run is signed with an ephemeral one and the caller is told to say so: such a signature shows that
the evidence was not changed since, not who made it.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from platformdirs import user_config_dir

from kalys.errors import ConfigurationError


@dataclass(frozen=True)
class LaboratoryKey:
    """A key, where it lies (None: nowhere, it dies with the process), and what to tell the user."""

    private: Ed25519PrivateKey
    path: Path | None = None
    warning: str = ""

    @property
    def public_hex(self) -> str:
        """The public key, 32 bytes in hexadecimal: what the laboratory publishes."""
        raw = serialization.PublicFormat.Raw
        return self.private.public_key().public_bytes(serialization.Encoding.Raw, raw).hex()


def ephemeral(warning: str = "") -> LaboratoryKey:
    """A key that is never stored."""
    return LaboratoryKey(Ed25519PrivateKey.generate(), None, warning)


def key_path(environment: Mapping[str, str] | None = None) -> Path:
    """Where the key is, or would be."""
    named = (os.environ if environment is None else environment).get("KALYS_KEY")
    return Path(named).expanduser() if named else Path(user_config_dir("kalys")) / "laboratory.key"


def laboratory_key(environment: Mapping[str, str] | None = None) -> LaboratoryKey:
    """The laboratory's key; made when there is none yet, ephemeral when none can be kept.

    ConfigurationError when a file is there that is not an Ed25519 key.
    """
    path = key_path(environment)
    try:
        return _read(path)
    except FileNotFoundError:
        return _create(path)
    except OSError as error:
        return ephemeral(
            f"The signing key {path} cannot be read ({error.strerror}): this run is signed with a "
            "key that is thrown away. Set KALYS_KEY to a key file to sign as your laboratory."
        )


def _read(path: Path) -> LaboratoryKey:
    data = path.read_bytes()
    try:
        private = serialization.load_pem_private_key(data, password=None)
        if not isinstance(private, Ed25519PrivateKey):
            raise ValueError("it is a key of another kind")
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ConfigurationError(
            f"this file is not an Ed25519 key in PEM without a password: {error}",
            where=str(path),
            remedy="Move it away and a new key is made, or set KALYS_KEY to the right file.",
        ) from error
    warning = ""
    if os.name == "posix" and path.stat().st_mode & 0o077:
        warning = f"Others can read the signing key {path}: chmod 600 it."
    return LaboratoryKey(private, path, warning)


def _create(path: Path) -> LaboratoryKey:
    private = Ed25519PrivateKey.generate()
    pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # mkstemp makes the file readable by its owner alone; the link gives it its name whole, and
        # fails when another process was first.
        handle, beside = tempfile.mkstemp(dir=path.parent, prefix=".laboratory-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(pem)
            os.link(beside, path)
        finally:
            Path(beside).unlink()
    except FileExistsError:
        return _read(path)
    except OSError as error:
        return ephemeral(
            f"No signing key can be kept at {path} ({error.strerror}): this run is signed with a "
            "key that is thrown away. Set KALYS_KEY to a key file to sign as your laboratory."
        )
    made = f"A new signing key was made: {path}. Keep a copy of it safe."
    return LaboratoryKey(private, path, made)
