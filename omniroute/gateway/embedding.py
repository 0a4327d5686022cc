"""Vectors for our own use, asked as a client would ask: by any embedding model, and on record."""

from collections.abc import Mapping, Sequence

import msgspec

from omniroute.gateway.call import EMBEDDINGS, Call, ErrorAnswer, TellInBand
from omniroute.gateway.exchange import exchange
from omniroute.gateway.gateway import Gateway
from omniroute.records import Snapshot
from omniroute.ulid import new_ulid


class _Vector(msgspec.Struct, frozen=True):
    embedding: list[float]


class _Vectors(msgspec.Struct, frozen=True):
    data: list[_Vector]


class _Kept:
    """Nobody is there to be told: the answer stays here."""

    begun = False
    wants_progress = False

    def __init__(self) -> None:
        self.body = b""

    async def whole(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """Keep it."""
        del headers
        self.body = body if status == 200 else b""

    async def begin(self, headers: Mapping[str, str]) -> None:
        """Embeddings are no stream."""

    async def write(self, chunk: bytes) -> None:
        """Embeddings are no stream."""

    async def end(self) -> None:
        """Embeddings are no stream."""

    async def fail(
        self, error: ErrorAnswer, headers: Mapping[str, str], *, in_band: TellInBand | None = None
    ) -> None:
        """Its row tells why."""

    async def progress(self, event: bytes) -> None:
        """Embeddings are no stream."""

    async def keep_alive(self) -> None:
        """Embeddings are no stream."""


async def embed(gateway: Gateway, snapshot: Snapshot, model: str, text: str) -> Sequence[float] | None:
    """The text's vector by the model of that name; `None` when it is not to be had."""
    del snapshot  # the one in force now has the accounts that can be asked now
    reply = _Kept()
    call = Call(
        operation=EMBEDDINGS,
        method="POST",
        path="/v1/embeddings",
        headers={},
        body=msgspec.json.encode({"model": model, "input": text}),
        request_id=new_ulid(gateway.clock.now_ms()),
        key=None,
    )
    await exchange(gateway, call, reply)
    try:
        vectors = msgspec.json.decode(reply.body, type=_Vectors).data
    except msgspec.MsgspecError:
        return None
    return vectors[0].embedding if vectors else None
