"""The local token of a running gateway, from its making to a new one."""

import pytest

from omniroute.exit_codes import ExitCode
from tests.server.installation import Installation


@pytest.mark.parametrize("content", ["", "x" * 43, "a\x00b"])
def test_a_token_that_is_damaged_is_told_of_and_renewed(installation: Installation, content: str) -> None:
    installation.serve()
    token = installation.paths.token
    token.write_text(content)

    failed = installation.run("keys", "list")
    assert failed.returncode != 0
    assert str(token) in failed.stderr
    assert "omniroute token rotate" in failed.stderr
    renewed = installation.run("token", "rotate")
    assert renewed.returncode == ExitCode.OK, renewed.stderr
    assert "omniroute stop, then omniroute serve" in renewed.stderr

    assert installation.run("stop").returncode == ExitCode.OK
    installation.serve()
    assert installation.run("keys", "list").returncode == ExitCode.OK
    assert "starts again" not in installation.run("token", "rotate").stderr
    assert installation.run("keys", "list").returncode == ExitCode.OK


def test_a_token_that_is_damaged_is_renewed_without_a_gateway_too(installation: Installation) -> None:
    assert installation.run("keys", "list").returncode == ExitCode.OK
    installation.paths.token.write_bytes(b"\xff\xfe")

    failed = installation.run("keys", "list")
    assert failed.returncode == ExitCode.SECRETS
    assert f"{installation.paths.token} cannot be read" in failed.stderr
    assert "omniroute token rotate" in failed.stderr

    assert installation.run("token", "rotate").returncode == ExitCode.OK
    assert installation.run("keys", "list").returncode == ExitCode.OK
