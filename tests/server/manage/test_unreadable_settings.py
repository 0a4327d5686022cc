"""Settings that no request could be held against are refused, by whatever way they come."""

from typing import Any

import pytest

from tests.server.manage.place import Place


@pytest.mark.parametrize(
    ("patch", "field"),
    [
        ({"injectionGuard": {"mode": "block", "rules": ["fine", "(broken"]}}, "injectionGuard"),
        ({"ipFilter": {"enabled": True, "blacklist": ["host.example"]}}, "ipFilter"),
    ],
)
async def test_what_cannot_be_read_is_refused(place: Place, patch: dict[str, Any], field: str) -> None:
    before = place.gateway.snapshot.preferences
    status, answer, _ = await place.raw("PATCH", "/api/settings", body=patch)
    assert (status, answer["error"]["details"][0]["field"]) == (400, field)
    assert place.gateway.snapshot.preferences == before


async def test_what_can_be_read_is_kept(place: Place) -> None:
    patch = {"injectionGuard": {"mode": "block", "pii": "redact", "rules": [r"project\s+x"]}}
    assert (await place.raw("PATCH", "/api/settings", body=patch))[0] == 200
    assert place.gateway.snapshot.preferences.injection_guard.rules == (r"project\s+x",)
