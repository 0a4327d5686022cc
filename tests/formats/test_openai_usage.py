"""Usage of the OpenAI family in buckets that do not overlap."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniroute.conversation.usage import UNKNOWN, Usage
from omniroute.formats.openai_usage import decode_usage


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"prompt_tokens": 10, "completion_tokens": 4}, Usage(input=10, output=4)),
        (
            {  # OpenAI: parts stand inside the totals
                "prompt_tokens": 100,
                "completion_tokens": 50,
                "total_tokens": 150,
                "prompt_tokens_details": {"cached_tokens": 64, "audio_tokens": 0},
                "completion_tokens_details": {"reasoning_tokens": 20},
            },
            Usage(input=36, cache_read=64, output=30, reasoning=20),
        ),
        (
            {  # DeepSeek
                "prompt_tokens": 100,
                "completion_tokens": 5,
                "prompt_cache_hit_tokens": 60,
                "prompt_cache_miss_tokens": 40,
            },
            Usage(input=40, cache_read=60, output=5),
        ),
        (  # Moonshot
            {"prompt_tokens": 100, "completion_tokens": 5, "cached_tokens": 90},
            Usage(input=10, cache_read=90, output=5),
        ),
        (
            {  # xAI: reasoning stands beside the completion, and only the total shows it
                "prompt_tokens": 30,
                "completion_tokens": 10,
                "total_tokens": 240,
                "completion_tokens_details": {"reasoning_tokens": 200},
            },
            Usage(input=30, output=10, reasoning=200),
        ),
        (
            {"prompt_tokens": 50, "prompt_tokens_details": {"cached_tokens": 20, "cache_write_tokens": 10}},
            Usage(input=20, cache_read=20, cache_write=10),
        ),
        (  # parts larger than the whole are met in the wild
            {"prompt_tokens": 5, "completion_tokens": 1, "cached_tokens": 9},
            Usage(input=0, cache_read=9, output=1),
        ),
        ({"prompt_tokens": 5, "prompt_tokens_details": None}, Usage(input=5)),
        ({"prompt_tokens": "12", "completion_tokens": 3.0}, Usage(input=12, output=3)),
        ({}, UNKNOWN),
        ([], UNKNOWN),
        (None, UNKNOWN),
        ({"prompt_tokens": {"all": 3}}, UNKNOWN),
    ],
)
def test_each_vendors_spelling_is_taken_apart(told: object, expected: Usage) -> None:
    assert decode_usage(json.dumps(told).encode()) == expected


@given(
    prompt=st.integers(0, 10**6),
    completion=st.integers(0, 10**6),
    shares=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    name=st.sampled_from(["cached_tokens", "prompt_cache_hit_tokens"]),
)
def test_buckets_add_up_to_the_totals(
    prompt: int, completion: int, shares: tuple[float, float], name: str
) -> None:
    told = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        name: int(prompt * shares[0]),
        "completion_tokens_details": {"reasoning_tokens": int(completion * shares[1])},
    }
    usage = decode_usage(json.dumps(told).encode())
    assert (usage.prompt, usage.completion) == (prompt, completion)
