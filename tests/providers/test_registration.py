"""The user's own app at a vendor, wherever it is named."""

import pytest

from omniroute.providers.registration import registration, variables_of
from omniroute.records.oauth import ClientNeed, FlowKind, OAuthTerms, Registration

ID, SECRET = "AN_ACME_OAUTH_CLIENT_ID", "AN_ACME_OAUTH_CLIENT_SECRET"
NOTHING = Registration()


def terms(need: ClientNeed) -> OAuthTerms:
    return OAuthTerms(flows=(FlowKind.CODE,), client=need, source="a test")


def test_the_variables_are_called_after_the_provider() -> None:
    assert variables_of("an-acme", ClientNeed.OWN) == (ID, SECRET)
    assert variables_of("an-acme", ClientNeed.NONE) == ()


@pytest.mark.parametrize(
    ("need", "environment", "given", "found"),
    [
        (ClientNeed.NONE, {ID: "env"}, Registration("me", "hush"), NOTHING),
        (ClientNeed.OWN, {}, NOTHING, (ID,)),
        (ClientNeed.CONFIDENTIAL, {}, NOTHING, (ID, SECRET)),
        (ClientNeed.CONFIDENTIAL, {ID: "env"}, NOTHING, (SECRET,)),
        (ClientNeed.CONFIDENTIAL, {SECRET: "hush"}, NOTHING, (ID,)),
        (ClientNeed.OWN, {ID: " env ", SECRET: ""}, NOTHING, Registration("env")),
        (ClientNeed.OWN, {ID: "env", SECRET: "hush"}, NOTHING, Registration("env", "hush")),
        (ClientNeed.OWN, {ID: "env", SECRET: "hush"}, Registration("me"), Registration("me")),
        (ClientNeed.OWN, {ID: "env", SECRET: "hush"}, Registration("env"), Registration("env", "hush")),
        (ClientNeed.CONFIDENTIAL, {ID: "env", SECRET: "hush"}, Registration("me"), (SECRET,)),
        (ClientNeed.CONFIDENTIAL, {ID: "env"}, Registration(None, "mine"), Registration("env", "mine")),
        (ClientNeed.CONFIDENTIAL, {}, Registration("me", "mine"), Registration("me", "mine")),
    ],
)
def test_what_is_given_wins_and_no_secret_goes_to_another_app(
    need: ClientNeed,
    environment: dict[str, str],
    given: Registration,
    found: Registration | tuple[str, ...],
) -> None:
    assert registration("an-acme", terms(need), environment, given) == found


def test_no_secret_shows_in_a_repr() -> None:
    assert "hush" not in repr(Registration("me", "hush"))
