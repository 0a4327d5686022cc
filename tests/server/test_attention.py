"""What is said of accounts and providers that wait for a person."""

from omniroute.server.attention import InTrouble, of_accounts, of_breakers


def test_nothing_is_said_when_nothing_waits() -> None:
    assert of_accounts([]) is None
    assert of_breakers([]) is None


def test_several_accounts_are_named_in_one_sentence_a_kind() -> None:
    told = of_accounts(
        [
            InTrouble("huggingface", "main", None),
            InTrouble("openrouter", "ann", None),
            InTrouble("gemini", "work", "it answered 503"),
        ]
    )
    assert told == (
        "2 accounts signed out: huggingface/main, openrouter/ann, "
        "sign in again with omniroute providers login PROVIDER; "
        "1 token could not be renewed: gemini/work (it answered 503)"
    )


def test_providers_that_nobody_asks_are_named() -> None:
    assert of_breakers(["groq", "mistral"]) == (
        "2 breakers open: groq, mistral, see omniroute resilience show"
    )
