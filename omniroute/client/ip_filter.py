"""The IP filter of the running gateway. Calls raise as `Client` does."""

from omniroute.api.ip_filter import IpFilterBody, IpFilterChange
from omniroute.client.http import Client

_PATH = "/api/settings/ip-filter"


def ip_filter(client: Client) -> IpFilterBody:
    """Who may talk to the gateway, and who is banned for a time."""
    return client.get(_PATH, IpFilterBody)


def change_ip_filter(client: Client, change: IpFilterChange) -> IpFilterBody:
    """The filter as it is now."""
    return client.put(_PATH, IpFilterBody, change)
