"""What holds accounts up, and how it is lifted. Calls raise as `Client` does."""

from omniroute.api.rate_limits import Protected, Protection, RateLimits
from omniroute.api.resilience import (
    AccountHealth,
    Accounts,
    Reset,
    ResetDone,
    Resilience,
    ResilienceChange,
    ResilienceChanged,
)
from omniroute.client.http import Client, segment


def resilience(client: Client) -> Resilience:
    """How patient the gateway is, and the state of every breaker."""
    return client.get("/api/resilience", Resilience)


def change_resilience(client: Client, change: ResilienceChange) -> ResilienceChanged:
    """How patient it is now."""
    return client.patch("/api/resilience", ResilienceChanged, change)


def reset(client: Client, wanted: Reset) -> ResetDone:
    """Forget what holds providers and accounts up."""
    return client.post("/api/resilience/reset", ResetDone, wanted)


def accounts(client: Client, *, provider: str | None = None) -> list[AccountHealth]:
    """Every account with what holds it up."""
    return client.get("/api/accounts", Accounts, {"provider": provider}).accounts


def account(client: Client, account_id: str) -> AccountHealth:
    """One account with what holds it up."""
    return client.get(f"/api/accounts/{segment(account_id)}", AccountHealth)


def refresh(client: Client, account_id: str) -> AccountHealth:
    """The account with a new access token."""
    return client.post(f"/api/accounts/{segment(account_id)}/refresh", AccountHealth)


def protect(client: Client, account_id: str, *, enabled: bool | None) -> Protected:
    """Whether limits are kept for one account; `None`: as the setting for all says."""
    return client.post("/api/rate-limits", Protected, Protection(connection_id=account_id, enabled=enabled))


def rate_limits(client: Client) -> RateLimits:
    """Limits of every account, and what its provider told of them."""
    return client.get("/api/rate-limits", RateLimits)
