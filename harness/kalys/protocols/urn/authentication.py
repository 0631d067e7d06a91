"""Log-in by challenge and response (docs/protocols/urn-link.md, "Authentication").

The host asks for a nonce for a role, and answers HMAC-SHA256 under the role's key over the
label, the nonce and the role's name. A nonce is good for one attempt. The key never crosses the
wire except in SET_KEY, which an administrator sends.

Source of the construction: RFC 2104 (HMAC) over FIPS 180-4 (SHA-256); the label keeps a MAC made
here from being one anywhere else.
"""

from __future__ import annotations

import hashlib
import hmac

LABEL = b"kalys-urn-auth"
NONCE_SIZE = 16
KEY_SIZE = 32


def response(key: bytes, nonce: bytes, role: str) -> bytes:
    """The 32 bytes that prove knowledge of ``key`` for ``role`` (e.g. "operator")."""
    return hmac.new(key, LABEL + nonce + role.encode("utf-8"), hashlib.sha256).digest()


def accepts(key: bytes, nonce: bytes, role: str, mac: bytes) -> bool:
    """Whether ``mac`` is the response to this nonce; takes the same time wherever it differs."""
    return hmac.compare_digest(response(key, nonce, role), mac)


def test_key(serial: str, role: str) -> bytes:
    """The published key of an emulator; 32 bytes. Real devices have keys of their own."""
    return hashlib.sha256(f"kalys-test-key:{serial}:{role}".encode()).digest()
