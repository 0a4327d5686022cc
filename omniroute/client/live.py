"""The live state of the gateway as it changes."""

from collections.abc import Iterator

import msgspec

from omniroute.api.live import LiveStats
from omniroute.client.http import Client
from omniroute.errors import ProtocolError
from omniroute.formats.sse import FrameReader


def live_stats(client: Client) -> Iterator[LiveStats]:
    """Each newest state, about once a second, until the gateway or `Client.close` ends the stream.

    Of several states that arrived together only the newest is given. Raises as `Client` does.
    """
    reader = FrameReader()
    for chunk in client.stream("/api/live"):
        states = [frame.data for frame in reader.feed(chunk) if frame.event == "stats"]
        if states:
            try:
                stats = msgspec.json.decode(states[-1], type=LiveStats)
            except msgspec.DecodeError as error:
                raise ProtocolError(
                    f"the live state is not understood ({error}); is the gateway another version?"
                ) from None
            yield stats
