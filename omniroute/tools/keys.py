"""Writing named keys into a file, and taking back exactly those."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from omniroute.tools.text import KeyPath


class Editor(Protocol):
    """Edits of one file format that keep all other bytes: a module such as `jsonedit`."""

    def raw_at(self, text: str, path: KeyPath) -> str | None:
        """The value as spelled; `None` when absent."""

    def put(self, text: str, path: KeyPath, raw: str) -> str:
        """The text with this value."""

    def drop(self, text: str, path: KeyPath) -> str:
        """The text without this key."""


@dataclass(frozen=True, slots=True)
class Written:
    """One key that an apply changed."""

    path: KeyPath
    wrote: str | None
    """SHA-256 of the value as we spelled it; `None`: we took the key out."""
    previous: str | None = field(repr=False)
    """The value before us as it was spelled; `None`: the key was absent."""


def fingerprint(raw: str | None) -> str | None:
    """What stands for a spelled value in the record, so that it holds no key of ours."""
    return None if raw is None else hashlib.sha256(raw.encode()).hexdigest()


def write(
    editor: Editor, text: str, wanted: Mapping[KeyPath, str | None], written: Sequence[Written]
) -> tuple[str, tuple[Written, ...]]:
    """The text with every key as `wanted`, and the record of what this and earlier applies wrote.

    `None` asks for the key's absence. Keys of an earlier apply that are no longer wanted are taken back.
    """
    text = take_back(editor, text, [entry for entry in written if entry.path not in wanted])
    earlier = {entry.path: entry for entry in written}
    record: list[Written] = []
    for path, raw in wanted.items():
        current = editor.raw_at(text, path)
        before = earlier.get(path)
        still_ours = before is not None and before.wrote == fingerprint(current)
        previous = before.previous if before is not None and still_ours else current
        if raw is not None or previous is not None:
            record.append(Written(path, fingerprint(raw), previous))
        if raw is None:
            text = editor.drop(text, path)
        elif raw != current:
            text = editor.put(text, path, raw)
    return text, tuple(record)


def take_back(editor: Editor, text: str, written: Sequence[Written]) -> str:
    """The text with each key as it was before us, unless somebody changed it since."""
    for entry in reversed(written):
        if fingerprint(editor.raw_at(text, entry.path)) != entry.wrote:
            continue
        if entry.previous is None:
            text = editor.drop(text, entry.path)
        else:
            text = editor.put(text, entry.path, entry.previous)
    return text
