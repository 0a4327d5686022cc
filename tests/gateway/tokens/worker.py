"""A process that shares a store with others: told a number, it asks for so many newer tokens at once.

For each number on its input it writes one line: the access tokens that its callers got, as JSON.
"""

import asyncio
import json
import sys
from pathlib import Path

from omniroute.clock import SystemClock
from omniroute.gateway.gateway import Gateway
from omniroute.gateway.tokens.renewal import Renewal
from omniroute.gateway.tokens.tokens import Tokens
from omniroute.paths import Paths
from omniroute.records import Account
from omniroute.server.build import build_gateway, close_gateway
from omniroute.settings import load_settings

LEASE_S = 1.0


def tokens_of(gateway: Gateway) -> Tokens:
    """As the gateway has them, with a lease that a test can wait for."""
    renewal = Renewal(
        database=gateway.database,
        vault=gateway.vault,
        clock=gateway.clock,
        upstream=gateway.upstream,
        snapshot=lambda: gateway.snapshot,
        lease_s=LEASE_S,
    )
    return Tokens(renewal, gateway.clock, snapshot=lambda: gateway.snapshot, follow=gateway.follow)


async def work(data_dir: Path) -> None:
    """Until its input ends."""
    paths = Paths(data_dir, data_dir / "config.toml")
    gateway = await build_gateway(paths, load_settings(paths.config_file), SystemClock())
    snapshot = gateway.snapshot
    provider, [account] = snapshot.providers["node-up"], snapshot.accounts["node-up"]
    tokens = tokens_of(gateway)
    async with asyncio.TaskGroup() as group:
        renewing = group.create_task(tokens.run())
        print("ready", flush=True)  # noqa: T201
        while line := await asyncio.to_thread(sys.stdin.readline):
            found = await asyncio.gather(*(tokens.newer(provider, account) for _ in range(int(line))))
            told = [one.secret if isinstance(one, Account) else one.message for one in found]
            print(json.dumps(told), flush=True)  # noqa: T201
        renewing.cancel()
    await close_gateway(gateway)


if __name__ == "__main__":
    asyncio.run(work(Path(sys.argv[1])))
