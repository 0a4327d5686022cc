"""Providers that are asked for a model when its own have failed."""

from dataclasses import replace

from omniroute.records import ChainStep, Snapshot
from omniroute.routing.resolve import route_of
from tests.routing.samples import account, provider, snapshot


def sample(*steps: ChainStep, model: str = "gpt-5") -> Snapshot:
    providers = [provider("openai", "gpt-5"), provider("router", "gpt-5"), provider("off", "gpt-5")]
    made = snapshot(providers, [account("openai"), account("router")])
    return replace(made, chains={model: steps})


def labels(made: Snapshot, name: str = "openai/gpt-5") -> list[str]:
    return [member.label for member in route_of(made, name).members]


def test_the_chain_of_a_model_follows_its_own_provider_in_order() -> None:
    steps = (ChainStep(provider_id="router"), ChainStep(provider_id="router", model="gpt-5-mini"))
    assert labels(sample(*steps)) == ["openai/gpt-5", "router/gpt-5", "router/gpt-5-mini"]
    assert labels(sample(*steps, model="openai/gpt-5")) == [
        "openai/gpt-5",
        "router/gpt-5",
        "router/gpt-5-mini",
    ]


def test_a_step_that_is_off_or_the_model_itself_is_left_out() -> None:
    steps = (ChainStep(provider_id="openai"), ChainStep(provider_id="router", is_enabled=False))
    assert labels(sample(*steps)) == ["openai/gpt-5"]


def test_a_step_nobody_can_ask_is_left_out_and_says_why() -> None:
    route = route_of(sample(ChainStep(provider_id="off"), ChainStep(provider_id="gone")), "openai/gpt-5")
    assert [member.label for member in route.members] == ["openai/gpt-5"]
    assert [entry.model for entry in route.unusable] == ["off/gpt-5", "gone/gpt-5"]
    assert all(entry.reason for entry in route.unusable)


def test_a_chain_makes_no_combo() -> None:
    assert route_of(sample(ChainStep(provider_id="router")), "openai/gpt-5").combo is None
