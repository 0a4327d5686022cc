"""The `[oauth]` table of a catalogue file as `OAuthTerms`."""

from ipaddress import ip_address
from types import MappingProxyType
from urllib.parse import urlsplit

from omniroute.providers.table import Table
from omniroute.records.oauth import ClientNeed, FlowKind, OAuthTerms, TokenStyle

_NEEDS: dict[FlowKind, tuple[str, ...]] = {
    FlowKind.CODE: ("authorize_url", "token_url"),
    FlowKind.DEVICE: ("device_url", "token_url"),
    FlowKind.CODE_FOR_KEY: ("authorize_url", "token_url"),
    FlowKind.DEVICE_APPROVAL: ("device_url",),
}


def read_oauth(table: Table) -> OAuthTerms:
    """The terms of signing in. Raises ConfigError naming the key at fault."""
    flows = tuple(table.member("flows", name, FlowKind) for name in table.texts("flows"))
    if not flows:
        raise table.error("flows", f"is missing: one or more of {', '.join(FlowKind)}")
    urls = {key: _url(table, key) for key in ("authorize_url", "token_url", "device_url")}
    for flow in flows:
        for key in _NEEDS[flow]:
            if urls[key] is None:
                raise table.error(key, f"is missing: the flow {flow.value!r} needs it")
    client = table.choice("client", ClientNeed)
    if client is None:
        raise table.error("client", f"is missing: one of {', '.join(ClientNeed)}")
    extra = table.table("authorize")
    checked = table.day("checked")
    if checked is None:
        raise table.error("checked", "is missing: the day the facts were read")
    terms = OAuthTerms(
        flows=flows,
        client=client,
        authorize_url=urls["authorize_url"],
        token_url=urls["token_url"],
        device_url=urls["device_url"],
        scopes=table.texts("scopes"),
        authorize=MappingProxyType(
            {} if extra is None else {name: extra.required(name) for name in extra.names()}
        ),
        style=table.choice("style", TokenStyle) or TokenStyle.FORM,
        register_note=table.text("register_note"),
        source=f"{table.required('source')}, read {checked}",
    )
    table.finish()
    return terms


def _url(table: Table, key: str) -> str | None:
    """An address that tokens and secrets may go to."""
    url = table.text(key)
    if url is None:
        return None
    try:
        parts = urlsplit(url)
        is_safe = parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(parts.hostname or ""))
        usable = bool(parts.hostname) and parts.port != 0 and not parts.username and not parts.fragment
    except ValueError:
        is_safe = usable = False
    if not is_safe or not usable or " " in url or url.endswith("/"):
        raise table.error(key, "must be an https URL without a slash at its end")
    return url


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
