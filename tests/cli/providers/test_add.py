"""Connecting providers from the shell."""

import json

import pytest

from omniroute.exit_codes import ExitCode
from tests.cli.shell import Run
from tests.server.manage.vendor import KEY, Vendor


def connections(run: Run) -> list[dict[str, object]]:
    found = json.loads(run("providers", "list", "--json").stdout)["connections"]
    assert isinstance(found, list)
    return found


@pytest.fixture
def at_vendor(vendor: Vendor) -> tuple[str, ...]:
    return ("--base-url", vendor.url, "--allow-private")


def test_the_key_comes_from_standard_input(run: Run, at_vendor: tuple[str, ...]) -> None:
    shown = run("providers", "add", "openai", *at_vendor, typed=f"{KEY}\n")

    assert shown.exit_code == 0
    assert "openai/main is connected; the key works" in shown.stderr
    assert KEY not in shown.output
    [one] = connections(run)
    assert (one["provider"], one["name"], one["testStatus"]) == ("openai", "main", "active")


def test_the_key_comes_from_a_variable(
    run: Run, at_vendor: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORK_KEY", KEY)

    shown = run(
        "providers", "add", "openai", "--name", "work", "--api-key-env", "WORK_KEY", *at_vendor, "--json"
    )

    assert shown.exit_code == 0
    answer = json.loads(shown.stdout)
    assert answer["created"] is True
    assert answer["connection"]["name"] == "work"
    assert answer["connection"]["hasApiKey"] is True
    assert KEY not in shown.output


def test_a_variable_that_is_not_set_is_named(run: Run) -> None:
    shown = run("providers", "add", "openai", "--api-key-env", "NOT_THERE")

    assert shown.exit_code == ExitCode.CONFIG
    assert "NOT_THERE" in shown.stderr


@pytest.mark.parametrize("typed", ["", "\n", "  \n"])
def test_without_a_key_nothing_is_added(typed: str, run: Run) -> None:
    shown = run("providers", "add", "openai", typed=typed)

    assert shown.exit_code == ExitCode.CONFIG
    assert "--api-key-env" in shown.stderr
    assert connections(run) == []


def test_two_lines_are_no_key_and_are_not_repeated(run: Run) -> None:
    shown = run("providers", "add", "openai", typed="sk-first-line\nsk-second-line\n")

    assert shown.exit_code == ExitCode.CONFIG
    assert "sk-" not in shown.output


def test_a_key_that_the_provider_refuses_is_not_stored(run: Run, at_vendor: tuple[str, ...]) -> None:
    shown = run("providers", "add", "openai", *at_vendor, typed="sk-wrong-0123456789")

    assert shown.exit_code == ExitCode.REFUSED
    assert "sk-wrong-0123456789" not in shown.output
    assert connections(run) == []


def test_without_a_test_the_provider_is_not_asked_about_the_key(run: Run, at_vendor: tuple[str, ...]) -> None:
    shown = run("providers", "add", "openai", *at_vendor, "--no-test", typed="sk-wrong-0123456789")

    assert shown.exit_code == 0
    assert len(connections(run)) == 1


def test_adding_the_same_account_again_is_refused_and_harmless_when_asked_to_be(run: Run) -> None:
    add = ("providers", "add", "openai", "--no-test")
    run(*add, typed=KEY)

    again = run(*add, typed=KEY)
    harmless = run(*add, "--if-not-exists", "--json")

    assert again.exit_code == ExitCode.REFUSED
    assert "--name" in again.stderr
    assert harmless.exit_code == 0
    assert json.loads(harmless.stdout)["created"] is False
    assert len(connections(run)) == 1


def test_several_accounts_stand_in_the_order_of_their_priority(run: Run) -> None:
    for name, priority in (("second", "2"), ("first", "1")):
        run("providers", "add", "openai", "--no-test", "--name", name, "--priority", priority, typed=KEY)

    assert [one["name"] for one in connections(run)] == ["first", "second"]


def test_a_private_address_has_to_be_allowed(run: Run, vendor: Vendor) -> None:
    shown = run("providers", "add", "openai", "--base-url", vendor.url, typed=KEY)

    assert shown.exit_code == ExitCode.REFUSED
    assert "--allow-private" in shown.stderr
    assert vendor.asked == []


def test_a_provider_whose_terms_forbid_it_is_refused_with_the_permitted_way(run: Run) -> None:
    shown = run("providers", "add", "antigravity")

    assert shown.exit_code == ExitCode.REFUSED
    assert "AI Studio" in shown.stderr


def test_a_provider_that_is_not_there_is_answered_with_the_nearest(run: Run) -> None:
    shown = run("providers", "add", "opena", typed=KEY)

    assert shown.exit_code == ExitCode.NOT_FOUND
    assert "openai" in shown.stderr


def test_the_parts_of_a_url_are_asked_for_before_the_key(run: Run) -> None:
    shown = run("providers", "add", "azure", typed=KEY)

    assert shown.exit_code == ExitCode.USAGE
    assert "--set" in shown.stderr


@pytest.mark.parametrize("written", ["resource", "=x", "resource="])
def test_a_part_of_a_url_is_written_as_name_and_value(written: str, run: Run) -> None:
    assert run("providers", "add", "azure", "--set", written, typed=KEY).exit_code == ExitCode.USAGE


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("openai", "--type", "openai-compatible"),
        ("openai", "--prefix", "mine"),
        ("--type", "openai-compatible"),
        ("--type", "soap-compatible", "--base-url", "http://x"),
    ],
    ids=["neither", "both", "prefix of another", "no url", "unknown type"],
)
def test_what_is_added_has_to_be_clear(words: tuple[str, ...], run: Run) -> None:
    assert run("providers", "add", *words, typed=KEY).exit_code == ExitCode.USAGE


@pytest.mark.parametrize("kind", ["openai", "anthropic", "gemini", "responses", "ollama"])
def test_a_server_of_ones_own_is_connected_by_what_it_speaks(kind: str, run: Run, vendor: Vendor) -> None:
    add = ("providers", "add", "--type", f"{kind}-compatible", "--base-url", vendor.url, "--no-test")

    shown = run(*add, "--name", "Lab vLLM")
    harmless = run(*add, "--name", "Lab vLLM", "--if-not-exists", "--json")

    assert shown.exit_code == 0
    [one] = connections(run)
    assert one["prefix"] == "lab-vllm"
    assert json.loads(harmless.stdout) == {"connection": one, "created": False}


def test_a_prefix_that_is_taken_is_refused(run: Run, vendor: Vendor) -> None:
    add = ("providers", "add", "--type", "openai-compatible", "--no-test", "--prefix", "lab", "--base-url")
    run(*add, vendor.url)

    shown = run(*add, "http://127.0.0.1:9/v1")

    assert shown.exit_code == ExitCode.REFUSED
    assert "--prefix" in shown.stderr


def test_a_server_of_ones_own_that_is_refused_leaves_nothing_behind(run: Run, vendor: Vendor) -> None:
    vendor.list_answer = (401, "{}")

    shown = run("providers", "add", "--type", "openai-compatible", "--base-url", vendor.url, "--name", "lab")

    assert shown.exit_code == ExitCode.REFUSED
    assert run("providers", "catalog", "--category", "compatible-node").exit_code == ExitCode.NOT_FOUND
