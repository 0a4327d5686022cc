"""Combos at the running gateway. Calls raise as `Client` does."""

from urllib.parse import urlencode

from omniroute.api.combos import (
    AllComboMetrics,
    Combo,
    ComboChange,
    ComboMetrics,
    Combos,
    ComboTest,
    ComboTestResult,
    NewCombo,
    OneComboMetrics,
    Success,
)
from omniroute.client.http import Client, segment

TEST_TIMEOUT_S = 660.0


def list_combos(client: Client) -> list[Combo]:
    """All combos, by name."""
    return client.get("/api/combos", Combos).combos


def show_combo(client: Client, combo: str) -> Combo:
    """One combo, by id or name."""
    return client.get(_path(combo), Combo)


def create_combo(client: Client, new: NewCombo) -> Combo:
    """The combo as it is stored."""
    return client.post("/api/combos", Combo, new)


def change_combo(client: Client, combo: str, change: ComboChange) -> Combo:
    """The combo as it is stored now."""
    return client.put(_path(combo), Combo, change)


def delete_combo(client: Client, combo: str, *, force: bool = False) -> Success:
    """The combo is gone; one that others hold only with `force`."""
    return client.delete(_path(combo) + ("?force=true" if force else ""), Success)


def test_combo(client: Client, test: ComboTest) -> ComboTestResult:
    """What each member answered to a few words."""
    return client.waiting(TEST_TIMEOUT_S).post("/api/combos/test", ComboTestResult, test)


def metrics(client: Client) -> dict[str, ComboMetrics]:
    """What every combo did, by name; one that was not asked yet is not in it."""
    return client.get("/api/combos/metrics", AllComboMetrics).metrics


def metrics_of(client: Client, combo: str) -> OneComboMetrics:
    """What one combo did."""
    return client.get("/api/combos/metrics", OneComboMetrics, {"combo": combo})


def clear_metrics(client: Client, combo: str | None = None) -> Success:
    """Counts begin anew: of all combos, or of one."""
    query = "" if combo is None else "?" + urlencode({"combo": combo})
    return client.delete(f"/api/combos/metrics{query}", Success)


def _path(combo: str) -> str:
    return f"/api/combos/{segment(combo)}"
