"""The whole configuration of the running gateway. Calls raise as `Client` does."""

from omniroute.api.config import Applied, ApplyRequest, Document, Exported
from omniroute.client.http import Client


def export(client: Client) -> Document:
    """Everything that was configured, secrets by name only."""
    return client.get("/api/config/export", Exported).document


def apply(client: Client, wanted: ApplyRequest) -> Applied:
    """What had to change so that the configuration is what the document says."""
    return client.post("/api/config/apply", Applied, wanted)
