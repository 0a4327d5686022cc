"""Compressed bodies, unpacked in bounded steps: a small answer may stand for a huge one."""

import sys
import zlib
from typing import Protocol

import brotli  # type: ignore[import-untyped]

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

STEP_BYTES = 256 * 1024


class BrokenEncoding(Exception):
    """The body is not what its `Content-Encoding` says."""


class Decoder(Protocol):
    """One body being unpacked."""

    def feed(self, compressed: bytes) -> None:
        """More of the body; only after `take` has given everything before it."""

    def take(self) -> bytes:
        """About `STEP_BYTES` of the plain body; empty when more has to be fed. Raises `BrokenEncoding`."""

    @property
    def is_whole(self) -> bool:
        """True when what was fed ends where the encoding ends."""


def decoder_for(encoding: str) -> Decoder | None:
    """What unpacks that `Content-Encoding`; `None` when there is nothing to do. Raises `BrokenEncoding`."""
    match encoding.strip().lower():
        case "" | "identity":
            return None
        case "gzip" | "x-gzip":
            return _Zlib(zlib.MAX_WBITS | 16)
        case "deflate":
            return _Zlib(None)
        case "br":
            return _Brotli()
        case "zstd":
            return _Zstd()
    raise BrokenEncoding(encoding)


class _Zlib:
    """gzip with one or several members, and deflate with or without its wrapper."""

    def __init__(self, window_bits: int | None) -> None:
        self._window_bits = window_bits
        self._unpacker: zlib._Decompress | None = None  # there from the first octet of a member to its last
        self._waiting = b""

    @property
    def is_whole(self) -> bool:
        return self._unpacker is None

    def feed(self, compressed: bytes) -> None:
        self._waiting = compressed

    def take(self) -> bytes:
        while self._waiting or self._unpacker is not None:
            unpacker = self._unpacker or self._start()
            try:
                plain = unpacker.decompress(self._waiting, STEP_BYTES)
            except zlib.error as error:
                raise BrokenEncoding from error
            self._waiting = unpacker.unused_data if unpacker.eof else unpacker.unconsumed_tail
            self._unpacker = None if unpacker.eof else unpacker
            if plain:
                return plain
            if not self._waiting:
                break
        return b""

    def _start(self) -> "zlib._Decompress":
        if self._window_bits is None:
            # Servers disagree on whether "deflate" has the zlib header; its first byte tells.
            self._window_bits = zlib.MAX_WBITS if self._waiting[0] & 0x0F == 8 else -zlib.MAX_WBITS
        return zlib.decompressobj(self._window_bits)


class _Brotli:
    def __init__(self) -> None:
        self._unpacker = brotli.Decompressor()
        self._waiting = b""
        self._fed = False

    @property
    def is_whole(self) -> bool:
        return not self._fed or self._unpacker.is_finished()

    def feed(self, compressed: bytes) -> None:
        self._waiting, self._fed = compressed, True

    def take(self) -> bytes:
        if not self._waiting and self.is_whole:
            return b""
        # What was held back by the limit comes when asked; `can_accept_more_data` does not tell of it.
        waiting, self._waiting = self._waiting, b""
        try:
            return bytes(self._unpacker.process(waiting, output_buffer_limit=STEP_BYTES))
        except brotli.error as error:
            raise BrokenEncoding from error


class _Zstd:
    """Zstandard with one or several frames."""

    def __init__(self) -> None:
        self._unpacker: zstd.ZstdDecompressor | None = None  # there from a frame's first octet to its last
        self._waiting = b""

    @property
    def is_whole(self) -> bool:
        return self._unpacker is None

    def feed(self, compressed: bytes) -> None:
        self._waiting = compressed

    def take(self) -> bytes:
        while self._waiting or (self._unpacker is not None and not self._unpacker.needs_input):
            unpacker = self._unpacker or zstd.ZstdDecompressor()
            waiting, self._waiting = self._waiting, b""
            try:
                plain = unpacker.decompress(waiting, STEP_BYTES)
            except zstd.ZstdError as error:
                raise BrokenEncoding from error
            self._waiting = unpacker.unused_data if unpacker.eof else b""
            self._unpacker = None if unpacker.eof else unpacker
            if plain:
                return plain
        return b""
