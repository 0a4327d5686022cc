"""Errors in OpenAI's Responses dialect."""

import msgspec

from omniroute.errors import ErrorKind
from omniroute.formats import openai_responses
from tests.wire_samples import RESPONSES


def failed_id(event: bytes) -> str:
    name, _, data = event.partition(b"\ndata: ")
    assert name == b"event: response.failed"
    identifier: str = msgspec.json.decode(data)["response"]["id"]
    return identifier


def test_a_passing_stream_fails_as_the_response_that_it_began() -> None:
    assert RESPONSES.stream is not None
    watch = openai_responses.StreamWatch()
    watch.pass_on(b"".join(RESPONSES.stream(("Hel",), True).opening))
    assert failed_id(watch.fail(ErrorKind.BAD_GATEWAY, "cut off", request_id="7")) == "resp_1"


def test_a_stream_without_a_response_fails_under_the_requests_id() -> None:
    watch = openai_responses.StreamWatch()
    assert failed_id(watch.fail(ErrorKind.BAD_GATEWAY, "cut off", request_id="7")) == "resp_7"
