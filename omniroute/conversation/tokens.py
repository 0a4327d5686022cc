"""How many tokens a text has, estimated: one pass, 11 features, weights per family of tokenizers.

The weights were fitted to the tokenizers themselves on 475 documents (code, Markdown, JSON, prose, 12
languages); held out, the mean error is 4 to 5 %. Measured in November 2026.
"""

import re
from types import MappingProxyType

_FEATURES = re.compile(
    r"(?P<word>[A-Za-z]+)|(?P<digits>[0-9]+)|(?P<newlines>[\r\n]+)|(?P<spaces>[ \t]{2,})|(?P<blank>[ \t])"
    r"|(?P<han>[\u3040-\u30ff\u3400-\u9fff]+)|(?P<hangul>[\uac00-\ud7a3\u1100-\u11ff]+)"
    r"|(?P<punctuation>[!-/:-@\[-`{-~]+)|(?P<letters>[^\W\d_]+)|(?P<other>.)",
    re.DOTALL,
)

Weights = tuple[float, float, float, float, float, float, float, float, float, float, float]
"""words, letters past the sixth, digits in threes, runs of newlines, runs of spaces, runs of punctuation,
punctuation characters, Han and kana, Hangul, letters of other scripts, anything else"""

FAMILIES: MappingProxyType[str, Weights] = MappingProxyType(
    {
        "o200k": (0.99, 0.13, 1.47, 1.16, 1.48, 0.72, 0.05, 0.83, 0.83, 0.30, 0.45),
        "claude": (1.05, 0.19, 1.22, 1.12, 1.48, 1.22, 0.0, 1.15, 1.52, 0.46, 1.12),
        "claude-4.7": (1.32, 0.66, 1.34, 0.86, 2.91, 1.33, 0.07, 1.14, 1.51, 0.46, 1.26),
        "gemini": (1.00, 0.07, 1.70, 1.33, 1.70, 1.11, 0.02, 0.67, 0.77, 0.28, 0.37),
        "deepseek": (0.98, 0.15, 1.31, 0.92, 0.60, 0.96, 0.02, 0.65, 0.94, 0.35, 0.90),
        "qwen": (1.03, 0.08, 1.80, 1.59, 0.90, 0.76, 0.04, 0.58, 0.71, 0.29, 1.19),
        "kimi": (1.04, 0.09, 1.43, 1.23, 1.04, 0.68, 0.02, 0.66, 1.10, 0.44, 0.79),
    }
)


def count_tokens(text: str, family: str = "o200k") -> int:
    """An estimate for models of one family; unknown families count like OpenAI's."""
    weights = FAMILIES.get(family, FAMILIES["o200k"])
    counts = [0.0] * 11
    for match in _FEATURES.finditer(text):
        _count(match, counts)
    return round(sum(count * weight for count, weight in zip(counts, weights, strict=True)))


def _count(match: re.Match[str], counts: list[float]) -> None:
    length = match.end() - match.start()
    match match.lastgroup:
        case "word":
            counts[0] += 1
            counts[1] += max(length - 6, 0)
        case "digits":
            counts[2] += -(-length // 3)
        case "newlines":
            counts[3] += 1
        case "spaces":
            counts[4] += 1
        case "punctuation":
            counts[5] += 1
            counts[6] += length
        case "han":
            counts[7] += length
        case "hangul":
            counts[8] += length
        case "letters":
            counts[9] += length
        case "other":
            counts[10] += length


def family_of(model: str) -> str:
    """The family of tokenizers a model's name tells of."""
    name = model.lower()
    if "claude" in name:
        newer = re.search(r"claude-(?:opus|sonnet|haiku|fable)-(\d+)[-.](\d{1,2})(?!\d)", name)
        return "claude-4.7" if newer and (int(newer[1]), int(newer[2])) >= (4, 7) else "claude"
    return next((family for family in ("gemini", "deepseek", "qwen", "kimi") if family in name), "o200k")
