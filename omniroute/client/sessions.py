"""Conversations of the last half hour at the running gateway. Calls raise as `Client` does."""

from omniroute.api.sessions import Session, Sessions
from omniroute.client.http import Client


def sessions(client: Client) -> list[Session]:
    """Every one, the newest activity first."""
    return client.get("/api/sessions", Sessions).sessions
