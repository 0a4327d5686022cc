"""Where requests go, and why: aliases, chains, plans. Calls raise as `Client` does."""

from urllib.parse import urlencode

from omniroute.api.aliases import AliasChange, Aliases, AliasSet, Removed
from omniroute.api.fallback import ChainBody, Chains, NewChain
from omniroute.api.resilience import Availability, AvailabilityCheck, AvailabilityRequest
from omniroute.api.routing import PlanBody, PlanRequest
from omniroute.client.http import Client


def aliases(client: Client) -> Aliases:
    """The user's own names for models, and the patterns."""
    return client.get("/api/models/alias", Aliases)


def set_alias(client: Client, alias: str, model: str) -> AliasSet:
    """Let a name, or a pattern with `*` or `?`, mean a model."""
    return client.put("/api/models/alias", AliasSet, AliasChange(alias=alias, model=model))


def remove_alias(client: Client, alias: str) -> Removed:
    """Forget a name or a pattern."""
    return client.delete("/api/models/alias?" + urlencode({"alias": alias}), Removed)


def chains(client: Client) -> Chains:
    """Fallback chains by model."""
    return client.get("/api/fallback/chains", Chains)


def set_chain(client: Client, new: NewChain) -> ChainBody:
    """Replace the chain of a model."""
    return client.post("/api/fallback/chains", ChainBody, new)


def remove_chain(client: Client, model: str) -> Removed:
    """Forget the chain of a model."""
    return client.delete("/api/fallback/chains?" + urlencode({"model": model}), Removed)


def availability(client: Client, *, provider: str | None = None, model: str | None = None) -> Availability:
    """Which models have to wait."""
    return client.get("/api/models/availability", Availability, {"provider": provider, "model": model})


def check_availability(client: Client, model: str) -> AvailabilityCheck:
    """Whether a model can be asked now."""
    wanted = AvailabilityRequest(action="check", model=model)
    return client.post("/api/models/availability", AvailabilityCheck, wanted)


def clear_availability(
    client: Client, provider: str, *, model: str | None = None, connection_id: str | None = None
) -> Removed:
    """Forget what holds a provider up, or one model or connection of it."""
    wanted = AvailabilityRequest(action="clear", provider=provider, model=model, connection_id=connection_id)
    return client.post("/api/models/availability", Removed, wanted)


def plan(client: Client, wanted: PlanRequest) -> PlanBody:
    """Where a request would go now; nobody is asked."""
    return client.post("/api/routing/plan", PlanBody, wanted)
