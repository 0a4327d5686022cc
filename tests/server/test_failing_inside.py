"""A fault of our own in the middle of an answer ends it in the client's dialect."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from omniroute.gateway.upstream import HttpRequest, UpstreamAnswer
from omniroute.records import Outcome
from tests.running_gateway import (
    CONVERSATIONS,
    MASTER_KEY,
    NODE_TYPES,
    RunningGateway,
    asking,
    running_gateway,
)
from tests.scripted_upstream import TEXT
from tests.wire_samples import BY_PATH


@pytest.fixture
async def running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RunningGateway]:
    """A gateway without providers."""
    monkeypatch.setenv("OMNIROUTE_MASTER_KEY", MASTER_KEY)
    async with running_gateway(tmp_path) as gateway:
        yield gateway


class Faulty:
    """An upstream whose reading is a bug of the gateway: after good content comes what nobody expects."""

    status = 200
    headers: Mapping[str, str] = {"Content-Type": "text/event-stream"}

    def __init__(self, path: str) -> None:
        sample = BY_PATH[path.removeprefix("/v1")].stream
        assert sample is not None
        frames = sample([TEXT], True)
        self._good = b"".join(frames.opening + frames.content)

    @asynccontextmanager
    async def open(self, request: HttpRequest) -> AsyncIterator[UpstreamAnswer]:
        """Answers at once."""
        del request
        yield self

    async def chunks(self) -> AsyncIterator[bytes]:
        """Content, then the bug."""
        yield self._good
        raise LookupError("a bug")

    async def read(self, limit: int) -> bytes:
        """Not used by streams."""
        raise NotImplementedError(limit)

    async def close(self) -> None:
        """Nothing is open."""


@pytest.mark.parametrize("path", CONVERSATIONS)
async def test_a_bug_in_mid_stream_is_an_error_event_and_no_second_head(
    running: RunningGateway, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    await running.add_node("http://127.0.0.1:1", type=NODE_TYPES[path])
    running.gateway.upstream = Faulty(path)
    got = await running.ask(path, asking(path, stream=True))
    text = got.body.decode()
    assert got.status == 200
    assert TEXT in text
    assert "HTTP/1.1" not in text
    assert "the gateway failed" in text
    assert re.search(r'"(error|response\.failed)"', text)
    row = await running.row()
    assert (row.outcome, row.error) == (Outcome.ERROR, "the gateway failed; its log says more")
    assert "a bug" in caplog.text
