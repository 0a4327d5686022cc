"""Every call of the management API."""

from omniroute.server.manage import asking, catalogue, health, keys, models, nodes, providers, system, usage
from omniroute.server.manage.call import ManageRoute

ROUTES: tuple[ManageRoute, ...] = (
    ManageRoute("GET", "/api/providers", providers.list_connections),
    ManageRoute("POST", "/api/providers", providers.add_connection),
    ManageRoute("GET", "/api/providers/catalog", catalogue.list_catalogue),
    ManageRoute("GET", "/api/providers/catalog/{id}", catalogue.show_provider),
    ManageRoute("POST", "/api/providers/detect", asking.detect_servers),
    ManageRoute("POST", "/api/providers/validate", asking.check_key),
    ManageRoute("GET", "/api/providers/{id}", providers.show_connection),
    ManageRoute("PUT", "/api/providers/{id}", providers.change_connection),
    ManageRoute("DELETE", "/api/providers/{id}", providers.remove_connection),
    ManageRoute("POST", "/api/providers/{id}/test", asking.test_connection),
    ManageRoute("GET", "/api/providers/{id}/models", asking.list_models),
    ManageRoute("GET", "/api/provider-nodes", nodes.list_nodes),
    ManageRoute("POST", "/api/provider-nodes", nodes.add_node),
    ManageRoute("GET", "/api/provider-nodes/{id}", nodes.show_node),
    ManageRoute("PUT", "/api/provider-nodes/{id}", nodes.change_node),
    ManageRoute("DELETE", "/api/provider-nodes/{id}", nodes.remove_node),
    ManageRoute("GET", "/api/provider-models", models.list_models),
    ManageRoute("POST", "/api/provider-models", models.add_model),
    ManageRoute("DELETE", "/api/provider-models", models.remove_model),
    ManageRoute("GET", "/api/keys", keys.list_keys),
    ManageRoute("POST", "/api/keys", keys.create_key),
    ManageRoute("GET", "/api/keys/{id}", keys.show_key),
    ManageRoute("PATCH", "/api/keys/{id}", keys.change_key),
    ManageRoute("DELETE", "/api/keys/{id}", keys.delete_key),
    ManageRoute("GET", "/api/usage/history", usage.show_history),
    ManageRoute("GET", "/api/usage/call-logs", usage.list_calls),
    ManageRoute("GET", "/api/usage/call-logs/{id}", usage.show_call),
    ManageRoute("GET", "/api/init", system.show_init, open=True),
    ManageRoute("GET", "/api/monitoring/health", health.show_health, open=True),
    ManageRoute("GET", "/api/compliance/audit-log", system.show_audit_log),
    ManageRoute("POST", "/api/restart", system.restart),
    ManageRoute("POST", "/api/shutdown", system.shutdown),
    ManageRoute("POST", "/api/token/rotate", system.rotate_token),
)
"""A fixed path stands before one with names that fits it too."""
