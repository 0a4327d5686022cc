"""From the name a client asks for to what it stands for."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from functools import lru_cache

from omniroute.errors import ErrorKind, Refused
from omniroute.records import (
    Account,
    AutoMode,
    Combo,
    ComboConfig,
    ComboEntry,
    ModelKind,
    Provider,
    ProviderStatus,
    Snapshot,
    Strategy,
)
from omniroute.routing.expand import expand
from omniroute.routing.route import Member, Route, Target, Unusable, in_turn
from omniroute.routing.wildcards import MAX_ALIAS_HOPS, alias_of

AUTO = "auto"
"""Name of the combo that is always there: the default models of everything connected."""


def route_of(snapshot: Snapshot, name: str, *, only_provider: str | None = None) -> Route:
    """Everything a name stands for. Raises `Refused`: unknown, ambiguous, refused by status, no account."""
    routes = _routes(snapshot)
    found = routes.get((name, only_provider))
    if found is None:
        found = _worked_out(snapshot, name, only_provider)
        if len(routes) >= _MOST_KEPT:
            routes.clear()
        routes[name, only_provider] = found
    return found


_MOST_KEPT = 1024


def _routes(snapshot: Snapshot) -> dict[tuple[str, str | None], Route]:
    """What names were found to stand for in this configuration; that of an earlier one is forgotten."""
    kept = _kept()
    if not kept or kept[0][0] is not snapshot:
        kept[:] = [(snapshot, {})]
    return kept[0][1]


@lru_cache(maxsize=1)
def _kept() -> list[tuple[Snapshot, dict[tuple[str, str | None], Route]]]:
    return []


def _worked_out(snapshot: Snapshot, name: str, only_provider: str | None) -> Route:
    if only_provider is not None:
        target = _usable(snapshot, _within(snapshot, name, only_provider))
        member = Member(provider=target.provider, model=target.model)
        return Route(requested=name, root=member, is_bound=True)
    found, hops = _follow(snapshot, name)
    if isinstance(found, Target):
        return _with_fallbacks(snapshot, name, hops, found)
    root, unusable = expand(found, snapshot.preferences, lambda entry: lookup(snapshot, entry))
    if not any(True for _ in root.members()):
        reasons = "; ".join(f"{entry.model}: {entry.reason}" for entry in unusable) or "it has no entries"
        message = f"no member of the combo {found.name!r} can be asked: {reasons}"
        raise Refused(ErrorKind.NO_CREDENTIALS, message, param="model")
    return Route(requested=name, hops=hops, root=root, unusable=unusable)


def _with_fallbacks(snapshot: Snapshot, name: str, hops: tuple[str, ...], target: Target) -> Route:
    """The target, and after it the providers of its model's fallback chain."""
    root = Member(provider=target.provider, model=target.model)
    if not snapshot.chains:
        return Route(requested=name, hops=hops, root=root)
    names = (f"{target.provider.id}/{target.model}", root.label, target.model, name)
    chain = next((snapshot.chains[one] for one in names if one in snapshot.chains), ())
    fallbacks: list[Member] = []
    unusable: list[Unusable] = []
    for step in chain:
        model = step.model or target.model
        if not step.is_enabled or (step.provider_id, model) == (target.provider.id, target.model):
            continue
        try:
            usable = _usable(snapshot, _within(snapshot, model, step.provider_id))
        except Refused as refused:
            unusable.append(Unusable(model=f"{step.provider_id}/{model}", reason=refused.message))
        else:
            fallbacks.append(Member(provider=usable.provider, model=usable.model))
    whole = in_turn((root, *fallbacks)) if fallbacks else root
    return Route(requested=name, hops=hops, root=whole, unusable=tuple(unusable))


def resolve(snapshot: Snapshot, name: str, *, only_provider: str | None = None) -> Target:
    """The target a name stands for; of a combo its first. Raises `Refused` as `route_of` does."""
    first = route_of(snapshot, name, only_provider=only_provider).members[0]
    return Target(first.provider, first.model)


def lookup(snapshot: Snapshot, name: str) -> Target | Combo:
    """What a name stands for, combos unexpanded. Raises `Refused`."""
    return _follow(snapshot, name)[0]


