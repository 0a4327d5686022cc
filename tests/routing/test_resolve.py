"""What a model name means."""

from dataclasses import replace

import pytest

from omniroute.errors import ErrorKind, Refused
from omniroute.records import ProviderStatus, Snapshot
from omniroute.routing.resolve import is_connected, resolve
from tests.routing.samples import account, provider, snapshot


def sample() -> Snapshot:
    return snapshot(
        [
            provider("openai", "gpt-5", "shared", "both", aliases=("oa",)),
            provider("router", "openai/gpt-5", "shared", "both", "only-router"),
            provider("extra", "both", "only-extra", "pair"),
            provider("second", "pair"),
            provider("unused", "lonely", aliases=("un",)),
            provider("bare"),
            provider("off", "idle"),
            provider("ended", "idle"),
            provider("closed", "secret-model", status=ProviderStatus.FORBIDDEN),
        ],
        [
            account("openai"),
            account("router", default_model="only-router"),
            account("extra"),
            account("second"),
            account("bare"),
            account("off", is_active=False),
            replace(account("ended", is_active=False), test_status="expired"),
            account("closed"),
        ],
        {
            "fast": "openai/gpt-5",
            "faster": "fast",
            "fastest": "faster",
            "too-far": "fastest",
            "loop": "pool",
            "pool": "loop",
            "gone": "nowhere/at-all",
        },
    )


@pytest.mark.parametrize(
    ("name", "provider_id", "model"),
    [
        ("openai/gpt-5", "openai", "gpt-5"),
        ("oa/gpt-5", "openai", "gpt-5"),
        ("openai/never-heard-of", "openai", "never-heard-of"),
        ("router/openai/gpt-5", "router", "openai/gpt-5"),
        ("gpt-5", "openai", "gpt-5"),
        ("only-router", "router", "only-router"),
        ("shared", "openai", "shared"),
        ("both", "openai", "both"),
        ("openai/", "openai", "gpt-5"),
        ("router/", "router", "only-router"),
        ("fast", "openai", "gpt-5"),
        ("faster", "openai", "gpt-5"),
        ("fastest", "openai", "gpt-5"),
    ],
)
def test_a_name_leads_to_one_provider(name: str, provider_id: str, model: str) -> None:
    target = resolve(sample(), name)
    assert (target.provider.id, target.model) == (provider_id, model)


@pytest.mark.parametrize(
    ("name", "kind", "says"),
    [
        ("pair", ErrorKind.AMBIGUOUS_MODEL, "extra/pair, second/pair"),
        ("lonely", ErrorKind.MODEL_NOT_FOUND, "omniroute providers add unused"),
        ("unused/lonely", ErrorKind.NO_CREDENTIALS, "omniroute providers add unused"),
        ("un/lonely", ErrorKind.NO_CREDENTIALS, "omniroute providers add unused"),
        ("off/idle", ErrorKind.UNAVAILABLE, "switched off"),
        ("ended/idle", ErrorKind.UNAVAILABLE, "omniroute providers login ended"),
        ("closed/secret-model", ErrorKind.PROVIDER_NOT_ALLOWED, "Not through a gateway."),
        ("bare/", ErrorKind.BAD_REQUEST, "bare/MODEL"),
        ("opnai/gpt-5", ErrorKind.MODEL_NOT_FOUND, "openai/gpt-5"),
        ("zzzzzzzz", ErrorKind.MODEL_NOT_FOUND, "omniroute models"),
        ("gone", ErrorKind.MODEL_NOT_FOUND, "no model 'nowhere/at-all'"),
        ("too-far", ErrorKind.BAD_REQUEST, "steps"),
        ("loop", ErrorKind.BAD_REQUEST, "steps"),
    ],
)
def test_a_name_that_leads_nowhere_is_refused_with_advice(name: str, kind: ErrorKind, says: str) -> None:
    with pytest.raises(Refused) as refused:
        resolve(sample(), name)
    assert refused.value.kind is kind
    assert says in refused.value.message


@pytest.mark.parametrize(
    ("only", "name", "model"),
    [
        ("router", "openai/gpt-5", "openai/gpt-5"),
        ("router", "router/shared", "shared"),
        ("router", "anything/at-all", "anything/at-all"),
        ("oa", "openai/gpt-5", "gpt-5"),
        ("oa", "gpt-5", "gpt-5"),
        ("openai", "oa/", "gpt-5"),
        ("router", "", "only-router"),
        ("second", "both", "both"),
    ],
)
def test_a_path_of_one_provider_stays_with_it(only: str, name: str, model: str) -> None:
    target = resolve(sample(), name, only_provider=only)
    assert target.provider is sample().providers[target.provider.id] or target.provider.id in (only, "openai")
    assert target.provider.id == {"oa": "openai"}.get(only, only)
    assert target.model == model


@pytest.mark.parametrize(
    ("only", "name", "kind"),
    [
        ("extra", "openai/gpt-5", ErrorKind.BAD_REQUEST),
        ("nobody", "gpt-5", ErrorKind.MODEL_NOT_FOUND),
        ("unused", "lonely", ErrorKind.NO_CREDENTIALS),
        ("closed", "secret-model", ErrorKind.PROVIDER_NOT_ALLOWED),
    ],
)
def test_a_path_of_one_provider_never_leads_elsewhere(only: str, name: str, kind: ErrorKind) -> None:
    with pytest.raises(Refused) as refused:
        resolve(sample(), name, only_provider=only)
    assert refused.value.kind is kind


@pytest.mark.parametrize(("provider_id", "connected"), [("openai", True), ("off", False), ("unused", False)])
def test_a_provider_is_connected_by_an_active_account(provider_id: str, connected: bool) -> None:
    known = sample()
    assert is_connected(known, known.providers[provider_id]) is connected


def test_an_id_of_a_connected_provider_that_begins_like_another_says_how_to_name_it() -> None:
    known = sample()
    accounts = {**known.accounts, "openai": ()}
    with pytest.raises(Refused, match="or say router/openai/gpt-5") as refused:
        resolve(replace(known, accounts=accounts), "openai/gpt-5")
    assert refused.value.kind is ErrorKind.NO_CREDENTIALS
