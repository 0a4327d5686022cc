"""Processes that share one store renew a token once, and go on when the one that was renewing it is gone."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.gateway.tokens.vendor import Vendor, sign_in
from tests.running_gateway import MASTER_KEY, running_gateway

ROOT = Path(__file__).parents[3]
LIMIT_S = 60.0


@pytest.fixture
async def vendor() -> AsyncIterator[Vendor]:
    async with Vendor() as started:
        yield started


@asynccontextmanager
async def worker(directory: Path) -> AsyncIterator[Process]:
    command = [sys.executable, "-m", "tests.gateway.tokens.worker", str(directory / "data")]
    environment = {"PATH": os.environ["PATH"], "OMNIROUTE_MASTER_KEY": MASTER_KEY, "HOME": str(directory)}
    started = await asyncio.create_subprocess_exec(
        *command, stdin=PIPE, stdout=PIPE, cwd=ROOT, env=environment
    )
    try:
        assert await line_of(started) == b"ready\n"
        yield started
    finally:
        if started.returncode is None:
            started.kill()
        await started.wait()


async def line_of(process: Process) -> bytes:
    assert process.stdout is not None
    async with asyncio.timeout(LIMIT_S):
        return await process.stdout.readline()


def ask(process: Process, number: int) -> None:
    assert process.stdin is not None
    process.stdin.write(b"%d\n" % number)


async def signed_in(directory: Path, vendor: Vendor) -> None:
    async with running_gateway(directory) as running:
        await sign_in(running, vendor, ends_in_s=3600)


async def test_a_storm_in_two_processes_asks_the_vendor_once(tmp_path: Path, vendor: Vendor) -> None:
    await signed_in(tmp_path, vendor)
    vendor.held.clear()
    async with worker(tmp_path) as one, worker(tmp_path) as two:
        for process in (one, two):
            ask(process, 50)
        await vendor.until(lambda up: len(up.requests) == 1)
        vendor.held.set()

        told = [json.loads(await line_of(process)) for process in (one, two)]

    assert told == [[vendor.access_token] * 50] * 2
    assert len(vendor.refreshes) == 1


async def test_when_the_one_that_renews_is_killed_another_does_it(tmp_path: Path, vendor: Vendor) -> None:
    await signed_in(tmp_path, vendor)
    vendor.held.clear()
    async with worker(tmp_path) as one, worker(tmp_path) as two:
        ask(one, 20)
        await vendor.until(lambda up: len(up.requests) == 1)
        ask(two, 20)
        one.kill()
        await vendor.until(lambda up: up.cancelled == 1)  # it did not get its answer
        vendor.held.set()

        told = json.loads(await line_of(two))

    assert told == [vendor.access_token] * 20
    assert vendor.refreshes == ["refresh-token-0-0123456789"] * 2
    assert not vendor.is_over
