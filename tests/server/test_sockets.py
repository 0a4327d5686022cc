"""Listening sockets."""

import os
import socket

import pytest

from omniroute.errors import ConfigError
from omniroute.server.sockets import (
    LISTEN_FD,
    bind,
    check_exposure,
    listening_sockets,
    url_of,
)
from omniroute.server.start_errors import BindRefused, PortTaken


def test_a_free_port_is_found_and_named() -> None:
    (bound,) = bind("127.0.0.1", 0)
    with bound:
        assert url_of([bound]) == f"http://127.0.0.1:{bound.getsockname()[1]}"


def test_a_name_with_two_addresses_has_one_port() -> None:
    sockets = bind("localhost", 0)
    assert len({bound.getsockname()[1] for bound in sockets}) == 1
    for bound in sockets:
        bound.close()


def test_a_taken_port_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(PortTaken):
        bind("127.0.0.1", taken.getsockname()[1])


@pytest.mark.parametrize("host", ["no.such.host.invalid", "203.0.113.7", "x" * 300])
def test_an_address_of_another_machine_is_refused(host: str) -> None:
    with pytest.raises(ConfigError):
        bind(host, 0)


@pytest.mark.parametrize(("host", "has_key", "refused"), [("0.0.0.0", False, True), ("0.0.0.0", True, False)])  # noqa: S104  # not listening
def test_other_machines_need_a_key(host: str, has_key: bool, refused: bool) -> None:
    (bound,) = bind(host, 0)
    with bound:
        if refused:
            with pytest.raises(BindRefused, match="keys create"):
                check_exposure([bound], has_manage_key=has_key)
        else:
            check_exposure([bound], has_manage_key=has_key)


def test_loopback_needs_no_key() -> None:
    (bound,) = bind("127.0.0.2", 0)
    with bound:
        check_exposure([bound], has_manage_key=False)


def test_a_predecessors_socket_is_taken_over() -> None:
    with socket.create_server(("127.0.0.1", 0)) as given:
        port = given.getsockname()[1]
        (taken,) = listening_sockets({LISTEN_FD: str(os.dup(given.fileno()))}, "127.0.0.1", port)
        with taken:
            assert taken.getsockname() == given.getsockname()
            assert not taken.get_inheritable()


def test_a_predecessors_socket_is_left_when_the_settings_name_another_address() -> None:
    with socket.create_server(("127.0.0.1", 0)) as given:
        fd = os.dup(given.fileno())
        (taken,) = listening_sockets({LISTEN_FD: str(fd)}, "127.0.0.2", 0)
        with taken:
            assert taken.getsockname()[0] == "127.0.0.2"


def test_a_variable_that_names_no_socket_is_refused() -> None:
    with pytest.raises(ConfigError, match=LISTEN_FD):
        listening_sockets({LISTEN_FD: "9999"}, "127.0.0.1", 0)


def test_variables_of_systemd_for_another_process_mean_nothing() -> None:
    variables = {"LISTEN_PID": str(os.getpid() + 1), "LISTEN_FDS": "1"}
    (bound,) = listening_sockets(variables, "127.0.0.1", 0)
    bound.close()
