"""Gateway and bare aiohttp pass-through, measured in turns against the same upstream.

    python -m benchmarks.run [--rounds 3] [--seconds 4]

Needs the `speed` extra. Compare by ratio only; CPU per request is the figure a busy machine disturbs least.
"""

import argparse
import asyncio
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks import load

UPSTREAM, REFERENCE, GATEWAY = 21900, 21901, 21902
_SMALL = "Explain what a reverse proxy does. " * 12
_AGENT = "def handler(request): return respond(request, status=200)  # one more line of context\n" * 1400


@dataclass(frozen=True, slots=True)
class Work:
    """One kind of load."""

    name: str
    prompt: str
    clients: int
    stream: bool = False

    def body(self, model: str) -> bytes:
        """The request."""
        members: dict[str, object] = {"model": model, "messages": [{"role": "user", "content": self.prompt}]}
        if self.stream:
            members["stream"] = True
        return json.dumps(members, separators=(",", ":")).encode()


WORKS = (
    Work("small, 1 client", _SMALL, 1),
    Work("small, 16 clients", _SMALL, 16),
    Work("small, 64 clients", _SMALL, 64),
    Work("120 kB, 16 clients", _AGENT, 16),
    Work("streams, 64 clients", _SMALL, 64, stream=True),
)


@dataclass(frozen=True, slots=True)
class Figures:
    """What one target did with one kind of load."""

    per_s: float
    cpu_us: float
    p50_ms: float
    failed: int


@contextmanager
def _process(*arguments: str, port: int, env: dict[str, str] | None = None) -> Iterator[psutil.Process]:
    """A program that answers on `port`, killed at the end."""
    variables = {**os.environ, **(env or {})}
    with subprocess.Popen([sys.executable, *arguments], env=variables) as child:  # noqa: S603 - our own modules
        try:
            _wait(port)
            yield psutil.Process(child.pid)
        finally:
            child.terminate()
            child.wait(30)


def _wait(port: int) -> None:
    """Until something listens."""
    until_s = time.monotonic() + 20
    while time.monotonic() < until_s:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise SystemExit(f"nothing listens on port {port}")


def measure(process: psutil.Process, port: int, work: Work, model: str, seconds: float) -> Figures:
    """One round of one kind of load."""
    before = process.cpu_times()
    result = asyncio.run(load.run(port, work.body(model), clients=work.clients, seconds=seconds))
    after = process.cpu_times()
    cpu_s = (after.user - before.user) + (after.system - before.system)
    return Figures(
        per_s=result.requests / result.seconds,
        cpu_us=cpu_s / max(result.requests, 1) * 1e6,
        p50_ms=statistics.median(result.latencies_ms),
        failed=result.failed,
    )


def _connect_upstream(data_dir: str) -> None:
    """A provider `bench` in front of the canned upstream."""
    token = Path(data_dir, "local_token").read_text("utf-8").strip()
    base = f"http://127.0.0.1:{UPSTREAM}/v1"
    node = _post("/api/provider-nodes", token, {"name": "bench", "prefix": "bench", "baseUrl": base})
    provider = node["node"]["id"]
    _post(
        "/api/providers", token, {"provider": provider, "name": "bench", "apiKey": "k", "allowPrivate": True}
    )


def _post(path: str, token: str, body: dict[str, object]) -> dict[str, dict[str, str]]:
    request = urllib.request.Request(
        f"http://127.0.0.1:{GATEWAY}{path}",
        data=json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {token}"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        value: dict[str, dict[str, str]] = json.load(answer)
        return value


def run(rounds: int, seconds: float) -> None:
    """Measure in turns and print the medians."""
    figures: dict[tuple[str, str], list[Figures]] = {}
    with tempfile.TemporaryDirectory() as data_dir:
        env = {"DATA_DIR": data_dir, "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}
        serve = ("-m", "omniroute", "serve", "--foreground", "--port", str(GATEWAY))
        upstream = f"http://127.0.0.1:{UPSTREAM}"
        with (
            _process("-m", "benchmarks.upstream", str(UPSTREAM), port=UPSTREAM),
            _process("-m", "benchmarks.reference", str(REFERENCE), upstream, port=REFERENCE) as bare,
            _process(*serve, port=GATEWAY, env=env) as gateway,
        ):
            _connect_upstream(data_dir)
            sys.stdout.write(f"idle gateway: {gateway.memory_info().rss / 2**20:.0f} MiB\n")
            for _ in range(rounds):
                for work in WORKS:
                    one = measure(bare, REFERENCE, work, "bench", seconds)
                    figures.setdefault((work.name, "bare"), []).append(one)
                    other = measure(gateway, GATEWAY, work, "bench/bench", seconds)
                    figures.setdefault((work.name, "gateway"), []).append(other)
            sys.stdout.write(f"after the load: {gateway.memory_info().rss / 2**20:.0f} MiB\n")
    _print(figures)


def _print(figures: dict[tuple[str, str], list[Figures]]) -> None:
    head = f"{'work':22}{'bare/s':>9}{'ours/s':>9}{'ratio':>7}{'CPU ratio':>11}{'CPU us':>9}{'p50 added':>11}"
    sys.stdout.write(f"{head}\n")
    for work in WORKS:
        bare, ours = figures[work.name, "bare"], figures[work.name, "gateway"]
        ratio = _median(ours, "per_s") / _median(bare, "per_s")
        cpu_ratio = _median(bare, "cpu_us") / _median(ours, "cpu_us")
        added_ms = _median(ours, "p50_ms") - _median(bare, "p50_ms")
        failed = sum(one.failed for one in ours)
        sys.stdout.write(
            f"{work.name:22}{_median(bare, 'per_s'):9.0f}{_median(ours, 'per_s'):9.0f}{ratio:7.2f}"
            f"{cpu_ratio:11.2f}{_median(ours, 'cpu_us'):9.0f}{added_ms:8.2f} ms"
            f"{f'   {failed} failed' if failed else ''}\n"
        )


def _median(figures: list[Figures], name: str) -> float:
    return statistics.median(float(getattr(one, name)) for one in figures)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0)
    options = parser.parse_args()
    run(options.rounds, options.seconds)
