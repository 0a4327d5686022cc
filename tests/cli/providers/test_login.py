"""Signing in from the shell: real commands, a real gateway, and a vendor on loopback."""

import http.client
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from omniroute.exit_codes import ExitCode
from tests.cli.shell import in_thread
from tests.server.installation import COMMAND, PATIENCE_S, Installation
from tests.server.manage.sign_in.vendor import CLIENT_ID, CLIENT_SECRET, EMAIL, OAuthVendor, listening


@pytest.fixture
def vendor() -> Iterator[OAuthVendor]:
    with in_thread(listening()) as opened:
        yield opened


@pytest.fixture
def home(tmp_path: Path, vendor: OAuthVendor) -> Iterator[Installation]:
    installation = Installation(tmp_path)
    vendor.write_catalogue(installation.paths.catalogue_overrides)
    yield installation
    installation.clean_up()


def begin(home: Installation, *words: str, **variables: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, "providers", "login", *words],
        env=home.environment(**variables),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def address_in(talk: Iterator[str]) -> str:
    """The page a command tells a person to open."""
    return next(line.strip() for line in talk if line.strip().startswith("http"))


def fetch(method: str, url: str, body: bytes | None = None) -> tuple[int, str, bytes]:
    """Status, `Location` and body of one answer."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=PATIENCE_S)
    try:
        headers = {"Content-Type": "application/json"} if body is not None else {}
        connection.request(method, f"{parts.path}?{parts.query}", body=body, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.getheader("Location", ""), answer.read()
    finally:
        connection.close()


def way_back(url: str) -> str:
    """Where the vendor sends a browser, which does not go there."""
    _, back, _ = fetch("GET", url)
    return back


def browse(url: str) -> int:
    """What a browser ends at that goes where the vendor sends it."""
    return fetch("GET", way_back(url))[0]


def ask(home: Installation, model: str) -> str:
    """What a model says to a client of the running gateway."""
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": "hi"}]}).encode()
    _, _, answer = fetch("POST", f"{home.server().url}/v1/chat/completions", body)
    text = json.loads(answer)["choices"][0]["message"]["content"]
    assert isinstance(text, str)
    return text


def test_signing_in_with_a_browser_ends_in_an_account_that_answers(
    home: Installation, vendor: OAuthVendor
) -> None:
    server = home.serve(ACME_OAUTH_CLIENT_ID=CLIENT_ID)

    with begin(home, "acme", "--json") as command:
        assert command.stderr is not None
        url = address_in(iter(command.stderr))
        assert f"localhost%3A{urlsplit(server.url).port}%2Fcallback" in url
        assert browse(url) == 200
        shown, talk = command.communicate(timeout=PATIENCE_S)

    assert command.returncode == 0, talk
    connection = json.loads(shown)["connection"]
    assert (connection["provider"], connection["name"]) == ("acme", EMAIL)
    assert ask(home, "acme/m-1") == "Hello"
    assert vendor.chats[-1].startswith("Bearer access-")
    assert "access-" not in shown + talk
    audit = home.run("audit", "--json")
    assert {"oauth.start", "oauth.connect"} <= {
        entry["action"] for entry in json.loads(audit.stdout)["entries"]
    }


def test_without_a_running_gateway_the_command_itself_waits_for_the_browser(home: Installation) -> None:
    with begin(home, "acme-key", "--name", "mine") as command:
        assert command.stderr is not None
        assert browse(address_in(iter(command.stderr))) == 200
        _, talk = command.communicate(timeout=PATIENCE_S)

    assert command.returncode == 0, talk
    assert "acme-key/mine is signed in" in talk
    assert "acme-key" in home.run("providers", "list").stdout


def test_a_browser_elsewhere_ends_at_an_address_that_is_pasted(home: Installation) -> None:
    with begin(home, "acme", "--no-browser", ACME_OAUTH_CLIENT_ID=CLIENT_ID) as command:
        assert command.stderr is not None
        back = way_back(address_in(iter(command.stderr)))
        _, talk = command.communicate(f"{back}\n", timeout=PATIENCE_S)

    assert command.returncode == 0, talk
    assert f"acme/{EMAIL} is signed in" in talk


def test_a_code_is_typed_at_the_vendor(home: Installation, vendor: OAuthVendor) -> None:
    vendor.interval_s = 1
    vendor.polls = ["authorization_pending"]

    shown = home.run("providers", "login", "acme", "--device", ACME_OAUTH_CLIENT_ID=CLIENT_ID)

    assert shown.returncode == 0, shown.stderr
    assert "ABCD-EFGH" in shown.stderr
    assert f"acme/{EMAIL} is signed in" in shown.stderr


def test_where_there_is_only_a_code_to_type_nobody_has_to_say_so(
    home: Installation, vendor: OAuthVendor
) -> None:
    vendor.polls = ["403"]

    shown = home.run("providers", "login", "acme-code")

    assert shown.returncode == ExitCode.UPSTREAM
    assert "AB-12" in shown.stderr
    assert "not signed in at Acme Code: access_denied" in shown.stderr


def test_the_secret_of_ones_own_app_comes_from_a_variable(home: Installation, vendor: OAuthVendor) -> None:
    vendor.secret, vendor.interval_s = CLIENT_SECRET, 1
    app = ("--client-id", CLIENT_ID, "--client-secret-env", "OUR_SECRET")

    shown = home.run("providers", "login", "acme-cloud", "--device", *app, OUR_SECRET=CLIENT_SECRET)

    assert shown.returncode == 0, shown.stderr
    assert CLIENT_SECRET not in shown.stdout + shown.stderr


@pytest.mark.parametrize(
    ("words", "code", "complaint"),
    [
        (("acme",), ExitCode.REFUSED, "ACME_OAUTH_CLIENT_ID"),
        (("claude",), ExitCode.REFUSED, "anthropic"),
        (("groq",), ExitCode.REFUSED, "omniroute providers add groq"),
        (("vertex",), ExitCode.USAGE, "--set project="),
        (("acme-key", "--device"), ExitCode.REFUSED, "no device flow"),
        (("nobody",), ExitCode.NOT_FOUND, "nobody"),
        (("acme", "--client-secret-env", "X"), ExitCode.USAGE, "--client-id"),
        (("acme", "--device", "--no-browser"), ExitCode.USAGE, "--no-browser"),
    ],
)
def test_what_cannot_be_is_refused_with_what_to_do(
    home: Installation, words: tuple[str, ...], code: ExitCode, complaint: str
) -> None:
    shown = home.run("providers", "login", *words)

    assert shown.returncode == code
    assert complaint in shown.stderr
