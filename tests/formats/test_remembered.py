"""What is remembered of requests changes nothing but the time they take."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniroute.conversation.abilities import Abilities
from omniroute.conversation.request import Message, Request
from omniroute.formats import FORMATS
from omniroute.formats.remembered import LEAST_BYTES, MESSAGES, TOOLS, Fragment, Remembered
from omniroute.formats.tool_bridge import bridge
from omniroute.records import FormatName

_ANTHROPIC, _CHAT = FORMATS[FormatName.ANTHROPIC], FORMATS[FormatName.OPENAI_CHAT]
_LONG = "many words " * 40
_IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "QUJD"}}


def _texts() -> st.SearchStrategy[str]:
    return st.text(st.characters(codec="utf-8"), max_size=8).map(lambda text: text + _LONG)


def _blocks() -> st.SearchStrategy[dict[str, object]]:
    mark = st.sampled_from([{}, {"cache_control": {"type": "ephemeral"}}])
    ids = st.sampled_from(["", "toolu_1", "toolu_2"])
    text = st.builds(lambda words, more: {"type": "text", "text": words, **more}, _texts(), mark)
    use = st.builds(
        lambda id, words: {"type": "tool_use", "id": id, "name": "read", "input": {"path": words}},
        ids,
        _texts(),
    )
    shown = st.lists(st.one_of(text, st.just(_IMAGE)), max_size=2)
    result = st.builds(
        lambda id, parts: {"type": "tool_result", "tool_use_id": id, "content": parts}, ids, shown
    )
    thought = st.builds(lambda words: {"type": "thinking", "thinking": words, "signature": "s"}, _texts())
    return st.one_of(text, use, result, thought)


def _said_by(block: dict[str, object]) -> str:
    return "assistant" if block["type"] in ("tool_use", "thinking") else "user"


@st.composite
def _bodies(draw: st.DrawFn) -> bytes:
    blocks = draw(st.lists(_blocks(), min_size=1, max_size=6))
    messages = [{"role": _said_by(block), "content": [block]} for block in blocks]
    tool = {"name": "read", "description": draw(_texts()), "input_schema": {"type": "object"}}
    body = {"model": "m", "max_tokens": 9, "messages": messages, "tools": [tool]}
    return msgspec.json.encode(body)


def _unknown(request: Request) -> Request:
    """An equal request of which nothing is remembered."""
    copies = tuple(msgspec.structs.replace(message) for message in request.messages)
    tools = tuple(list(request.tools))
    assert not any(MESSAGES.entry(copy) for copy in copies)
    assert TOOLS.entry(tools) is None
    return msgspec.structs.replace(request, messages=copies, tools=tools)


@given(body=_bodies(), marks=st.booleans(), pattern=st.sampled_from([None, "[a-zA-Z0-9]{9}"]))
def test_a_request_is_written_the_same_whether_or_not_it_was_written_before(
    body: bytes, marks: bool, pattern: str | None
) -> None:
    abilities = Abilities(model="m", cache_marks=marks, tool_id_pattern=pattern)
    request = _ANTHROPIC.decode_request(body)
    again = _ANTHROPIC.decode_request(body)
    assert again == request
    unknown = _CHAT.encode_request(_unknown(request), abilities)
    for known in (request, again, request):
        assert _CHAT.encode_request(known, abilities) == unknown


def test_a_long_message_that_comes_again_is_the_same_value_and_a_short_one_is_read_anew() -> None:
    def decoded(text: str) -> Message:
        body = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": text}]}
        return _ANTHROPIC.decode_request(msgspec.json.encode(body)).messages[0]

    assert decoded(_LONG) is decoded(_LONG)
    assert decoded("short") is not decoded("short")


def test_what_is_remembered_does_not_hold_the_body_it_was_cut_from() -> None:
    image = {"type": "new_block", "words": _LONG + "here"}
    body = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": [image]}]}
    first = msgspec.json.encode(body | {"metadata": {"user_id": "x" * 100_000}})
    before = _ANTHROPIC.decode_request(first).messages[0]
    assert _ANTHROPIC.decode_request(msgspec.json.encode(body)).messages[0] is before
    entry = MESSAGES.entry(before)
    assert entry is not None
    assert entry.size < 10_000


def test_the_same_text_in_another_dialect_is_read_by_that_dialect() -> None:
    remembered: Remembered[str] = Remembered(1 << 20)
    text = msgspec.Raw(b'"' + b"x" * LEAST_BYTES + b'"')
    assert remembered.read("one", text, lambda *_: "first") == "first"
    assert remembered.read("other", text, lambda *_: "second") == "second"
    assert remembered.read("one", text, lambda *_: "third") == "first"


def test_memory_stays_within_its_bound_and_keeps_what_is_asked_for() -> None:
    remembered: Remembered[list[int]] = Remembered(100_000)
    reads: list[int] = []

    def read(number: int) -> list[int]:
        def note(*_: object) -> list[int]:
            reads.append(number)
            return [number]

        return remembered.read("d", msgspec.Raw(b"%d" % number + b" " * 1000), note)

    kept = [read(number) for number in range(400) for number in (0, number + 1)]
    assert reads.count(0) == 1
    assert len(reads) == 401
    alive = [entry for value in kept if (entry := remembered.entry(value)) is not None]
    assert 0 < sum({id(entry): entry.size for entry in alive}.values()) <= 100_000


def test_a_text_too_long_to_be_kept_is_read_each_time() -> None:
    remembered: Remembered[list[int]] = Remembered(10_000)
    raw = msgspec.Raw(b" " * 9_000)
    first = remembered.read("d", raw, lambda *_: [1])
    assert remembered.read("d", raw, lambda *_: [1]) is not first
    assert remembered.entry(first) is None


def test_what_was_written_counts_against_the_bound() -> None:
    remembered: Remembered[list[int]] = Remembered(20_000)
    value = remembered.read("d", msgspec.Raw(b" " * 300), lambda *_: [1])
    entry = remembered.entry(value)
    assert entry is not None
    for number in range(4):
        remembered.keep_written(entry, number, Fragment((msgspec.Raw(b" " * 9_000),)))
    assert remembered.entry(value) is None


def test_tools_are_remembered_as_a_whole() -> None:
    tool = {"name": "read", "description": _LONG, "input_schema": {"type": "object"}}
    ask = [{"role": "user", "content": "hi"}]
    body = msgspec.json.encode({"model": "m", "max_tokens": 9, "messages": ask, "tools": [tool]})
    tools = _ANTHROPIC.decode_request(body).tools
    assert _ANTHROPIC.decode_request(body).tools is tools
    assert TOOLS.entry(tools) is not None


@pytest.mark.parametrize("role", ["user", "assistant"])
def test_an_error_names_the_place_where_it_stands_now(role: str) -> None:
    good = {"role": role, "content": _LONG}
    bad = {"role": "nobody", "content": _LONG}
    for place in (1, 2):
        body = {"model": "m", "max_tokens": 9, "messages": [good] * place + [bad]}
        with pytest.raises(Exception, match=rf"messages\[{place}\]"):
            _ANTHROPIC.decode_request(msgspec.json.encode(body))


@given(
    names=st.lists(st.sampled_from(["read", "re ad", "x" * 70]), min_size=1, max_size=2, unique=True),
    called=st.sampled_from(["read", "gone", "go ne"]),
    choice=st.sampled_from([None, "read", "re ad"]),
    dialect=st.sampled_from(list(FormatName)),
)
def test_tools_reach_a_dialect_the_same_whether_or_not_they_are_remembered(
    names: list[str], called: str, choice: str | None, dialect: FormatName
) -> None:
    tools = [{"name": name, "description": _LONG, "input_schema": {"type": "object"}} for name in names]
    use = {"type": "tool_use", "id": "toolu_1", "name": called, "input": {}}
    body = {
        "model": "m",
        "max_tokens": 9,
        "messages": [{"role": "assistant", "content": [use]}],
        "tools": tools,
    }
    if choice is not None:
        body["tool_choice"] = {"type": "tool", "name": choice}
    request = _ANTHROPIC.decode_request(msgspec.json.encode(body))
    wanted, restoring = bridge(_unknown(request), dialect)
    for _ in range(2):
        bridged, found = bridge(request, dialect)
        assert bridged == wanted
        assert found.is_plain == restoring.is_plain
