"""A gateway as its clients see it: a real HTTP server on loopback that says what a test tells it to."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import ClassVar

import msgspec

from omniroute.api.live import LiveStats
from omniroute.api.system import Init, ServerFile
from omniroute.paths import Paths

TOKEN = "local-token"
"""What a private call has to carry."""

_INIT = Init(initialized=True, version="0.1.0", demo_model="demo/echo")


class LiveGateway:
    """Answers `/api/init`, `/api/live` and whatever stands in `answers`."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, bytes]] = {"/api/init": (200, msgspec.json.encode(_INIT))}
        """Status and body by method-less path, query included."""
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []
        """Method, path, headers in lower case, body."""
        self._says: Queue[bytes | None] = Queue()
        gateway = self

        class Handler(_Handler):
            owner = gateway

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def tell(self, stats: LiveStats) -> None:
        """Send one state to the reader of `/api/live`."""
        self.say(b"event: stats\ndata: " + msgspec.json.encode(stats) + b"\n\n")

    def say(self, chunk: bytes) -> None:
        """Send these bytes to the reader of `/api/live`."""
        self._says.put(chunk)

    def next_chunk(self) -> bytes | None:
        """What the reader gets next; `None`: the connection is cut."""
        return self._says.get()

    def cut(self) -> None:
        """Cut the connection of `/api/live` in the middle."""
        self._says.put(None)

    def stop(self) -> None:
        """Be gone, the port too."""
        self.cut()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def write_files(self, paths: Paths) -> None:
        """`server.json` and the token, as a started gateway leaves them."""
        paths.data_dir.mkdir(parents=True, exist_ok=True)
        server = ServerFile(url=self.url, pid=1, version="0.1.0", started_at_ms=0)
        # Readers may look at any moment: the file changes as a whole.
        fresh = paths.server_file.with_suffix(".new")
        fresh.write_bytes(msgspec.json.encode(server))
        fresh.replace(paths.server_file)
        paths.token.write_text(TOKEN + "\n")


class _Handler(BaseHTTPRequestHandler):
    owner: ClassVar[LiveGateway]
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer()

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """Nothing on stderr."""

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.owner.asked.append((self.command, self.path, headers, body))
        if self.path == "/api/live" and headers.get("authorization") == f"Bearer {TOKEN}":
            self._stream()
            return
        status, content = self.owner.answers.get(self.path, (404, b"<html>not here</html>"))
        self.send_response(status)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _stream(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        self.wfile.flush()
        while (chunk := self.owner.next_chunk()) is not None:
            self.wfile.write(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
        self.close_connection = True


@contextmanager
def live_gateway() -> Iterator[LiveGateway]:
    """One that is gone at the end."""
    gateway = LiveGateway()
    try:
        yield gateway
    finally:
        gateway.stop()


def paths_in(directory: Path) -> Paths:
    """The paths of an installation below `directory`."""
    return Paths(directory / "data", directory / "data" / "config.toml")
