"""The answers used last."""

from collections import OrderedDict
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from omniroute.gateway.cache.memory import Kept, Memory


def kept(size: int = 0, *, until_ms: int = 1000, requested: str = "m") -> Kept:
    return Kept(
        status=200,
        headers={},
        body=b"x" * size,
        tenant="local",
        requested=requested,
        provider="up",
        model="m",
        tokens=1,
        cost_nano_usd=1,
        created_at_ms=0,
        expires_at_ms=until_ms,
    )


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.sampled_from("abcdef"), st.integers(0, 900), st.integers(1, 9)),
        st.tuples(st.just("get"), st.sampled_from("abcdef"), st.just(0), st.just(0)),
        st.tuples(st.just("wait"), st.just(""), st.integers(1, 3), st.just(0)),
    ),
    max_size=60,
)


@given(STEPS, st.integers(1, 4))
def test_memory_does_what_a_plain_list_of_the_last_used_would(steps: list[Any], most: int) -> None:
    max_bytes = 3000
    memory, model, now_ms = Memory(max_bytes), OrderedDict[str, Kept](), 0
    for what, name, number, life in steps:
        if what == "wait":
            now_ms += number
        elif what == "put":
            answer = kept(number, until_ms=now_ms + life)
            memory.put(name, answer, most=most)
            model.pop(name, None)
            model[name] = answer
            while len(model) > most or sum(one.size_bytes for one in model.values()) > max_bytes:
                model.popitem(last=False)
        else:
            found = model.get(name)
            if found is not None and found.expires_at_ms <= now_ms:
                del model[name]
                found = None
            if found is not None:
                model.move_to_end(name)
            assert memory.get(name, now_ms=now_ms) is found
        assert len(memory) == len(model)
        assert memory.size_bytes == sum(one.size_bytes for one in model.values())


def test_an_answer_larger_than_all_of_memory_pushes_nothing_out() -> None:
    memory = Memory(2000)
    memory.put("small", kept(10), most=5)
    memory.put("huge", kept(5000), most=5)

    assert memory.get("huge", now_ms=0) is None
    assert memory.get("small", now_ms=0) is not None


def test_only_what_is_unwanted_is_forgotten() -> None:
    memory = Memory()
    memory.put("a", kept(requested="one"), most=5)
    memory.put("b", kept(requested="two"), most=5)

    assert memory.forget(lambda one: one.requested == "one") == 1
    assert memory.get("a", now_ms=0) is None
    assert memory.get("b", now_ms=0) is not None
