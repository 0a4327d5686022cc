"""The live state over a real connection."""

import msgspec
import pytest

from omniroute.client.http import Client
from omniroute.client.live import live_stats
from omniroute.errors import ProtocolError
from tests.live_gateway import TOKEN, LiveGateway
from tests.tui.samples import BUSY, EMPTY


def test_every_state_arrives_whole(gateway: LiveGateway) -> None:
    states = live_stats(Client(gateway.url, TOKEN))

    for stats in (EMPTY, BUSY, EMPTY):
        gateway.tell(stats)
        assert next(states) == stats


def test_of_states_that_arrive_together_only_the_newest_is_given(gateway: LiveGateway) -> None:
    states = live_stats(Client(gateway.url, TOKEN))

    gateway.say(
        b"".join(b"event: stats\ndata: " + msgspec.json.encode(stats) + b"\n\n" for stats in (BUSY, EMPTY))
    )

    assert next(states) == EMPTY


def test_comments_and_other_events_are_passed_over(gateway: LiveGateway) -> None:
    states = live_stats(Client(gateway.url, TOKEN))

    gateway.say(b": keep-alive\n\nevent: other\ndata: {}\n\n")
    gateway.tell(EMPTY)

    assert next(states) == EMPTY


def test_a_state_that_cannot_be_read_says_what_may_be_wrong(gateway: LiveGateway) -> None:
    gateway.say(b'event: stats\ndata: {"at": 1}\n\n')

    with pytest.raises(ProtocolError, match="is the gateway another version"):
        next(live_stats(Client(gateway.url, TOKEN)))
