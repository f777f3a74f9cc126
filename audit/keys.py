"""The Ed25519 key that signs checkpoints: a private file outside the database, made on first use."""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from django.conf import settings


class KeyMissing(Exception):
    """The key file is not there or is not an Ed25519 key."""


def key_file() -> Path:
    """Where the private key lies (`BACKOFFICE_AUDIT_KEY_FILE`)."""
    return Path(settings.AUDIT_KEY_FILE)


def read_key() -> Ed25519PrivateKey:
    """The private key. Raises KeyMissing when there is none or the file holds something else."""
    path = key_file()
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except FileNotFoundError:
        raise KeyMissing(f"{path} is missing") from None
    except (OSError, ValueError, TypeError) as error:
        raise KeyMissing(f"{path} cannot be read as a key: {error}") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyMissing(f"{path} is not an Ed25519 key")
    return key


def signing_key() -> Ed25519PrivateKey:
    """The private key, made on first use: mode 0600, in a folder of its own. Two processes at once end up with the same one."""
    path = key_file()
    if not path.exists():
        _make(path)
    return read_key()


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    handle = os.open(draft, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        return
    finally:
        draft.unlink()


def public_bytes(key: Ed25519PrivateKey | Ed25519PublicKey) -> bytes:
    """The 32 bytes of the public key."""
    public = key.public_key() if isinstance(key, Ed25519PrivateKey) else key
    return public.public_bytes(Encoding.Raw, PublicFormat.Raw)