def _follow(snapshot: Snapshot, name: str) -> tuple[Target | Combo, tuple[str, ...]]:
    """What a name stands for, and the aliases on the way."""
    hops: list[str] = []
    current = name
    while True:
        combo = snapshot.combos.get(current)
        if combo is not None and combo.is_active and combo.entries:
            return combo, tuple(hops)
        target = alias_of(snapshot.aliases, snapshot.preferences.wildcard_aliases, current)
        if target is None:
            break
        if len(hops) == MAX_ALIAS_HOPS:
            raise Refused(
                ErrorKind.BAD_REQUEST,
                f"aliases of {name!r} lead on for over {MAX_ALIAS_HOPS} steps: {' > '.join((name, *hops))}",
                param="model",
            )
        hops.append(target)
        current = target
    return _by_name(snapshot, current), tuple(hops)


def _by_name(snapshot: Snapshot, name: str) -> Target | Combo:
    target = _by_prefix(snapshot, name) or _by_bare_id(snapshot, name)
    if target is None:
        if (auto := _auto(snapshot, name)) is not None:
            return auto
        target = _by_default(snapshot, name)
    if target is None:
        raise _unknown(snapshot, name)
    try:
        return _usable(snapshot, target)
    except Refused as refused:
        forms = _forms(_connected_owners(snapshot, name), name)
        if refused.kind is not ErrorKind.NO_CREDENTIALS or not forms:
            raise
        raise Refused(refused.kind, f"{refused.message}; or say {forms}", param=refused.param) from None


def _auto(snapshot: Snapshot, name: str) -> Combo | None:
    """`auto`, `auto/fast`, `auto/cheap`, `auto/coding`: the default model of each connected provider."""
    word, _, mode = name.partition("/")
    if word != AUTO or (mode and mode not in tuple(AutoMode)):
        return None
    connected = (provider for provider in snapshot.providers.values() if _may_be_auto(snapshot, provider))
    entries = tuple(
        ComboEntry(model=f"{provider.id}/{_default_model(snapshot, provider)}") for provider in connected
    )
    if not entries:
        return None
    config = ComboConfig(auto_mode=AutoMode(mode) if mode else AutoMode.BALANCED)
    return Combo(id=name, name=name, strategy=Strategy.AUTO, entries=entries, config=config)


def _may_be_auto(snapshot: Snapshot, provider: Provider) -> bool:
    if provider.status is not ProviderStatus.ACTIVE or provider.id == "demo":
        return False
    accounts = [account for account in snapshot.accounts.get(provider.id, ()) if account.is_active]
    chats = any(model.kind is ModelKind.CHAT for model in provider.models)
    return bool(accounts) and bool(provider.formats) and (chats or any(a.default_model for a in accounts))


def _by_default(snapshot: Snapshot, name: str) -> Target | None:
    """A bare name nobody knows goes where the user said such names go."""
    provider_id = snapshot.names.get(snapshot.preferences.unknown_model_provider or "")
    if provider_id is None or "/" in name:
        return None
    provider = snapshot.providers[provider_id]
    return Target(provider, name) if is_connected(snapshot, provider) else None


def _by_prefix(snapshot: Snapshot, name: str) -> Target | None:
    """`provider/model`; an unknown prefix is no error yet, since vendors put slashes into ids."""
    prefix, slash, model = name.partition("/")
    provider_id = snapshot.names.get(prefix) if slash else None
    if provider_id is None:
        return None
    provider = snapshot.providers[provider_id]
    return Target(provider, model or _default_model(snapshot, provider))


def _within(snapshot: Snapshot, name: str, only_provider: str) -> Target:
    """The model of one provider, with or without its prefix; never another provider's."""
    provider_id = snapshot.names.get(only_provider)
    if provider_id is None:
        raise _no_provider(snapshot, only_provider)
    provider = snapshot.providers[provider_id]
    prefix, slash, rest = name.partition("/")
    named = snapshot.names.get(prefix) if slash else None
    if named is None or provider.model(name) is not None:
        return Target(provider, name or _default_model(snapshot, provider))
    if named != provider_id:
        raise Refused(
            ErrorKind.BAD_REQUEST,
            f"model {name!r} belongs to {snapshot.providers[named].label!r}; "
            f"this path serves {provider.label!r} only",
            param="model",
        )
    return Target(provider, rest or _default_model(snapshot, provider))


def _default_model(snapshot: Snapshot, provider: Provider) -> str:
    """What `openai/` alone means."""
    for account in snapshot.accounts.get(provider.id, ()):
        if account.is_active and account.default_model:
            return account.default_model
    chat = next((model for model in provider.models if model.kind is ModelKind.CHAT), None)
    if chat is not None or provider.models:
        return (chat or provider.models[0]).id
    raise Refused(
        ErrorKind.BAD_REQUEST,
        f"{provider.label!r} has no default model: name one as {provider.label}/MODEL",
        param="model",
    )


