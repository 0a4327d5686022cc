"""Everything a request needs, made once and passed to whoever needs it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo
from random import Random

from omniroute.clock import Clock
from omniroute.gateway.addresses import Addresses
from omniroute.gateway.budgets.book import Budgets
from omniroute.gateway.cache.cache import ResponseCache
from omniroute.gateway.combo_uses import ComboUses
from omniroute.gateway.counted import Counts
from omniroute.gateway.health.book import HealthBook
from omniroute.gateway.idempotency import Idempotency
from omniroute.gateway.keepalive import KeepAlive
from omniroute.gateway.live import Live
from omniroute.gateway.replay import Replay
from omniroute.gateway.sessions import Sessions
from omniroute.gateway.sign_ins import SignIns
from omniroute.gateway.snapshot import build_snapshot
from omniroute.gateway.tokens.tokens import Tokens
from omniroute.gateway.turns import Turns
from omniroute.gateway.upstream import Upstream
from omniroute.gateway.usage_log import UsageLog
from omniroute.providers.pricing import Prices
from omniroute.records import Provider, Snapshot
from omniroute.settings import Settings
from omniroute.store.configuration import load_configuration
from omniroute.store.database import Database
from omniroute.store.key_value import config_version
from omniroute.store.secrets import Vault


@dataclass(slots=True, kw_only=True)
class Gateway:
    """The one owner of the gateway's parts. `snapshot` is replaced whole, never changed."""

    settings: Settings
    clock: Clock
    database: Database
    vault: Vault
    master_key_source: str
    catalogue: Mapping[str, Provider]
    """Shipped providers by id."""
    snapshot: Snapshot
    upstream: Upstream
    demo: Upstream
    """Answers for the built-in model."""
    keepalive: KeepAlive
    prices: Prices
    usage_log: UsageLog
    health: HealthBook
    turns: Turns
    combo_uses: ComboUses
    rng: Random
    addresses: Addresses
    replay: Replay
    budgets: Budgets
    cache: ResponseCache
    idempotency: Idempotency
    sessions: Sessions
    sign_ins: SignIns
    zone: tzinfo | None
    """The gateway's own; `None`: the machine's."""
    tokens: Tokens
    counts: Counts
    live: Live
    data_dir: str
    started_at_ms: int

    async def reload(self) -> None:
        """Read the configuration anew; the next request sees all of it. Call after every write."""
        configuration = await self.database.read(lambda c: load_configuration(c, self.vault))
        old, self.snapshot = self.snapshot, build_snapshot(self.catalogue, configuration)
        self.cache.follow(old, self.snapshot)

    async def follow(self) -> bool:
        """Read the configuration anew if it was changed since, by whichever process. Whether it was."""
        is_other = await self.database.read(config_version) != self.snapshot.version
        if is_other:
            await self.reload()
        return is_other
