"""Near questions, and what keeps nearness from answering wrongly."""

import pytest

from omniroute.gateway.cache.semantic import Known, Vectors
from omniroute.gateway.cache.slots import slots

DIFFERENT = [
    ("Sort 5 numbers", "Sort 6 numbers"),
    ("Sort five numbers", "Sort six numbers"),
    ("Read a file in Python", "Read a file in Rust"),
    ("Delete the users table", "Delete the orders_table"),
    ("Why is it slow", "Why is it not slow"),
    ("It works", "It doesn't work"),
    ("Find the max value", "Find the min value"),
    ("Fly from Paris to Rome", "Fly from Paris to Oslo"),
    ("What does `a` do", "What does `b` do"),
    ('Say "yes"', 'Say "well"'),
    ("Encode this", "Decode this"),
    ("Open src/a.py", "Open src/b.py"),
    ("Sort ascending", "Sort descending"),
    ("the first row", "the last row"),
    ("Call getUser here", "Call setUser here"),
]


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_texts_that_differ_in_what_can_be_checked_are_never_the_same(one: str, other: str) -> None:
    assert slots(one) != slots(other)


def test_plain_words_leave_the_decision_to_the_vectors() -> None:
    assert slots("Explain recursion please") == slots("Please explain what recursion means")


async def test_the_nearest_of_the_scope_is_found_when_it_is_near_enough() -> None:
    vectors = Vectors()
    near, far, foreign = Known("s", "near it is", "1"), Known("s", "far it is", "2"), Known("t", "it is", "3")
    vectors.add(near, [1.0, 0.1])
    vectors.add(far, [0.0, 1.0])
    vectors.add(foreign, [1.0, 0.0])

    found = await vectors.nearest("s", "how it is", [2.0, 0.0], threshold=0.92)

    assert found is not None
    assert found.known is near
    assert 0.99 < found.score < 1
    assert await vectors.nearest("s", "how it is", [1.0, -1.0], threshold=0.92) is None
    assert await vectors.nearest("u", "how it is", [1.0, 0.0], threshold=0.92) is None


async def test_a_nearer_question_with_another_number_gives_way() -> None:
    vectors = Vectors()
    vectors.add(Known("s", "what is 5 times", "1"), [1.0, 0.0])
    vectors.add(Known("s", "what were 6 times", "2"), [1.0, 0.1])

    found = await vectors.nearest("s", "what was 6 times", [1.0, 0.0], threshold=0.92)

    assert found is not None
    assert found.known.signature == "2"


async def test_the_oldest_make_room() -> None:
    vectors = Vectors(capacity=3)
    for place in range(5):
        vectors.add(Known(f"s{place}", "x", str(place)), [1.0, 0.0])

    assert len(vectors) == 3
    found = [await vectors.nearest(f"s{place}", "x", [1.0, 0.0], threshold=0.92) for place in range(5)]
    assert [one is not None for one in found] == [False, False, True, True, True]


async def test_a_model_with_other_vectors_starts_anew_and_nonsense_is_left_out() -> None:
    vectors = Vectors()
    vectors.add(Known("s", "x", "1"), [1.0, 0.0])
    vectors.add(Known("s", "x", "2"), [0.0, 0.0])
    assert len(vectors) == 1
    vectors.add(Known("s", "x", "3"), [1.0, 0.0, 0.0])

    assert len(vectors) == 1
    assert await vectors.nearest("s", "x", [1.0, 0.0], threshold=0.92) is None
