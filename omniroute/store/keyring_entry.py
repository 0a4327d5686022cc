"""One entry in the OS keyring, asked for in a thread that may hang."""

import queue
import threading
from collections.abc import Callable
from typing import Protocol, TypeVar

T = TypeVar("T")

LIMIT_S = 3.0
"""A locked keyring may wait minutes for somebody to answer a prompt."""
_SERVICE = "omniroute"
# Others, as `keyrings.alt` when it happens to be installed, write plain text.
_REAL = (
    "keyring.backends.macOS",
    "keyring.backends.Windows",
    "keyring.backends.SecretService",
    "keyring.backends.kwallet",
    "keyring.backends.libsecret",
)


class Keyring(Protocol):
    """What is used of a backend of the package `keyring`."""

    def get_password(self, service: str, username: str) -> str | None:
        """The entry's text, if there is one."""

    def set_password(self, service: str, username: str, password: str) -> None:
        """Make or replace the entry."""


class KeyringFailure(Exception):
    """The keyring is not there, does not answer, or does not keep what it is given."""


def find_keyring() -> Keyring | None:
    """The best keyring of the operating system; importing the package takes 0.2 s."""
    from keyring.backend import get_all_keyring

    real = [backend for backend in get_all_keyring() if type(backend).__module__.startswith(_REAL)]
    usable = [backend for backend in real if backend.priority >= 1]
    return max(usable, key=lambda backend: backend.priority, default=None)


def read_entry(find: Callable[[], Keyring | None], entry: str) -> str:
    """The text of an entry that was written before. KeyringFailure: it is not to be had."""

    def read() -> str:
        text = _found(find).get_password(_SERVICE, entry)
        if text is None:
            raise KeyringFailure("the entry is gone")
        return text

    return _within_limit(read)


def write_entry(find: Callable[[], Keyring | None], entry: str, text: str) -> None:
    """Keep a text, and make sure of it. KeyringFailure: it is not kept."""

    def write() -> None:
        keyring = _found(find)
        keyring.set_password(_SERVICE, entry, text)
        if keyring.get_password(_SERVICE, entry) != text:
            raise KeyringFailure("it does not keep what it is given")

    _within_limit(write)


def _found(find: Callable[[], Keyring | None]) -> Keyring:
    keyring = find()
    if keyring is None:
        raise KeyringFailure("there is none")
    return keyring


def _within_limit(call: Callable[[], T]) -> T:
    answers: queue.SimpleQueue[T | Exception] = queue.SimpleQueue()

    def run() -> None:
        try:
            answers.put(call())
        except Exception as error:  # noqa: BLE001 - backends raise what their D-Bus or OS library raises
            answers.put(error)

    # A daemon: one that hangs must not keep the program from ending.
    threading.Thread(target=run, name="keyring", daemon=True).start()
    try:
        answer = answers.get(timeout=LIMIT_S)
    except queue.Empty:
        raise KeyringFailure(f"no answer within {LIMIT_S:g} s") from None
    if isinstance(answer, KeyringFailure):
        raise answer
    if isinstance(answer, Exception):
        raise KeyringFailure(type(answer).__name__) from answer
    return answer
