"""What the detail view says."""

from msgspec.structs import replace

from omniroute.tui.details import Fact, facts
from tests.tui.samples import ANSWERED, FAILED, LEFT, RUNNING
from tests.tui.still import LOGGED


def said(name: str, found: list[Fact]) -> str:
    """The value under this name."""
    return next(fact.value for fact in found if fact.name == name)


def test_amounts_are_shown_to_the_last_digit() -> None:
    found = facts(ANSWERED, None)

    assert said("Tokens in", found) == "12,345, 10,240 of them from a cache"
    assert said("Took", found) == "8.12s, first byte after 420ms, 1 try"


def test_tokens_counted_by_the_gateway_say_so() -> None:
    assert said("Tokens out", facts(LEFT, None)) == "1,234,567, counted by the gateway"


def test_a_running_request_took_so_far() -> None:
    assert said("Took", facts(RUNNING, None)).startswith("2.25s so far")


def test_the_model_asked_for_is_named_when_it_was_another() -> None:
    assert said("Model", facts(FAILED, None)) == (
        "deepseek/deepseek-chat-v3.1, asked for as deepseek/deepseek-chat"
    )
    assert said("Model", facts(replace(FAILED, requested_model=FAILED.model), None)) == FAILED.model


def test_the_log_adds_what_only_it_knows() -> None:
    names = {fact.name for fact in facts(FAILED, LOGGED)} - {fact.name for fact in facts(FAILED, None)}

    assert names == {"Format", "Session", "Left out"}


def test_what_is_not_known_is_a_dash() -> None:
    found = facts(replace(RUNNING, model=None, requested_model=None, provider=None, account=None), None)

    assert {said(name, found) for name in ("Model", "Provider", "Tokens in", "Tokens out", "Cost")} == {"—"}
