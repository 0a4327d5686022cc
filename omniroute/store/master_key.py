"""The master key: found where it was made, or made once."""

import base64
import binascii
import os
import secrets
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from filelock import FileLock, Timeout

from omniroute.errors import SecretsError
from omniroute.paths import Paths
from omniroute.store.keyring_entry import Keyring, KeyringFailure, find_keyring, read_entry, write_entry
from omniroute.store.secrets import subkey

KEY_BYTES = 32
_LOCK_WAIT_S = 15.0
_VARIABLES = ("OMNIROUTE_MASTER_KEY", "STORAGE_ENCRYPTION_KEY")
_CREDENTIAL = "omniroute-master-key"
_NO_KEYRING = ("keyring.backends.null.Keyring", "keyring.backends.fail.Keyring")
"""Values of `PYTHON_KEYRING_BACKEND` by which people turn the keyring off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MasterKey:
    """32 bytes, and where they come from."""

    key: bytes = field(repr=False)
    source: str
    """`environment`, `credential`, `keyring`, `file`"""

    @property
    def id(self) -> str:
        """Names the key in what it seals, and tells nothing about it."""
        return subkey(self.key, "key id")[:6].hex()


class _Note(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is remembered of the key that was used first: `master_key.json` in the data directory."""

    source: str
    key_id: str
    entry: str | None = None
    """The keyring's entry: random, so that a moved data directory finds it again."""


def load_master_key(
    paths: Paths, environment: Mapping[str, str], find: Callable[[], Keyring | None] = find_keyring
) -> MasterKey:
    """The key of this data directory: environment, mounted credential, OS keyring, key file.

    What was used first is noted for good; another source may hold the same key later, and no other.
    SecretsError says what is missing or wrong. Waits at most 3 s for a keyring; `find` is called only when
    one is needed.
    """
    if environment.get("PYTHON_KEYRING_BACKEND") in _NO_KEYRING:
        find = _none
    try:
        paths.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        with FileLock(paths.data_dir / "master_key.lock", timeout=_LOCK_WAIT_S, mode=0o600):
            return _load(paths, environment, find)
    except Timeout as error:
        raise SecretsError(
            f"Another process holds the lock on the master key in {paths.data_dir}."
        ) from error
    except OSError as error:
        raise SecretsError(f"The master key cannot be kept in {paths.data_dir}: {error.strerror}.") from error


def _none() -> None:
    return None


def _load(paths: Paths, environment: Mapping[str, str], find: Callable[[], Keyring | None]) -> MasterKey:
    note_path = paths.data_dir / "master_key.json"
    note = _read_note(note_path)
    entry = None
    found = _given(environment)
    if found is None and note is not None:
        found = _noted(note, paths, find)
    if found is None and _exists(paths.master_key):
        found = MasterKey(key=_read_key_file(paths.master_key), source="file")
    if found is None:
        found, entry = _make(paths, find)
    if note is not None and note.key_id != found.id:
        raise SecretsError(
            f"The master key from the {found.source} is not the one this data directory was made "
            f"with (from the {note.source}). Give that one again; or remove {note_path}, and with it "
            "the way to all stored secrets."
        )
    if note is None:  # the same key given another way is welcome, but the way back to it stays the first one
        _write_private(
            note_path, msgspec.json.encode(_Note(source=found.source, key_id=found.id, entry=entry))
        )
    return found


def _read_note(path: Path) -> _Note | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Note)
    except FileNotFoundError:
        return None
    except msgspec.MsgspecError as error:
        raise SecretsError(f"{path} is damaged. Restore it from a copy of the data directory.") from error


def _given(environment: Mapping[str, str]) -> MasterKey | None:
    """A key the user or the service's supervisor hands over."""
    for variable in _VARIABLES:
        if value := environment.get(variable):
            return MasterKey(key=_parse(value, variable), source="environment")
        if file := environment.get(f"{variable}_FILE"):
            return MasterKey(key=_read_given(Path(file)), source="environment")
    if directory := environment.get("CREDENTIALS_DIRECTORY"):
        path = Path(directory) / _CREDENTIAL
        if path.exists():
            return MasterKey(key=_read_given(path), source="credential")
    return None


