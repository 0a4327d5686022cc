"""What a name stands for to one caller: as far as its key, the path and the user's policies allow."""

from datetime import datetime

from omniroute.gateway import answers
from omniroute.gateway.call import Operation
from omniroute.gateway.gateway import Gateway
from omniroute.records import ApiKey, Snapshot
from omniroute.routing.policies import Asked, Ruled, rule
from omniroute.routing.resolve import route_of
from omniroute.routing.route import Route


def route_for(
    snapshot: Snapshot, name: str, key: ApiKey | None, operation: Operation, *, only_provider: str | None
) -> Route:
    """What the key may ask the path for by this name. Raises `Refused`."""
    route = route_of(snapshot, name, only_provider=only_provider)
    return answers.check_route(answers.allowed(key, name, route), operation)


def ruled(
    gateway: Gateway, snapshot: Snapshot, route: Route, key: ApiKey | None, client_ip: str | None
) -> Ruled:
    """What the policies in force at this moment leave of it. Raises `Refused` naming the one that blocks."""
    if not snapshot.policies:
        return Ruled(route=route)
    now = datetime.fromtimestamp(gateway.clock.now_ms() / 1000, gateway.zone)
    api_key_id = key.id if key is not None else None
    return rule(snapshot, route, Asked(now=now, api_key_id=api_key_id, client_ip=client_ip))
