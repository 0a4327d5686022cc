"""The end of a log file, and what is added to it."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

LOOK_EVERY_S = 0.25
_BLOCK_BYTES = 65_536


def last_lines(path: Path, count: int) -> tuple[list[str], int]:
    """The last whole lines, and the position behind them; the file's size does not matter."""
    with path.open("rb") as file:
        end = position = file.seek(0, 2)
        text = b""
        while position > 0 and text.count(b"\n") <= count:
            position = max(0, position - _BLOCK_BYTES)
            file.seek(position)
            text = file.read(end - position)
    whole, _, unfinished = text.rpartition(b"\n")
    lines = whole.decode(errors="replace").split("\n") if whole else []
    return lines[-count:] if count else [], end - len(unfinished)


def later_lines(path: Path, position: int) -> Iterator[str]:
    """Lines as they are written behind `position`, for ever; goes on in the new file after a rotation."""
    rest = b""
    while True:
        try:
            file = path.open("rb")
        except FileNotFoundError:
            time.sleep(LOOK_EVERY_S)
            continue
        with file:
            file.seek(position)
            for chunk in _until_replaced(file, path):
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    yield line.decode(errors="replace")
        position, rest = 0, b""


def _until_replaced(file: BinaryIO, path: Path) -> Iterator[bytes]:
    """What is added to the open file, until the path names another one and this one is read to its end."""
    while True:
        is_current = _names(path, file)
        if chunk := file.read(_BLOCK_BYTES):
            yield chunk
        elif not is_current:
            return
        else:
            time.sleep(LOOK_EVERY_S)


def _names(path: Path, file: BinaryIO) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False