def _parse(text: str, place: str) -> bytes:
    """32 bytes from hex or base64."""
    text = text.strip()
    for decode in (bytes.fromhex, _from_base64):
        try:
            key = decode(text)
        except ValueError:
            continue
        if len(key) == KEY_BYTES:
            return key
    raise SecretsError(
        f"{place} must hold 32 random bytes in base64 or hex, as `openssl rand -base64 32` prints."
    )


def _from_base64(text: str) -> bytes:
    try:
        padded = text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4)
        return base64.b64decode(padded.replace("+", "-").replace("/", "_"), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise ValueError("not base64") from error


def _read_given(path: Path) -> bytes:
    try:
        return _parse(path.read_text("utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise SecretsError(f"The master key's file {path} cannot be read.") from error


def _noted(note: _Note, paths: Paths, find: Callable[[], Keyring | None]) -> MasterKey:
    """The key from where it was before, or SecretsError: never another one."""
    match note.source:
        case "keyring" if note.entry is not None:
            return MasterKey(key=_from_keyring(note.entry, find), source="keyring")
        case "file":
            if not _exists(paths.master_key):
                raise SecretsError(
                    f"The master key's file {paths.master_key} is gone. Restore it from a backup."
                )
            return MasterKey(key=_read_key_file(paths.master_key), source="file")
        case "credential":
            raise SecretsError(
                f"The master key was the credential {_CREDENTIAL}; $CREDENTIALS_DIRECTORY has it no more."
            )
        case _:
            raise SecretsError(f"The master key came from the {note.source}; set {_VARIABLES[0]} again.")


def _from_keyring(entry: str, find: Callable[[], Keyring | None]) -> bytes:
    try:
        text = read_entry(find, entry)
    except KeyringFailure as error:
        message = (
            f"The master key is in the OS keyring, which does not give it: {error}. Unlock it and try again."
        )
        raise SecretsError(message) from error
    return _parse(text, "The OS keyring's entry")


def _make(paths: Paths, find: Callable[[], Keyring | None]) -> tuple[MasterKey, str | None]:
    """A new key where it is kept best, and its keyring entry."""
    key = secrets.token_bytes(KEY_BYTES)
    text = base64.urlsafe_b64encode(key).decode()
    entry = secrets.token_hex(8)
    try:
        write_entry(find, entry, text)
    except KeyringFailure:  # no keyring, locked, or one that keeps nothing: a file then
        _write_private(paths.master_key, text.encode() + b"\n")
        return MasterKey(key=key, source="file"), None
    return MasterKey(key=key, source="keyring"), entry


def _exists(path: Path) -> bool:
    return os.path.lexists(path)


def _read_key_file(path: Path) -> bytes:
    """The key of a private file. SecretsError: it is not one."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except OSError as error:
        raise SecretsError(f"The master key's file {path} cannot be opened: {error.strerror}.") from error
    try:
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode):
            raise SecretsError(f"The master key's file {path} is not a regular file.")
        if os.name == "posix":
            if facts.st_uid != os.geteuid():
                raise SecretsError(f"The master key's file {path} belongs to another user.")
            if facts.st_mode & 0o077:
                raise SecretsError(
                    f"The master key's file {path} is open to other users. Run: chmod 600 {path}"
                )
        return _parse(os.read(descriptor, 1000).decode("utf-8", "replace"), str(path))
    finally:
        os.close(descriptor)


def _write_private(path: Path, content: bytes) -> None:
    """The file has all of the content or is not there, whatever happens."""
    partial = path.with_name(f"{path.name}.{secrets.token_hex(4)}.partial")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
    try:
        with os.fdopen(os.open(partial, flags, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
