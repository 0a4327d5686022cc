"""Looking at accounts, and changing them."""

import json

import pytest

from omniroute.exit_codes import ExitCode
from tests.cli.shell import Run
from tests.server.manage.vendor import KEY, MODELS, Vendor

pytestmark = pytest.mark.usefixtures("accounts")


@pytest.fixture
def accounts(run: Run, vendor: Vendor) -> None:
    base = ("--base-url", vendor.url, "--allow-private", "--no-test")
    run("providers", "add", "openai", "--name", "work", *base, typed=KEY)
    run("providers", "add", "openai", "--name", "home", *base, typed="sk-home-0123456789")
    run("providers", "add", "groq", *base, typed=KEY)


def shown(run: Run, account: str) -> dict[str, object]:
    connection = json.loads(run("providers", "show", account, "--json").stdout)["connection"]
    assert isinstance(connection, dict)
    return connection


def test_an_account_is_found_by_whatever_names_it(run: Run) -> None:
    one = shown(run, "openai/work")
    id_ = str(one["id"])

    assert [shown(run, name) for name in ("work", id_, id_.lower(), id_[:-1])] == [one] * 4
    assert shown(run, "groq")["name"] == "main"


def test_a_name_that_fits_two_lists_both(run: Run) -> None:
    result = run("providers", "show", "openai")

    assert result.exit_code == ExitCode.USAGE
    assert "openai/work" in result.stderr
    assert "openai/home" in result.stderr


def test_a_name_that_fits_none_is_not_found(run: Run) -> None:
    result = run("providers", "show", "mistral")

    assert result.exit_code == ExitCode.NOT_FOUND
    assert "omniroute providers list" in result.stderr


def test_the_test_says_which_account_does_not_work(run: Run) -> None:
    result = run("providers", "test")

    assert result.exit_code == ExitCode.UPSTREAM
    verdicts = dict(line.split(": ", 1) for line in result.stdout.splitlines())
    assert verdicts["openai/work"].startswith("works")
    assert verdicts["groq/main"].startswith("works")
    assert verdicts["openai/home"].startswith("does not work")
    assert "the test failed for openai/home" in result.stderr


def test_the_test_of_one_account_ends_well_when_it_works(run: Run) -> None:
    result = run("providers", "test", "work", "--json")

    assert result.exit_code == 0
    [tested] = json.loads(result.stdout)["results"]
    assert (tested["provider"], tested["name"]) == ("openai", "work")
    assert tested["result"]["valid"] is True


def test_the_models_are_those_the_provider_lists(run: Run) -> None:
    listed = json.loads(run("providers", "models", "groq", "--refresh", "--json").stdout)

    assert listed["source"] == "remote"
    assert {model["id"] for model in listed["models"]} >= set(MODELS)


def test_a_provider_without_an_account_lists_the_models_of_the_catalogue(run: Run) -> None:
    result = run("providers", "models", "mistral")

    assert result.exit_code == 0
    assert result.stdout.startswith("MODEL")
    assert "from the catalogue" in result.stderr


def test_a_model_is_added_and_removed(run: Run) -> None:
    run("providers", "add-model", "groq", "brand-new", "--context-length", "1000")
    assert "groq/brand-new" in run("models").stdout.splitlines()

    assert run("providers", "remove-model", "groq", "brand-new").exit_code == 0
    assert run("providers", "remove-model", "groq", "brand-new").exit_code == ExitCode.NOT_FOUND
    assert "groq/brand-new" not in run("models").stdout


def test_only_what_is_named_changes(run: Run) -> None:
    before = shown(run, "groq")

    result = run("providers", "edit", "groq", "--name", "mine", "--default-model", "llama")

    after = shown(run, "groq")
    assert result.exit_code == 0
    changed = {name for name in before if before[name] != after[name]}
    assert changed <= {"name", "defaultModel", "updatedAt"}
    assert (after["name"], after["defaultModel"]) == ("mine", "llama")


def test_an_empty_default_model_takes_it_away(run: Run) -> None:
    run("providers", "edit", "groq", "--default-model", "llama")
    run("providers", "edit", "groq", "--default-model", "")

    assert shown(run, "groq")["defaultModel"] is None


def test_a_new_key_replaces_the_old_one(run: Run) -> None:
    run("providers", "edit", "home", "--new-key", typed=KEY)

    assert run("providers", "test", "home").exit_code == 0


def test_an_edit_that_names_nothing_is_refused(run: Run) -> None:
    assert run("providers", "edit", "groq").exit_code == ExitCode.USAGE


def test_an_account_is_disabled_and_enabled(run: Run) -> None:
    run("providers", "disable", "groq")
    assert shown(run, "groq")["isActive"] is False

    run("providers", "enable", "groq")
    assert shown(run, "groq")["isActive"] is True


def test_removing_asks_or_is_told_not_to(run: Run) -> None:
    refused = run("providers", "remove", "groq")
    done = run("providers", "remove", "groq", "--yes")

    assert refused.exit_code == ExitCode.USAGE
    assert "--yes" in refused.stderr
    assert done.exit_code == 0
    assert run("providers", "show", "groq").exit_code == ExitCode.NOT_FOUND


def test_a_server_of_ones_own_goes_with_its_last_account(run: Run, vendor: Vendor) -> None:
    url = ("--base-url", vendor.url)
    run("providers", "add", "--type", "openai-compatible", *url, "--name", "lab", "--no-test")
    nodes = ("providers", "catalog", "--category", "compatible-node")
    assert run(*nodes).exit_code == 0

    run("providers", "remove", "lab", "--yes")

    assert run(*nodes).exit_code == ExitCode.NOT_FOUND


@pytest.mark.parametrize("words", ["list", "list --json", "show work", "show work --json", "test"])
def test_no_key_is_ever_shown(words: str, run: Run) -> None:
    result = run("providers", *words.split())

    assert result.output
    assert KEY not in result.output
    assert "sk-home-0123456789" not in result.output


def test_the_list_is_aligned_text_for_people(run: Run) -> None:
    lines = run("providers", "list").stdout.splitlines()

    assert lines[0].split() == ["PROVIDER", "NAME", "PRIORITY", "STATE", "KEY", "TESTED", "ID"]
    names = {line.split()[1]: line.index(line.split()[1], len(line.split()[0])) for line in lines[1:]}
    assert set(names) == {"main", "work", "home"}
    assert set(names.values()) == {lines[0].index("NAME")}
