"""What the typed calls ask for."""

from collections.abc import Callable

import pytest

from omniroute.api.combos import ComboChange, ComboTest, NewCombo
from omniroute.api.config import ApplyRequest
from omniroute.api.fallback import NewChain
from omniroute.api.keys import KeyChange, NewKey
from omniroute.api.providers import ConnectionChange, KeyCheck, NewConnection, NewModel, NewNode, NodeChange
from omniroute.api.resilience import Reset, ResilienceChange
from omniroute.api.routing import PlanRequest
from omniroute.api.settings import ComboDefaultsChange
from omniroute.client import combos, config, keys, providers, resilience, routing, settings, system, usage
from omniroute.client.http import ApiRefused, Client
from omniroute.client.usage import CallFilters, Span
from tests.live_gateway import TOKEN, LiveGateway

Call = Callable[[Client], object]

CALLS: list[tuple[Call, str]] = [
    (providers.catalogue, "GET /api/providers/catalog"),
    (lambda c: providers.catalogue_entry(c, "a/b c"), "GET /api/providers/catalog/a%2Fb%20c"),
    (providers.connections, "GET /api/providers"),
    (
        lambda c: providers.connections(c, provider="openai", active=False),
        "GET /api/providers?provider=openai&isActive=false",
    ),
    (lambda c: providers.connection(c, "../x"), "GET /api/providers/..%2Fx"),
    (
        lambda c: providers.add(c, NewConnection(provider="openai", name="n", api_key="k")),
        "POST /api/providers",
    ),
    (lambda c: providers.change(c, "1", ConnectionChange(priority=2)), "PUT /api/providers/1"),
    (lambda c: providers.remove(c, "1"), "DELETE /api/providers/1"),
    (lambda c: providers.test(c, "1", model=None), "POST /api/providers/1/test"),
    (lambda c: providers.check_key(c, KeyCheck(provider="openai")), "POST /api/providers/validate"),
    (lambda c: providers.models(c, "1"), "GET /api/providers/1/models"),
    (lambda c: providers.models(c, "1", refresh=True), "GET /api/providers/1/models?refresh=true"),
    (providers.detect, "POST /api/providers/detect"),
    (providers.nodes, "GET /api/provider-nodes"),
    (lambda c: providers.node(c, "1"), "GET /api/provider-nodes/1"),
    (
        lambda c: providers.add_node(c, NewNode(name="n", prefix="p", base_url="http://h")),
        "POST /api/provider-nodes",
    ),
    (lambda c: providers.change_node(c, "1", NodeChange(name="m")), "PUT /api/provider-nodes/1"),
    (lambda c: providers.remove_node(c, "1"), "DELETE /api/provider-nodes/1"),
    (providers.custom_models, "GET /api/provider-models"),
    (lambda c: providers.add_model(c, NewModel(provider="p", model_id="m")), "POST /api/provider-models"),
    (
        lambda c: providers.remove_model(c, "p", "a/b:free"),
        "DELETE /api/provider-models?provider=p&model=a%2Fb%3Afree",
    ),
    (keys.list_keys, "GET /api/keys"),
    (lambda c: keys.show_key(c, "1"), "GET /api/keys/1"),
    (lambda c: keys.create_key(c, NewKey(name="n")), "POST /api/keys"),
    (lambda c: keys.change_key(c, "1", KeyChange(name="m")), "PATCH /api/keys/1"),
    (lambda c: keys.revoke_key(c, "1"), "DELETE /api/keys/1"),
    (combos.list_combos, "GET /api/combos"),
    (lambda c: combos.show_combo(c, "a/b"), "GET /api/combos/a%2Fb"),
    (lambda c: combos.create_combo(c, NewCombo(name="n")), "POST /api/combos"),
    (lambda c: combos.change_combo(c, "1", ComboChange(name="m")), "PUT /api/combos/1"),
    (lambda c: combos.delete_combo(c, "1"), "DELETE /api/combos/1"),
    (lambda c: combos.delete_combo(c, "1", force=True), "DELETE /api/combos/1?force=true"),
    (lambda c: combos.test_combo(c, ComboTest(combo_name="n")), "POST /api/combos/test"),
    (combos.metrics, "GET /api/combos/metrics"),
    (lambda c: combos.metrics_of(c, "a/b"), "GET /api/combos/metrics?combo=a%2Fb"),
    (lambda c: combos.clear_metrics(c, "a/b"), "DELETE /api/combos/metrics?combo=a%2Fb"),
    (routing.aliases, "GET /api/models/alias"),
    (lambda c: routing.set_alias(c, "a", "m"), "PUT /api/models/alias"),
    (lambda c: routing.remove_alias(c, "gpt-4*"), "DELETE /api/models/alias?alias=gpt-4%2A"),
    (routing.chains, "GET /api/fallback/chains"),
    (lambda c: routing.set_chain(c, NewChain(model="m", chain=[])), "POST /api/fallback/chains"),
    (lambda c: routing.remove_chain(c, "a/b"), "DELETE /api/fallback/chains?model=a%2Fb"),
    (lambda c: routing.availability(c, provider="p"), "GET /api/models/availability?provider=p"),
    (lambda c: routing.check_availability(c, "m"), "POST /api/models/availability"),
    (lambda c: routing.plan(c, PlanRequest(model="m")), "POST /api/routing/plan"),
    (resilience.resilience, "GET /api/resilience"),
    (lambda c: resilience.change_resilience(c, ResilienceChange()), "PATCH /api/resilience"),
    (lambda c: resilience.reset(c, Reset()), "POST /api/resilience/reset"),
    (resilience.accounts, "GET /api/accounts"),
    (lambda c: resilience.account(c, "1"), "GET /api/accounts/1"),
    (lambda c: resilience.refresh(c, "1"), "POST /api/accounts/1/refresh"),
    (settings.settings, "GET /api/settings"),
    (lambda c: settings.change_settings(c, {"cache": None}), "PATCH /api/settings"),
    (settings.combo_defaults, "GET /api/settings/combo-defaults"),
    (
        lambda c: settings.change_combo_defaults(c, ComboDefaultsChange()),
        "PATCH /api/settings/combo-defaults",
    ),
    (config.export, "GET /api/config/export"),
    (lambda c: config.apply(c, ApplyRequest(document={})), "POST /api/config/apply"),
    (usage.history, "GET /api/usage/history"),
    (
        lambda c: usage.history(c, Span(since="7d"), api_key_id="k"),
        "GET /api/usage/history?since=7d&apiKeyId=k",
    ),
    (
        lambda c: usage.call_logs(c, CallFilters(status="error"), Span(until="1h"), limit=5),
        "GET /api/usage/call-logs?status=error&until=1h&limit=5&offset=0",
    ),
    (lambda c: usage.call_log(c, "1"), "GET /api/usage/call-logs/1"),
    (system.init, "GET /api/init"),
    (system.health, "GET /api/monitoring/health"),
    (system.restart, "POST /api/restart"),
    (system.shutdown, "POST /api/shutdown"),
    (system.rotate_token, "POST /api/token/rotate"),
    (
        lambda c: system.audit_log(c, action="apiKey.*", limit=1),
        "GET /api/compliance/audit-log?action=apiKey.%2A&limit=1&offset=0",
    ),
]


@pytest.mark.parametrize(("call", "line"), CALLS, ids=[line for _, line in CALLS])
def test_a_call_asks_for_this(gateway: LiveGateway, call: Call, line: str) -> None:
    gateway.answers.clear()  # so that everything is refused, whatever its type
    with pytest.raises(ApiRefused):
        call(Client(gateway.url, TOKEN))
    ((method, path, headers, _),) = gateway.asked
    assert f"{method} {path}" == line
    assert headers["authorization"] == f"Bearer {TOKEN}"