def _by_bare_id(snapshot: Snapshot, name: str) -> Target | None:
    """An id that exactly one connected provider has."""
    connected = _connected_owners(snapshot, name)
    if any(provider.id == "openai" for provider in connected):
        connected = [snapshot.providers["openai"]]
    if len(connected) == 1:
        return Target(connected[0], name)
    if connected:
        message = f"several providers have {name!r}: say {_forms(connected, name)}"
        raise Refused(ErrorKind.AMBIGUOUS_MODEL, message, param="model")
    owners = (snapshot.providers[provider_id] for provider_id in snapshot.owners.get(name, ()))
    usable = [provider.id for provider in owners if provider.status is ProviderStatus.ACTIVE]
    if usable:
        raise Refused(
            ErrorKind.MODEL_NOT_FOUND,
            f"no provider with {name!r} is connected; add one of {', '.join(usable[:6])} with "
            f"`omniroute providers add {usable[0]}`",
            param="model",
        )
    return None


def _connected_owners(snapshot: Snapshot, name: str) -> list[Provider]:
    """The connected providers that have a model of that id, slashes and all."""
    owners = (snapshot.providers[provider_id] for provider_id in snapshot.owners.get(name, ()))
    return [provider for provider in owners if is_connected(snapshot, provider)]


def _forms(providers: Iterable[Provider], name: str) -> str:
    return ", ".join(f"{provider.label}/{name}" for provider in providers)


def blocked_providers(snapshot: Snapshot) -> frozenset[str]:
    """Ids of the providers the user wants nothing sent to."""
    names = snapshot.preferences.blocked_providers
    return (
        frozenset(snapshot.names[name] for name in names if name in snapshot.names) if names else frozenset()
    )


def is_connected(snapshot: Snapshot, provider: Provider) -> bool:
    """True when the provider has an active account."""
    return any(account.is_active for account in snapshot.accounts.get(provider.id, ()))


def _usable(snapshot: Snapshot, target: Target) -> Target:
    """The target itself, or why it may not be used."""
    provider = target.provider
    if provider.id in blocked_providers(snapshot):
        raise Refused(
            ErrorKind.PROVIDER_NOT_ALLOWED,
            f"{provider.name} is blocked by the setting blockedProviders",
            param="model",
        )
    if provider.status is not ProviderStatus.ACTIVE:
        raise Refused(
            ErrorKind.PROVIDER_NOT_ALLOWED,
            f"{provider.name} is {provider.status} here. {provider.status_note or ''}".strip(),
            param="model",
        )
    accounts = snapshot.accounts.get(provider.id, ())
    if not accounts:
        raise Refused(
            ErrorKind.NO_CREDENTIALS,
            f"{provider.name} is not connected; `omniroute providers add {provider.id}` does it",
            param="model",
        )
    if not any(account.is_active for account in accounts):
        raise Refused(ErrorKind.UNAVAILABLE, _all_off(provider, accounts))
    return target


def _all_off(provider: Provider, accounts: Sequence[Account]) -> str:
    if any(account.test_status == "expired" for account in accounts):
        way = f"omniroute providers login {provider.label}"
        return f"the sign-in at {provider.name} has ended; `{way}` begins another"
    return f"every account of {provider.name} is switched off; `omniroute providers enable NAME` does it"


def _unknown(snapshot: Snapshot, name: str) -> Refused:
    if name in snapshot.combos:
        why = "is switched off" if snapshot.combos[name].entries else "has no models"
        return Refused(ErrorKind.MODEL_NOT_FOUND, f"the combo {name!r} {why}", param="model")
    close = get_close_matches(name, list(_known_names(snapshot)), n=3, cutoff=0.65)
    hint = f" Close to it: {', '.join(close)}." if close else " `omniroute models` lists what there is."
    return Refused(ErrorKind.MODEL_NOT_FOUND, f"no model {name!r}.{hint}", param="model")


def _known_names(snapshot: Snapshot) -> Iterable[str]:
    yield from (combo.name for combo in snapshot.combos.values() if combo.is_active)
    yield from snapshot.aliases
    for provider in snapshot.providers.values():
        if is_connected(snapshot, provider):
            for model in provider.models:
                if model.kind in (ModelKind.CHAT, ModelKind.EMBEDDING):
                    yield f"{provider.label}/{model.id}"


def _no_provider(snapshot: Snapshot, name: str) -> Refused:
    close = get_close_matches(name, list(snapshot.names), n=3, cutoff=0.65)
    hint = f"; close to it: {', '.join(close)}" if close else ""
    return Refused(ErrorKind.MODEL_NOT_FOUND, f"no provider {name!r}{hint}", param="model")
