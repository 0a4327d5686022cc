"""One catalogue file as a `Provider`."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import urlsplit

from omniroute.conversation.ability_rules import AbilityRule
from omniroute.providers.ability_document import read_rule
from omniroute.providers.oauth_document import read_oauth
from omniroute.providers.table import Choice, Table
from omniroute.records import (
    Auth,
    AuthKind,
    Category,
    Endpoint,
    FormatName,
    ModelFacts,
    ModelKind,
    Price,
    Provider,
    ProviderStatus,
    Rates,
    StreamUsage,
)

MODEL = "model"
"""The one placeholder that a request fills, not the account."""

_NANO = 10**9
_ID = re.compile(r"[a-z0-9][a-z0-9-]*")
_ALIAS = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_INPUTS = frozenset({"text", "image", "pdf", "audio", "video"})
_OTHER_UNITS = (
    "per_image",
    "per_image_input",
    "per_second_input",
    "per_second_output",
    "per_character",
    "per_query",
    "per_pixel",
    "input_audio",
    "output_image_tokens",
)


def read_provider(values: Mapping[str, object], file: str) -> Provider:
    """The provider these TOML values describe. Raises ConfigError naming `file` and the key at fault."""
    table = Table(values, file)
    provider_id = table.required("id")
    if not _ID.fullmatch(provider_id):
        raise table.error("id", "may hold small letters, digits and hyphens")
    aliases = table.texts("aliases")
    if not all(_ALIAS.fullmatch(alias) for alias in aliases):
        raise table.error("aliases", "may hold letters, digits, hyphens and underscores")
    status = table.choice("status", ProviderStatus) or ProviderStatus.ACTIVE
    status_note = table.text("status_note")
    if status is not ProviderStatus.ACTIVE and status_note is None:
        raise table.error("status_note", "is missing: say why, and what to use instead")
    category = table.choice("category", Category)
    if category is None:
        raise table.error("category", "is missing")
    base_url = table.text("base_url")
    placeholders = _texts(table, "placeholders")
    urls = _Urls(base_url, placeholders, table)
    provider = Provider(
        id=provider_id,
        name=table.required("name"),
        aliases=aliases,
        category=category,
        status=status,
        status_note=status_note,
        base_url=base_url,
        formats=urls.by_choice("formats", FormatName),
        endpoints=urls.by_choice("endpoints", Endpoint),
        placeholders=placeholders,
        auth=tuple(_auth(entry) for entry in table.tables("auth")),
        headers=_texts(table, "headers"),
        env_keys=table.texts("env_keys"),
        oauth=read_oauth(oauth) if (oauth := table.table("oauth")) is not None else None,
        stream_usage=table.choice("stream_usage", StreamUsage) or StreamUsage.UNKNOWN,
        notes=table.texts("notes"),
        models=_models(table),
        abilities=_abilities(table, provider_id),
        source=table.text("source") or file,
    )
    urls.check_native()
    table.finish()
    return provider


class _Urls:
    """The addresses of one provider, made whole and checked."""

    def __init__(self, base_url: str | None, placeholders: Mapping[str, str], table: Table) -> None:
        self._base_url = base_url
        self._placeholders = placeholders
        self._table = table
        if base_url is not None:
            self._check("base_url", base_url)

    def by_choice(self, key: str, choices: type[Choice]) -> Mapping[Choice, str]:
        """Full URL per member of `choices`, in the order written."""
        inner = self._table.table(key)
        if inner is None:
            return MappingProxyType({})
        urls = {}
        for name in inner.names():
            member = inner.member(name, name, choices)
            urls[member] = self._whole(f"{key}.{name}", inner.required(name))
        return MappingProxyType(urls)

    def check_native(self) -> None:
        """Takes `native`: addresses of dialects nobody here speaks yet, kept for people."""
        for key, url in _texts(self._table, "native").items():
            self._whole(f"native.{key}", url, any_placeholder=True)

    def _whole(self, key: str, url: str, *, any_placeholder: bool = False) -> str:
        if url.startswith("/"):
            if self._base_url is None:
                raise self._table.error(key, "is a path, but there is no base_url")
            url = self._base_url + url
        self._check(key, url, any_placeholder=any_placeholder)
        return url

    def _check(self, key: str, url: str, *, any_placeholder: bool = False) -> None:
        for name in _PLACEHOLDER.findall(url):
            if name not in self._placeholders and name != MODEL and not any_placeholder:
                raise self._table.error(key, f"uses {{{name}}}, which [placeholders] does not explain")
        plain = _PLACEHOLDER.sub("x", url)
        try:
            parts = urlsplit(plain)
            usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            usable = False
        if not usable or parts.username or "{" in plain or " " in plain or plain.endswith("/"):
            raise self._table.error(key, "must be an http or https URL without a slash at its end")


def _auth(entry: Table) -> Auth:
    kind = entry.choice("kind", AuthKind)
    if kind is None:
        raise entry.error("kind", "is missing")
    match kind:
        case AuthKind.NONE:
            auth = Auth(kind=kind)
        case AuthKind.BEARER:
            auth = Auth(kind=kind, prefix="Bearer ")
        case AuthKind.HEADER:
            auth = Auth(kind=kind, name=entry.required("name"), prefix=entry.text("prefix") or "")
        case AuthKind.QUERY:
            auth = Auth(kind=kind, name=entry.required("name"))
    entry.finish()
    return auth


def _models(table: Table) -> tuple[ModelFacts, ...]:
    models: dict[str, ModelFacts] = {}
    for entry in table.tables("models"):
        model = _model(entry)
        if model.id in models:
            raise entry.error("id", "stands twice")
        models[model.id] = model
    return tuple(models.values())


def _model(entry: Table) -> ModelFacts:
    inputs = entry.texts("inputs")
    if not _INPUTS.issuperset(inputs):
        raise entry.error("inputs", f"may hold {', '.join(sorted(_INPUTS))}")
    price = entry.table("price_usd_per_mtok")
    model = ModelFacts(
        id=entry.required("id"),
        name=entry.text("name"),
        kind=entry.choice("kind", ModelKind) or ModelKind.CHAT,
        context_tokens=entry.count("context_tokens"),
        max_output_tokens=entry.count("max_output_tokens"),
        dimensions=entry.count("dimensions"),
        inputs=inputs,
        tools=entry.flag("tools"),
        reasoning=entry.flag("reasoning"),
        structured_output=entry.flag("structured_output"),
        formats=tuple(entry.member("formats", name, FormatName) for name in entry.texts("formats")),
        price=None if price is None else _price(price),
        shutdown_date=entry.day("shutdown_date"),
    )
    _check_other_units(entry)
    entry.finish()
    return model


def _abilities(table: Table, provider_id: str) -> tuple[AbilityRule, ...]:
    return tuple(
        read_rule(entry, fixed=AbilityRule(name=f"{provider_id}-{place}", providers=(provider_id,)))
        for place, entry in enumerate(table.tables("abilities"))
    )


def _price(table: Table) -> Price:
    source = table.text("source")
    checked = table.day("checked")
    if source is None and checked is None:
        raise table.error("checked", "is missing: the day the price was read")
    tiers = []
    for tier in table.tables("above"):
        threshold = tier.count("prompt_tokens")
        if threshold is None:
            raise tier.error("prompt_tokens", "is missing")
        tiers.append((threshold, _rates(tier)))
    if [threshold for threshold, _ in tiers] != sorted({threshold for threshold, _ in tiers}):
        raise table.error("above", "must rise in prompt_tokens")
    return Price(rates=_rates(table), above=tuple(tiers), source=source or f"catalogue {checked}")


def _rates(table: Table) -> Rates:
    rates = Rates(
        input=_nano(table, "input"),
        output=_nano(table, "output"),
        cache_read=_nano(table, "cache_read"),
        cache_write=_nano(table, "cache_write"),
        cache_write_1h=_nano(table, "cache_write_1h"),
    )
    if rates.input is None:
        raise table.error("input", "is missing")
    table.finish()
    return rates


def _nano(table: Table, key: str) -> int | None:
    usd = table.amount(key)
    if usd is None:
        return None
    nano = usd * _NANO
    if nano != int(nano):
        raise table.error(key, "has more than nine decimals")
    return int(nano)


def _check_other_units(entry: Table) -> None:
    """Takes `price_other`: prices by image, second or character, in USD, kept for people."""
    other = entry.table("price_other")
    if other is None:
        return
    for unit in _OTHER_UNITS:
        other.amount(unit)
    if other.day("checked") is None:
        raise other.error("checked", "is missing: the day the price was read")
    other.finish()


def _texts(table: Table, key: str) -> Mapping[str, str]:
    inner = table.table(key)
    if inner is None:
        return MappingProxyType({})
    return MappingProxyType({name: inner.required(name) for name in inner.names()})
