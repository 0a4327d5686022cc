"""Secrets of single rows, sealed so that they open only in the row they were sealed for."""

import base64
import binascii
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from omniroute.errors import SecretsError

_NONCE_BYTES = 12
_TAG_BYTES = 16
_SUBKEY_BYTES = 32


def subkey(master_key: bytes, purpose: str) -> bytes:
    """32 bytes for one purpose; nothing about the master key or the other purposes follows from them."""
    return HKDF(SHA256(), _SUBKEY_BYTES, salt=None, info=f"omniroute {purpose}".encode()).derive(master_key)


class Vault:
    """Seals and opens secrets (AES-256-GCM) under one master key."""

    def __init__(self, master_key: bytes, key_id: str) -> None:
        self._cipher = AESGCM(subkey(master_key, "secrets"))
        self._key_id = key_id

    def seal(self, text: str, *, table: str, column: str, row_id: str) -> str:
        """`enc:{key id}:{nonce}:{ciphertext}:{tag}`, to be kept in exactly that row."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._cipher.encrypt(nonce, text.encode(), _place(table, column, row_id))
        parts = (nonce, sealed[:-_TAG_BYTES], sealed[-_TAG_BYTES:])
        return ":".join(("enc", self._key_id, *map(_encode, parts)))

    def open(self, sealed: str, *, table: str, column: str, row_id: str) -> str:
        """The secret. SecretsError: other key, other row, or changed since."""
        match sealed.split(":"):
            case ["enc", key_id, nonce, ciphertext, tag]:
                pass
            case _:
                raise SecretsError(f"The {column} of {table} {row_id} is not a sealed secret.")
        if key_id != self._key_id:
            raise SecretsError(
                f"The {column} of {table} {row_id} was sealed with another master key ({key_id})."
            )
        try:
            parts = _decode(ciphertext) + _decode(tag)
            return self._cipher.decrypt(_decode(nonce), parts, _place(table, column, row_id)).decode()
        except (InvalidTag, ValueError) as error:
            message = f"The {column} of {table} {row_id} does not open: it was changed or moved."
            raise SecretsError(message) from error


def _place(table: str, column: str, row_id: str) -> bytes:
    return f"{table}:{column}:{row_id}".encode()


def _encode(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def _decode(part: str) -> bytes:
    try:
        return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("not base64url") from error
