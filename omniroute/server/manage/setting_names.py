"""Providers and models that settings name."""

from collections.abc import Collection

import msgspec

from omniroute.errors import Refused
from omniroute.records import Preferences, Snapshot
from omniroute.records.preferences import CacheSettings
from omniroute.routing.resolve import resolve
from omniroute.server.manage.aliases import check_alias
from omniroute.server.manage.call import ApiError, invalid


def labelled(snapshot: Snapshot, preferences: Preferences) -> Preferences:
    """The same with providers and accounts by the names people know: ids are made by chance."""

    def label(known: str) -> str:
        provider = snapshot.providers.get(snapshot.names.get(known, known))
        return known if provider is None else provider.label

    accounts = {
        account.id: f"{snapshot.providers[provider_id].label}/{account.name}"
        for provider_id, known in snapshot.accounts.items()
        for account in known
    }
    unknown, chosen = preferences.unknown_model_provider, preferences.rate_limit_protection
    return msgspec.structs.replace(
        preferences,
        provider_strategies={label(one): value for one, value in preferences.provider_strategies.items()},
        provider_overrides={label(one): value for one, value in preferences.provider_overrides.items()},
        rate_limit_protection={accounts[one]: kept for one, kept in chosen.items() if one in accounts},
        blocked_providers=tuple(label(one) for one in preferences.blocked_providers),
        unknown_model_provider=None if unknown is None else label(unknown),
    )


def check_models(after: Snapshot, changed: Collection[str], *, within: str = "") -> None:
    """Raises `ApiError` 400 when a setting that changed names a model that nobody has.

    `within`: what stands before the settings' names in the caller's words.
    """
    preferences = after.preferences
    if "wildcardAliases" in changed:
        for place, alias in enumerate(preferences.wildcard_aliases):
            try:
                check_alias(after, alias.pattern, alias.target)
            except ApiError as error:
                raise invalid(f"{within}wildcardAliases[{place}]", error.details[0].message) from None
    if "cache" in changed:
        _check_cache(after, preferences.cache, f"{within}cache")


def _check_cache(after: Snapshot, cache: CacheSettings, path: str) -> None:
    model = cache.semantic_model
    if model is None:
        if cache.semantic != "off":
            raise invalid(f"{path}.semanticModel", "must name the embedding model that compares questions")
        return
    try:
        resolve(after, model)
    except Refused as refused:
        raise invalid(f"{path}.semanticModel", refused.message) from None
