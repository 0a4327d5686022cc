"""Which questions are taken for the same: too few is fine, one too many is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniroute.gateway.cache.same_words import same_words

SAME = [
    ("Explain the GIL", "Can you explain the GIL?"),
    ("Explain the GIL.", "Please explain the GIL, thanks!"),
    ("Explain the GIL", "Hi, could you please explain the GIL? Thank you"),
    ("How do I sort a list in Python?", "In Python, how can I sort a list?"),
    ("How do I sort a list in Python?", "Show me how to sort a list in Python"),
    ("What is a monad?", "what's a monad"),
    ("What is a monad?", "Tell me what is a monad"),
    ("Write a haiku about rain", "Create a haiku about rain."),
    ("Give me a list of primes", "List primes"),
    ("Who is Ada Lovelace?", "who's Ada Lovelace"),
    ("Write three poems about rain", "Write 3 poems about rain"),
]

OTHER = [
    ("What is the matter?", "What is matter?"),
    ("What is the time?", "What is time?"),
    ("Name the king of France", "Name a king of France"),
    ("How long are boiled eggs good?", "How long are boiling eggs good?"),
    ("List the retired employees", "List the retiring employees"),
    ("What is a house cat?", "What is a cat house?"),
    ("What is the capital of Turkey?", "What is the capital of turkey?"),
    ("How do I convert a list to a string?", "How do I convert a string to a list?"),
    ("Does a man bite a dog", "Does a dog bite a man"),
    ("How do you feel?", "How do I feel?"),
    ("What is a class?", "What are a class?"),
    ("What is love", "Why is love"),
    ("Explain gravity", "Describe gravity"),
    ("Sort the numbers", "Sort the number"),
    ("Is 5 greater than 3?", "Is 3 greater than 5?"),
    ("How many letters are in seven", "How many letters are in 7"),
    ("Spell twelve", "Spell 12"),
    ("You are sure?", "You are sure."),
    ("Can you swim?", "Swim!"),
    ("hello world", "world"),
    ("Let's eat, grandma", "Let's eat grandma"),
    ("Do not delete the file", "Do delete the file"),
    ("How do I enable it?", "How do I disable it?"),
    ("What is 1,000 in words", "What is 1.000 in words"),
    ("Add 5 to 3", "Add 3 to 5"),
    ("In Python, how do I go from bytes to str?", "In Python, how do I go from str to bytes?"),
    ("What is the first of May", "What is May of the first"),
    ("Who is the Who", "Who is the who"),
    ("Write a function in Go", "Write a function in go"),
    ("with salt, without sugar", "with sugar, without salt"),
    ("Translate: please", "Translate:"),
    ("What is C", "What is C++"),
    ("When is Easter", "Where is Easter"),
    ("Make one", "Write me"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_manners_and_ways_of_asking_make_no_difference(one: str, other: str) -> None:
    assert same_words(one) == same_words(other) is not None


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_what_might_mean_something_else_is_something_else(one: str, other: str) -> None:
    first, second = same_words(one), same_words(other)
    assert first is None or second is None or first != second


@pytest.mark.parametrize("text", ["", "   ", "run `ls`", 'say "a"', "a\nb", "x" * 1001, "if a = b", "<b>"])
def test_code_quotations_and_long_texts_only_equal_themselves(text: str) -> None:
    assert same_words(text) is None


@given(st.text(alphabet="abc .,?!ABCinhowdesplth'0123", max_size=60))
def test_any_text_is_read_and_every_word_that_is_not_manners_counts(text: str) -> None:
    found = same_words(f"{text} zebra quagga")
    assert found is not None
    assert found != same_words(f"{text} quagga zebra")
