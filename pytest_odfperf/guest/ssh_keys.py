"""The keys of a run: one of the client, one of each guest; nobody is trusted on first use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_odfperf.redaction import Hidden

if TYPE_CHECKING:
    from paramiko import PKey


@dataclass(frozen=True, slots=True)
class KeyPair:
    """An ed25519 key: ``private`` is OpenSSH PEM, kept in memory, ``public`` a line of authorized_keys."""

    private: Hidden
    public: str


def new_key_pair(comment: str = "pytest-odfperf") -> KeyPair:
    """A fresh key, of the client or of a guest."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.OpenSSH,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return KeyPair(Hidden(private.decode()), f"{public.decode()} {comment}")


def host_key() -> tuple[Hidden, str]:
    """A host key for one guest: (private, public), as `VmGroup.create` takes them."""
    pair = new_key_pair("odfperf-guest")
    return pair.private, pair.public


def read_private(pem: Hidden) -> PKey:
    """A private key as paramiko takes it."""
    import io

    from paramiko import Ed25519Key

    return Ed25519Key.from_private_key(io.StringIO(pem.reveal()))


def read_public(line: str) -> PKey:
    """A public key (``ssh-ed25519 AAAA... comment``) as paramiko takes it."""
    import base64

    from paramiko import Ed25519Key

    return Ed25519Key(data=base64.b64decode(line.split()[1]))
