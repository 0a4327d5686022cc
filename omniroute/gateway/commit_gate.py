"""Holds a stream back until its first content, so that an early failure can still go elsewhere."""

from omniroute.formats import PassingStream

HELD_BYTES = 64 * 1024
"""Output held back at most; past it the stream is handed on, content or not."""


class CommitGate:
    """Opens once, at the first content; there is no way back."""

    __slots__ = ("_held", "_watch", "is_open")

    def __init__(self, watch: PassingStream) -> None:
        self._watch = watch
        self._held = b""
        self.is_open = False

    def take(self, chunk: bytes) -> bytes:
        """What may go to the client now that these bytes have come; empty while the gate is shut.

        Raises ProtocolError as the watch does.
        """
        return self._let(self._watch.pass_on(chunk))

    def end(self) -> bytes:
        """The same once no bytes follow."""
        return self._let(self._watch.rest())

    def _let(self, out: bytes) -> bytes:
        if self.is_open:
            return out
        self._held += out
        seen = self._watch.seen
        if seen.failure is not None:
            return b""  # nothing was sent yet, so another account may still answer
        if seen.content or seen.finished or len(self._held) >= HELD_BYTES:
            self.is_open = True
            out, self._held = self._held, b""
            return out
        return b""
