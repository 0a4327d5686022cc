"""The feed over real connections."""

from collections.abc import Iterator
from pathlib import Path
from queue import Queue
from threading import Thread

import pytest
from textual.message import Message

from omniroute.client.connect import connect
from omniroute.client.http import Client
from omniroute.tui.feed import Feed, FeedLost, StatsReceived
from tests.live_gateway import LiveGateway, live_gateway, paths_in
from tests.tui.samples import BUSY, EMPTY


class Watched:
    """A feed in its thread, and what it posts."""

    def __init__(self, directory: Path) -> None:
        self.paths = paths_in(directory)
        self._posted: Queue[Message] = Queue()
        self._feed = Feed(self._connect, self._posted.put, backoff_s=(0.01,))
        self._thread = Thread(target=self._feed.run)
        self._thread.start()

    def next_stats(self) -> StatsReceived:
        """The next state, whatever was lost before it."""
        while not isinstance(message := self._posted.get(timeout=10), StatsReceived):
            assert isinstance(message, FeedLost)
        return message

    def next_loss(self) -> FeedLost:
        """The next loss."""
        message = self._posted.get(timeout=10)
        assert isinstance(message, FeedLost)
        return message

    def stop(self) -> bool:
        """Whether the thread ended."""
        self._feed.stop()
        self._thread.join(10)
        return not self._thread.is_alive()

    def _connect(self) -> Client:
        return connect(self.paths, timeout_s=60)


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    """A feed that looks for a gateway in an empty directory."""
    feed = Watched(tmp_path)
    yield feed
    assert feed.stop()


def start(gateway: LiveGateway, watched: Watched) -> None:
    """As `serve` does at its start."""
    gateway.write_files(watched.paths)


def test_without_a_gateway_it_says_how_to_start_one_and_goes_on_trying(watched: Watched) -> None:
    for _ in range(3):
        assert watched.next_loss().reason == "no gateway is running; start one with: omniroute serve"


def test_a_gateway_started_later_is_found(watched: Watched) -> None:
    with live_gateway() as gateway:
        gateway.tell(BUSY)
        start(gateway, watched)

        received = watched.next_stats()

        assert received.stats == BUSY
        assert received.url == gateway.url


def test_a_cut_connection_is_told_and_made_again(watched: Watched) -> None:
    with live_gateway() as gateway:
        gateway.tell(EMPTY)
        start(gateway, watched)
        watched.next_stats()

        gateway.cut()
        assert watched.next_loss().reason == "connection cut"

        gateway.tell(BUSY)
        assert watched.next_stats().stats == BUSY


def test_a_gateway_that_comes_back_on_another_port_is_found_there(watched: Watched) -> None:
    with live_gateway() as first:
        first.tell(EMPTY)
        start(first, watched)
        assert watched.next_stats().url == first.url
    watched.next_loss()

    with live_gateway() as second:
        second.tell(BUSY)
        start(second, watched)
        received = watched.next_stats()

        assert (received.url, received.stats) == (second.url, BUSY)
        assert second.url != first.url


def test_it_stops_at_once_while_the_gateway_is_silent(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    with live_gateway() as gateway:
        gateway.tell(EMPTY)
        start(gateway, watched)
        watched.next_stats()

        assert watched.stop()


def test_a_newer_state_takes_the_place_of_a_waiting_one_but_not_of_a_loss() -> None:
    assert StatsReceived(EMPTY, "").can_replace(StatsReceived(BUSY, ""))
    assert not StatsReceived(EMPTY, "").can_replace(FeedLost("gone"))
    assert not FeedLost("gone").can_replace(StatsReceived(EMPTY, ""))
