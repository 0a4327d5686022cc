"""The local token: who can read this file may do everything."""

import os
import secrets
from pathlib import Path

from omniroute.client.connect import RENEW
from omniroute.errors import SecretsError
from omniroute.paths import Paths
from omniroute.server.start_errors import NotWritable

TOKEN_BYTES = 32
_MIN_LENGTH = 32
_OTHERS = 0o077


def ensure_token(paths: Paths) -> str:
    """The token, made when there is none. Raises `SecretsError` when others could have read or set it."""
    token = read_token(paths)
    if token is None:
        return rotate_token(paths)
    return token


def read_token(paths: Paths) -> str | None:
    """The token, or `None` when there is none yet. Raises `SecretsError` when it cannot be used."""
    try:
        if os.name == "posix" and paths.token.stat().st_mode & _OTHERS:
            paths.token.chmod(0o600)
        token = paths.token.read_text("ascii").strip()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise SecretsError(f"the local token in {paths.token} cannot be read: {reason}; {RENEW}") from None
    return token if len(token) >= _MIN_LENGTH else None


def rotate_token(paths: Paths) -> str:
    """A new token in place of the old one, whole at every moment."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    write_private(paths.token, token + "\n")
    return token


def write_private(path: Path, text: str) -> None:
    """Replace a file at once by one that only this user can read. Raises `NotWritable`."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.unlink(missing_ok=True)
        fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(fd, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        raise NotWritable(path, error) from None
