"""Connections that wait for their next request."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field

from omniroute.gateway.http1.connect import Connector
from omniroute.gateway.http1.connection import Connection
from omniroute.gateway.http1.proxies import Proxies, is_loopback
from omniroute.gateway.http1.target import Origin
from omniroute.records.proxies import Proxy, ProxyType

KEPT_S = 27.0
"""How long a connection waits; a bit less than the half minute after which many servers close theirs."""
SWEEP_S = 5.0
"""How often the waiting ones are looked through."""


@dataclass(slots=True)
class Route:
    """The way to one origin, and its waiting connections, the longest waiting first."""

    origin: Origin
    proxy: Proxy | None
    through: str | None
    """The header line for a proxy that is sent the whole URL; `None` when there is no such proxy."""
    idle: list[Connection] = field(default_factory=list)
    is_left: bool = False
    """Nothing goes this way any more: its proxy was changed."""

    def take(self) -> Connection | None:
        """The connection that was used last, if there is one: it is the least likely to be closed."""
        while self.idle:
            connection = self.idle.pop()
            if connection.is_reusable and connection.rested_s() < KEPT_S:
                return connection
            connection.close()
        return None


class Pool:
    """All connections: those under way are known so that they can be closed, the others wait."""

    def __init__(self, loop: asyncio.AbstractEventLoop, connector: Connector, proxies: Proxies) -> None:
        self._loop = loop
        self._connector = connector
        self._proxies = proxies
        self._routes: dict[tuple[Origin, Proxy | None], Route] = {}
        self._open: set[Connection] = set()
        self._sweeper: asyncio.TimerHandle | None = None

    def route(self, origin: Origin, chosen: Proxy | None = None) -> Route:
        """The way to that origin: the chosen proxy's, else the environment's. Raises `UnusableProxy`."""
        known = self._routes.get((origin, chosen))
        if known is not None:
            return known
        is_free = chosen is None or is_loopback(origin.host)
        proxy = self._proxies.proxy_for(origin) if is_free else chosen
        speaks_http = proxy is not None and proxy.type is not ProxyType.SOCKS5
        through = (
            proxy.authorization if proxy is not None and speaks_http and origin.scheme == "http" else None
        )
        route = self._routes[origin, chosen] = Route(origin, proxy, through)
        return route

    def keep_proxies(self, chosen: Collection[Proxy]) -> None:
        """Close what waits at proxies that are chosen no more; what is under way there may end."""
        for key, route in tuple(self._routes.items()):
            proxy = key[1]
            if proxy is None or proxy in chosen:
                continue
            route.is_left = True
            del self._routes[key]
            while route.idle:
                route.idle.pop().close()

    async def connect(self, route: Route) -> Connection:
        """A new connection. Raises `UpstreamFailed`."""
        connection = await self._connector.connect(route.origin, route.proxy)
        if not connection.is_closed:
            self._open.add(connection)
            connection.on_closed = self._open.discard
        return connection

    def give_back(self, route: Route, connection: Connection) -> None:
        """The request is done with: keep the connection, or close it at once when its answer is not whole."""
        if connection.is_reusable and not route.is_left:
            connection.rest()
            route.idle.append(connection)
            if self._sweeper is None:
                self._sweeper = self._loop.call_later(SWEEP_S, self._sweep)
        else:
            connection.close()

    def close(self) -> None:
        """Close all of them."""
        for connection in tuple(self._open):
            connection.close()
        self._routes.clear()
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None

    def _sweep(self) -> None:
        """Close what has waited too long, and go round again while anything waits."""
        is_any_left = False
        for route in self._routes.values():
            kept = []
            for connection in route.idle:
                if connection.is_reusable and connection.rested_s() < KEPT_S:
                    kept.append(connection)
                else:
                    connection.close()
            route.idle[:] = kept
            is_any_left = is_any_left or bool(kept)
        self._sweeper = self._loop.call_later(SWEEP_S, self._sweep) if is_any_left else None
