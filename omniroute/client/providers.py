"""Connections, nodes, catalogue and custom models of the running gateway. Calls raise as `Client` does."""

from urllib.parse import urlencode

from omniroute.api.providers import (
    Catalogue,
    CatalogueEntry,
    Connection,
    ConnectionBody,
    ConnectionChange,
    Connections,
    Deleted,
    Detected,
    Detection,
    KeyCheck,
    ModelEntry,
    ModelList,
    ModelsByProvider,
    NewConnection,
    NewModel,
    NewNode,
    NodeBody,
    NodeChange,
    NodeEntry,
    Nodes,
    Removed,
    TestRequest,
    TestResult,
)
from omniroute.client.http import Client, segment


def catalogue(client: Client) -> list[CatalogueEntry]:
    """Every provider of the catalogue, then the user's nodes; without their models."""
    return client.get("/api/providers/catalog", Catalogue).providers


def catalogue_entry(client: Client, name: str) -> CatalogueEntry:
    """One provider by id, alias or node prefix, with its models."""
    return client.get(f"/api/providers/catalog/{_segment(name)}", CatalogueEntry)


def connections(
    client: Client, *, provider: str | None = None, active: bool | None = None
) -> list[Connection]:
    """Connections by provider and priority."""
    query = {"provider": provider, "isActive": active}
    return client.get("/api/providers", Connections, query).connections


def connection(client: Client, connection_id: str) -> Connection:
    """One connection."""
    return client.get(f"/api/providers/{_segment(connection_id)}", ConnectionBody).connection


def add(client: Client, new: NewConnection) -> Connection:
    """The connection as it is stored; one of the same provider and name is replaced.

    A provider with few models in the catalogue has been asked for its list when this returns.
    """
    return client.post("/api/providers", ConnectionBody, new).connection


def change(client: Client, connection_id: str, change: ConnectionChange) -> Connection:
    """The connection as it is stored now."""
    return client.put(f"/api/providers/{_segment(connection_id)}", ConnectionBody, change).connection


def remove(client: Client, connection_id: str) -> Deleted:
    """Its past usage stays."""
    return client.delete(f"/api/providers/{_segment(connection_id)}", Deleted)


def test(client: Client, connection_id: str, *, model: str | None) -> TestResult:
    """What the provider says to the connection's key; with a model, a call of one token is made."""
    return client.post(f"/api/providers/{_segment(connection_id)}/test", TestResult, TestRequest(model=model))


def check_key(client: Client, check: KeyCheck) -> TestResult:
    """What the provider says to a key that is not stored."""
    return client.post("/api/providers/validate", TestResult, check)


def models(client: Client, connection_id: str, *, refresh: bool = False) -> ModelList:
    """The provider's models as it lists them; asked anew with `refresh` or after 10 minutes."""
    query = {"refresh": refresh or None}
    return client.get(f"/api/providers/{_segment(connection_id)}/models", ModelList, query)


def detect(client: Client) -> list[Detected]:
    """Model servers that answer on this machine."""
    return client.post("/api/providers/detect", Detection).servers


def nodes(client: Client) -> list[NodeEntry]:
    """The user's own compatible servers, by prefix."""
    return client.get("/api/provider-nodes", Nodes).nodes


def node(client: Client, node_id: str) -> NodeEntry:
    """One node."""
    return client.get(f"/api/provider-nodes/{_segment(node_id)}", NodeBody).node


def add_node(client: Client, new: NewNode) -> NodeEntry:
    """The node as it is stored; it answers nothing before it has a connection."""
    return client.post("/api/provider-nodes", NodeBody, new).node


def change_node(client: Client, node_id: str, change: NodeChange) -> NodeEntry:
    """The node as it is stored now."""
    return client.put(f"/api/provider-nodes/{_segment(node_id)}", NodeBody, change).node


def remove_node(client: Client, node_id: str) -> Deleted:
    """Its connections and models go with it."""
    return client.delete(f"/api/provider-nodes/{_segment(node_id)}", Deleted)


def custom_models(client: Client, *, provider: str | None = None) -> dict[str, list[ModelEntry]]:
    """Provider id to the models that were added to it by hand."""
    return client.get("/api/provider-models", ModelsByProvider, {"provider": provider}).models


def add_model(client: Client, new: NewModel) -> dict[str, list[ModelEntry]]:
    """The provider's custom models with the new one; one of the same id is replaced."""
    return client.post("/api/provider-models", ModelsByProvider, new).models


def remove_model(client: Client, provider: str, model_id: str) -> bool:
    """Whether there was such a custom model."""
    query = urlencode({"provider": provider, "model": model_id})
    return client.delete(f"/api/provider-models?{query}", Removed).removed


def _segment(name: str) -> str:
    return segment(name)
