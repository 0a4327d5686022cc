"""Log probabilities of tokens, there and back."""

from collections.abc import Sequence
from typing import Any

import msgspec

from omniroute.conversation.request import TokenLogprob


class _Token(msgspec.Struct):
    token: str = ""
    logProbability: float = 0.0


class _Top(msgspec.Struct):
    candidates: list[_Token] | None = None


class _Result(msgspec.Struct):
    chosenCandidates: list[_Token] | None = None
    topCandidates: list[_Top] | None = None


_RESULT = msgspec.json.Decoder(_Result)


def decode_logprobs(raw: msgspec.Raw) -> tuple[TokenLogprob, ...]:
    """The tokens of `logprobsResult` in order; none for what cannot be read."""
    try:
        told = _RESULT.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ()
    tops = told.topCandidates or []
    return tuple(
        TokenLogprob(
            chosen.token,
            chosen.logProbability,
            top=_top(tops[place]) if place < len(tops) else (),
        )
        for place, chosen in enumerate(told.chosenCandidates or ())
    )


def _top(told: _Top) -> tuple[TokenLogprob, ...]:
    return tuple(TokenLogprob(each.token, each.logProbability) for each in told.candidates or ())


def logprobs_result(tokens: Sequence[TokenLogprob]) -> dict[str, Any]:
    """`logprobsResult` for a client."""
    result: dict[str, Any] = {"chosenCandidates": [_token(token) for token in tokens]}
    if any(token.top for token in tokens):
        result["topCandidates"] = [{"candidates": [_token(each) for each in token.top]} for token in tokens]
    return result


def _token(token: TokenLogprob) -> dict[str, Any]:
    return {"token": token.token, "logProbability": token.logprob}
