"""Outbound proxies of the running gateway. Calls raise as `Client` does."""

from urllib.parse import urlencode

from omniroute.api.proxies import ProxyChange, ProxyConfig, ProxyTest, ProxyTestResult, ResolvedProxy
from omniroute.client.http import Client

_PATH = "/api/settings/proxy"


def proxies(client: Client) -> ProxyConfig:
    """All proxies, passwords masked."""
    return client.get(_PATH, ProxyConfig)


def resolved_proxy(client: Client, connection_id: str, combo: str | None = None) -> ResolvedProxy:
    """What the connection would be reached through."""
    return client.get(_PATH, ResolvedProxy, {"resolve": connection_id, "combo": combo})


def change_proxies(client: Client, change: ProxyChange) -> ProxyConfig:
    """All proxies as they are now."""
    return client.put(_PATH, ProxyConfig, change)


def remove_proxy(client: Client, level: str, subject: str | None) -> ProxyConfig:
    """All proxies as they are now."""
    query = {"level": level} if subject is None else {"level": level, "id": subject}
    return client.delete(f"{_PATH}?{urlencode(query)}", ProxyConfig)


def test_proxy(client: Client, question: ProxyTest) -> ProxyTestResult:
    """Whether it leads anywhere."""
    return client.post(f"{_PATH}/test", ProxyTestResult, question)
