"""An account that was signed in, over its life: renewed, shown, and signed out by its vendor."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from omniroute.exit_codes import ExitCode
from tests.cli.shell import in_thread
from tests.server.installation import Installation
from tests.server.manage.sign_in.vendor import CLIENT_ID, OAuthVendor, listening


@pytest.fixture
def vendor() -> Iterator[OAuthVendor]:
    with in_thread(listening()) as opened:
        opened.interval_s = 1
        yield opened


@pytest.fixture
def home(tmp_path: Path, vendor: OAuthVendor) -> Iterator[Installation]:
    """One account, whose access token has ended already."""
    vendor.lifetime_s = 0
    installation = Installation(tmp_path)
    vendor.write_catalogue(installation.paths.catalogue_overrides)
    done = installation.run(
        "providers", "login", "acme", "--device", "--name", "mine", ACME_OAUTH_CLIENT_ID=CLIENT_ID
    )
    assert done.returncode == 0, done.stderr
    yield installation
    installation.clean_up()


def refreshes(vendor: OAuthVendor) -> int:
    return sum(form["grant_type"] == "refresh_token" for form in vendor.token_requests)


def ask(home: Installation) -> int:
    return home.run("chat", "--model", "acme/m-1", "hi").returncode


def test_a_token_is_renewed_and_shown_and_survives_a_restart(home: Installation, vendor: OAuthVendor) -> None:
    vendor.lifetime_s, before = 7200, refreshes(vendor)
    home.serve()
    assert ask(home) == ExitCode.OK
    assert home.run("restart").returncode == 0
    assert ask(home) == ExitCode.OK

    assert refreshes(vendor) == before + 1
    listed = home.run("accounts", "list").stdout
    assert "TOKEN" in listed
    assert "120 min, then renewed" in listed
    shown = home.run("accounts", "show", "acme/mine").stdout
    assert "ann@example.org" in shown
    assert "has a new access token" in home.run("accounts", "refresh", "acme").stderr
    assert refreshes(vendor) == before + 2
    assert "signed in" in home.run("providers", "list").stdout


def test_an_account_whose_sign_in_has_ended_says_so_everywhere(
    home: Installation, vendor: OAuthVendor
) -> None:
    vendor.token_answer = (400, json.dumps({"error": "invalid_grant", "error_description": "revoked"}))
    home.serve()
    assert ask(home) != ExitCode.OK

    said = home.run("explain").stdout
    assert "omniroute providers login acme" in said  # whether the request or the gateway itself has found out
    shown = home.run("accounts", "show", "acme/mine").stdout
    assert "Signed out by Acme (invalid_grant: revoked)" in shown
    assert "signed out" in home.run("accounts", "list").stdout
    assert "signed out" in home.run("providers", "list").stdout
    assert home.run("accounts", "refresh", "acme").returncode == ExitCode.REFUSED
    log = home.run("logs").stdout
    assert "acme/mine is signed out" in log
    for text in (said, shown, log):
        assert "refresh-" not in text
    actions = [one["action"] for one in json.loads(home.run("audit", "--json").stdout)["entries"]]
    assert "provider.deactivated" in actions
