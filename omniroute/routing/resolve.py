"""From the name a client asks for to one provider and its model."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from omniroute.errors import ErrorKind, Refused
from omniroute.records import ModelKind, Provider, ProviderStatus, Snapshot

MAX_ALIAS_HOPS = 3


@dataclass(frozen=True, slots=True)
class Target:
    """A provider and the model to ask it for."""

    provider: Provider
    model: str
    """The upstream's own id."""


def resolve(snapshot: Snapshot, name: str, *, only_provider: str | None = None) -> Target:
    """The target a model name means. Raises `Refused`: unknown, ambiguous, refused by status, no account."""
    if only_provider is not None:
        return _usable(snapshot, _within(snapshot, name, only_provider))
    name = _follow_aliases(snapshot, name)
    target = _by_prefix(snapshot, name) or _by_bare_id(snapshot, name)
    if target is None:
        raise _unknown(snapshot, name)
    return _usable(snapshot, target)


def _follow_aliases(snapshot: Snapshot, name: str) -> str:
    for _ in range(MAX_ALIAS_HOPS):
        target = snapshot.aliases.get(name)
        if target is None:
            return name
        name = target
    if name in snapshot.aliases:
        raise Refused(
            ErrorKind.BAD_REQUEST,
            f"aliases of {name!r} lead on for over {MAX_ALIAS_HOPS} steps",
            param="model",
        )
    return name


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
            f"model {name!r} belongs to {named!r}; this path serves {provider_id!r} only",
            param="model",
        )
    return Target(provider, rest or _default_model(snapshot, provider))


def _default_model(snapshot: Snapshot, provider: Provider) -> str:
    """What `openai/` alone means."""
    for account in snapshot.accounts.get(provider.id, ()):
        if account.is_active and account.default_model:
            return account.default_model
    if provider.models:
        return provider.models[0].id
    raise Refused(
        ErrorKind.BAD_REQUEST,
        f"{provider.label!r} has no default model: name one as {provider.label}/MODEL",
        param="model",
    )


def _by_bare_id(snapshot: Snapshot, name: str) -> Target | None:
    """An id that exactly one connected provider has."""
    owners = [snapshot.providers[provider_id] for provider_id in snapshot.owners.get(name, ())]
    connected = [provider for provider in owners if is_connected(snapshot, provider)]
    if any(provider.id == "openai" for provider in connected):
        connected = [snapshot.providers["openai"]]
    if len(connected) == 1:
        return Target(connected[0], name)
    if connected:
        forms = ", ".join(f"{provider.label}/{name}" for provider in connected)
        raise Refused(
            ErrorKind.AMBIGUOUS_MODEL, f"several providers have {name!r}: say {forms}", param="model"
        )
    usable = [provider.id for provider in owners if provider.status is ProviderStatus.ACTIVE]
    if usable:
        raise Refused(
            ErrorKind.MODEL_NOT_FOUND,
            f"no provider with {name!r} is connected; add one of {', '.join(usable[:6])} with "
            f"`omniroute providers add {usable[0]}`",
            param="model",
        )
    return None


def is_connected(snapshot: Snapshot, provider: Provider) -> bool:
    """True when the provider has an active account."""
    return any(account.is_active for account in snapshot.accounts.get(provider.id, ()))


def _usable(snapshot: Snapshot, target: Target) -> Target:
    """The target itself, or why it may not be used."""
    provider = target.provider
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
        raise Refused(
            ErrorKind.UNAVAILABLE,
            f"every account of {provider.name} is switched off; `omniroute providers enable NAME` does it",
        )
    return target


def _unknown(snapshot: Snapshot, name: str) -> Refused:
    close = get_close_matches(name, list(_known_names(snapshot)), n=3, cutoff=0.65)
    hint = f" Close to it: {', '.join(close)}." if close else " `omniroute models` lists what there is."
    return Refused(ErrorKind.MODEL_NOT_FOUND, f"no model {name!r}.{hint}", param="model")


def _known_names(snapshot: Snapshot) -> Iterable[str]:
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
