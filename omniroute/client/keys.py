"""Our own API keys at the running gateway. Calls raise as `Client` does."""

from omniroute.api.keys import ChangedKey, CreatedKey, Key, KeyBody, KeyChange, Keys, NewKey
from omniroute.api.providers import Deleted
from omniroute.client.http import Client, segment


def list_keys(client: Client) -> list[Key]:
    """All keys, masked, the oldest first."""
    return client.get("/api/keys", Keys).keys


def show_key(client: Client, key_id: str) -> KeyBody:
    """One key, masked, and what it was used for."""
    return client.get(_path(key_id), KeyBody)


def create_key(client: Client, new: NewKey) -> CreatedKey:
    """The key itself: this once."""
    return client.post("/api/keys", CreatedKey, new)


def change_key(client: Client, key_id: str, change: KeyChange) -> Key:
    """The key as it is stored now, masked."""
    return client.patch(_path(key_id), ChangedKey, change).key


def revoke_key(client: Client, key_id: str) -> Deleted:
    """The key is gone for good; its past usage stays under its name."""
    return client.delete(_path(key_id), Deleted)


def _path(key_id: str) -> str:
    return f"/api/keys/{segment(key_id)}"
