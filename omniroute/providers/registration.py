"""The user's own app at a vendor: from a sign-in's options, else from the environment. Pure."""

from collections.abc import Mapping
from dataclasses import replace

from omniroute.records.oauth import ClientNeed, OAuthTerms, Registration


def variables_of(provider_id: str, need: ClientNeed) -> tuple[str, ...]:
    """The variables that name the app, first its id; none where no app is needed."""
    prefix = f"{provider_id.upper().replace('-', '_')}_OAUTH_CLIENT"
    return () if need is ClientNeed.NONE else (f"{prefix}_ID", f"{prefix}_SECRET")


def registration(
    provider_id: str, terms: OAuthTerms, environment: Mapping[str, str], given: Registration
) -> Registration | tuple[str, ...]:
    """The app to sign in with, or the variables that would have to be set.

    An id that was given goes with no secret of another app.
    """
    names = variables_of(provider_id, terms.client)
    if not names:
        return Registration()
    found = Registration(*(environment.get(name, "").strip() or None for name in names))
    if given.client_id is not None and given.client_id != found.client_id:
        found = Registration(given.client_id)
    if given.client_secret is not None:
        found = replace(found, client_secret=given.client_secret)
    lacks_secret = found.client_secret is None and terms.client is ClientNeed.CONFIDENTIAL
    lacking = (found.client_id is None, lacks_secret)
    missing = tuple(name for name, lacks in zip(names, lacking, strict=True) if lacks)
    return missing or found
