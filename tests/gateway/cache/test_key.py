"""Equal keys mean equal answers."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniroute.gateway.cache.key import Keys, keys_of
from omniroute.gateway.cache.rules import Asked
from omniroute.gateway.call import CHAT, MESSAGES
from tests.gateway.cache.asked import asked, body_of, key, snapshot


def keys(request: Asked) -> Keys:
    found = keys_of(request)
    assert found is not None
    return found


def exact(request: Asked) -> str:
    return keys(request).exact


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text('aé"0', max_size=3) | st.floats(allow_nan=False),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "type"]), inner, max_size=3)
    ),
    max_leaves=6,
)
MEMBERS = st.dictionaries(
    st.sampled_from(
        ["messages", "system", "tools", "max_tokens", "response_format", "top_p", "seed", "input", "contents",
         "tool_choice", "stop", "x_vendor"]
    ),
    JSON,
    max_size=4,
)  # fmt: skip
UNIMPORTANT = st.dictionaries(
    st.sampled_from(["stream", "stream_options", "user", "metadata", "service_tier"]), JSON, max_size=3
)


@given(MEMBERS, MEMBERS)
def test_requests_share_a_key_only_when_they_say_the_same(one: dict[str, Any], other: dict[str, Any]) -> None:
    bodies = [{"model": "m", "temperature": 0} | members for members in (one, other)]
    same = json.dumps(bodies[0], sort_keys=True) == json.dumps(bodies[1], sort_keys=True)

    assert (exact(asked(bodies[0])) == exact(asked(bodies[1]))) == same


@given(MEMBERS, UNIMPORTANT, st.randoms())
def test_what_changes_no_answer_changes_no_key(
    members: dict[str, Any], more: dict[str, Any], chance: Any
) -> None:
    body = list((members | more).items())
    chance.shuffle(body)

    spaced = json.dumps(dict(body), indent=2).encode()
    assert exact(asked(spaced)) == exact(asked({"model": "m"} | members))


@given(st.sampled_from(["a", "b", None]), st.sampled_from(["a", "b", None]))
def test_two_tenants_share_a_key_only_where_the_user_says_so(one: str | None, other: str | None) -> None:
    for scope in ("key", "global"):
        seen = snapshot(scope=scope, same_words=True, semantic="shadow")
        found = [keys(asked(api_key=key(name) if name else None, seen=seen)) for name in (one, other)]
        shares = scope == "global" or one == other
        assert (found[0].exact == found[1].exact) == shares
        assert (found[0].words == found[1].words) == shares
        assert (found[0].scope == found[1].scope) == (one == other)  # likeness never crosses tenants


@pytest.mark.parametrize(
    "other",
    [
        asked(operation=MESSAGES),
        asked(to="other/m"),
        asked(to="up/n"),
        asked(seen=snapshot("Be brief.")),
        asked(headers={"anthropic-beta": "context-1m"}),
    ],
)
def test_what_else_decides_an_answer_is_in_the_key(other: Asked) -> None:
    assert exact(other) != exact(asked(operation=CHAT))


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
        {"type": "image", "source": {"type": "url", "url": "http://example.com/a.png"}},
        {"type": "input_image", "image_url": "https://example.com/a.png"},
        {"fileData": {"fileUri": "gs://bucket/a"}},
        {"type": "input_file", "file_id": "file-1"},
    ],
)
def test_media_that_lie_elsewhere_have_no_key(part: dict[str, Any]) -> None:
    assert keys_of(asked(body_of(messages=[{"role": "user", "content": [part]}]))) is None


def test_media_in_the_request_are_part_of_its_key() -> None:
    def with_image(data: str) -> Asked:
        part = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}
        return asked(body_of(messages=[{"role": "user", "content": [part]}]))

    assert exact(with_image("AAAA")) != exact(with_image("BBBB"))


@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"m","temperature":0,"temperature":1}',
        b'{"model":"m","messages":[{"role":"user","content":"a","content":"b"}]}',
    ],
)
def test_a_member_that_stands_twice_has_no_key(body: bytes) -> None:
    assert keys_of(asked(body)) is None


def test_texts_are_never_taken_for_the_keys_of_other_tiers() -> None:
    seen = snapshot(same_words=True)
    found = keys(asked(seen=seen))

    assert found.words not in (None, found.exact)
    assert keys(asked(body_of("Please say hello"), seen=seen)).exact != found.exact


def test_other_words_for_the_same_share_the_second_key_and_nothing_else_does() -> None:
    seen = snapshot(same_words=True)
    first = keys(asked(body_of("How do I sort a list in Python?"), seen=seen))
    same = keys(asked(body_of("In Python, how do I sort a list?"), seen=seen))
    longer = keys(asked(body_of("How do I sort a list in Python?", max_tokens=5), seen=seen))

    assert first.words == same.words
    assert first.exact != same.exact
    assert first.words != longer.words


@pytest.mark.parametrize(
    "body",
    [
        body_of(tools=[{"type": "function", "function": {"name": "f"}}]),
        body_of(messages=[{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"},
                          {"role": "user", "content": "c"}]),
    ],
)  # fmt: skip
def test_likeness_is_only_for_single_questions_without_tools(body: dict[str, Any]) -> None:
    assert keys(asked(body, seen=snapshot(semantic="shadow"))).scope is None


def test_the_scope_of_likeness_holds_the_system_text_but_not_the_question() -> None:
    seen = snapshot(semantic="shadow")

    def scope(system: str, question: str) -> str | None:
        turns = [{"role": "system", "content": system}, {"role": "user", "content": question}]
        return keys(asked(body_of(messages=turns), seen=seen)).scope

    assert scope("a", "x") == scope("a", "y") != scope("b", "x")
