"""The injection guard: texts that try to take a model over, and personal data. Off unless it is asked for."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import msgspec

from omniroute.conversation.parts import Media, Opaque, Part, PlainText, Text, ToolResult
from omniroute.conversation.request import Message, Request, Role
from omniroute.gateway.linear_regex import LinearPattern, PatternRefused
from omniroute.gateway.personal_data import redact
from omniroute.records.preferences import InjectionGuard

HIGH, MEDIUM = "high", "medium"

_SPACE = r"\s{1,5}"


class _Rule(msgspec.Struct, frozen=True):
    name: str
    severity: str
    lead: re.Pattern[str]
    """How it begins: plain words, which are looked for much faster than the form is."""
    form: re.Pattern[str]


def _rule(name: str, severity: str, lead: str, *pieces: str) -> _Rule:
    """Any of these in lower case as whole words; a blank stands for some white space."""
    either = "|".join(piece.replace(" ", _SPACE) for piece in pieces)
    return _Rule(name, severity, re.compile(lead), re.compile(rf"(?:{either})(?:(?<!\w)|(?!\w))"))


_RULES = (
    _rule(
        "system_override",
        HIGH,
        "ignore|disregard|forget|override|bypass",
        r"(?:ignore|disregard|forget|override|bypass) "
        r"(?:all |any |everything )?(?:of )?(?:the |your |my )?"
        r"(?:previous|prior|above|earlier|preceding|system|original) "
        r"(?:instructions?|prompts?|rules|messages?|directions|guidelines|context)",
    ),
    _rule(
        "system_prompt_leak",
        HIGH,
        "reveal|show|print|repeat|output|leak|display|tell|what",
        r"(?:reveal|show|print|repeat|output|leak|display|tell) (?:me |us )?(?:all of )?(?:your|the) "
        r"(?:(?:full|entire|exact|hidden|secret|original|initial) ){0,2}"
        r"(?:system (?:prompt|message|instructions?)|(?:initial|hidden|secret) (?:prompt|instructions?))",
        r"what (?:is|are|was|were) your "
        r"(?:system|initial|hidden|secret) (?:prompt|message|instructions?)",
    ),
    _rule(
        "delimiter_injection",
        HIGH,
        r"<\||\[inst|\[/inst|<<sys|<</sys|##",
        r"<\|(?:im_start|im_end|system|endoftext|start_header_id|end_header_id|eot_id)\|>",
        r"\[/?inst\]",
        r"<</?sys>>",
        r"#{2,4}[ \t]{0,3}(?:system|instructions?)[ \t]{0,3}:",
    ),
    _rule(
        "role_hijack",
        MEDIUM,
        "you|from|act|pretend",
        r"you are (?:now|no longer) (?:a|an|the|in|bound)",
        r"from now on,? (?:you are|you will be|act as)",
        r"act as if you (?:are|were|had)",
        r"pretend (?:that )?(?:you are|to be)",
    ),
    _rule(
        "jailbreak_dan",
        MEDIUM,
        "do|dan|developer|jailbreak|god|without|free",
        r"do anything now",
        r"dan mode",
        r"(?:developer|jailbreak|god) mode (?:is )?(?:enabled|activated|on)",
        r"(?:without|free of) (?:any |all )?(?:restrictions|filters|(?:ethical|safety) guidelines)",
    ),
    _rule(
        "encoding_evasion",
        MEDIUM,
        "decode|decrypt|unscramble|base64|rot13|hex",
        r"(?:decode|decrypt|unscramble) (?:the following|this|that) (?:base64|rot13|hex|morse)",
        r"(?:base64|rot13|hex) (?:decode|encoded|string)? ?(?:and|then) (?:execute|follow|obey|run)",
    ),
)


class Detection(msgspec.Struct, frozen=True):
    """Something that was found. It never holds the text itself."""

    rule: str
    severity: str
    where: str
    """`messages[2]`: counted over all of them, from 0."""
    count: int = 1
    redacted: bool = False


@dataclass(frozen=True, slots=True)
class Screened:
    """A request after the guard."""

    request: Request
    """The very same unless personal data was taken out."""
    detections: tuple[Detection, ...] = ()
    blocked_by: str | None = None
    """The rule that forbids it; `None`: it may go on."""


def screen(request: Request, guard: InjectionGuard) -> Screened:
    """What the guard finds in a request, and the request that may go on.

    Rules look at what user and tools say; personal data is looked for in every text, system text too.
    Blocks that only one dialect knows are not read. A rule that cannot be read, or takes too long, finds
    nothing. Pure, up to 0.6 s for a million characters: large requests belong into a thread.
    """
    detections: list[Detection] = []
    if guard.mode != "off":
        detections.extend(_attacks(request, guard.rules))
    blocked_by = None
    if guard.mode == "block":
        blocked_by = next((found.rule for found in detections if found.severity == HIGH), None)
    if guard.pii != "off":
        request, found = _without_personal_data(request, keep=guard.pii == "warn")
        detections.extend(found)
    return Screened(request, tuple(detections), blocked_by)


def check_rules(rules: Sequence[str]) -> None:
    """Raise ValueError that names the rule which cannot be used, and why."""
    for at, pattern in enumerate(rules):
        try:
            LinearPattern(pattern)
        except PatternRefused as error:
            raise ValueError(f"rules[{at}] {error}") from None


def _attacks(request: Request, rules: Sequence[str]) -> Iterator[Detection]:
    own = [(f"rules[{at}]", pattern) for at, text in enumerate(rules) if (pattern := _compiled(text))]
    for at, message in enumerate(request.messages):
        texts = list(_said(message))
        lower = [text.lower() for text in texts]
        for rule in _RULES:
            count = sum(_count(rule, text) for text in lower)
            if count:
                yield Detection(rule.name, rule.severity, f"messages[{at}]", count)
        for name, pattern in own:
            count = sum(pattern.is_in(text) for text in texts)
            if count:
                yield Detection(name, HIGH, f"messages[{at}]", count)


def _count(rule: _Rule, text: str) -> int:
    starts = (found.start() for found in rule.lead.finditer(text))
    return sum(_is_at_a_words_start(text, at) and rule.form.match(text, at) is not None for at in starts)


def _is_at_a_words_start(text: str, at: int) -> bool:
    return at == 0 or not (text[at].isalnum() and text[at - 1].isalnum())


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> LinearPattern | None:
    try:
        return LinearPattern(pattern)
    except PatternRefused:
        return None  # stored by a version that knew more


def _said(message: Message) -> Iterator[str]:
    """The texts of a user and of tools."""
    for part in message.parts:
        match part:
            case Text(text=text) if message.role is Role.USER:
                yield text
            case Media(source=PlainText(text=text)) if message.role is Role.USER:
                yield text
            case ToolResult(parts=parts):
                for inner in parts:
                    if isinstance(inner, Text):
                        yield inner.text


def _without_personal_data(request: Request, *, keep: bool) -> tuple[Request, list[Detection]]:
    detections: list[Detection] = []
    messages = list(request.messages)
    for at, message in enumerate(messages):
        counts: Counter[str] = Counter()
        parts = tuple(_clean(part, counts) for part in message.parts)
        if counts:
            messages[at] = msgspec.structs.replace(message, parts=parts)
            detections.extend(
                Detection(name, MEDIUM, f"messages[{at}]", count, redacted=not keep)
                for name, count in counts.items()
            )
    if keep or not detections:
        return request, detections
    return msgspec.structs.replace(request, messages=tuple(messages)), detections


def _clean(part: Part, counts: Counter[str]) -> Part:
    """The part without personal data; the very same when it holds none."""
    if isinstance(part, ToolResult):
        inner = tuple(_clean_inner(one, counts) for one in part.parts)
        is_same = all(new is old for new, old in zip(inner, part.parts, strict=True))
        return part if is_same else msgspec.structs.replace(part, parts=inner)
    if isinstance(part, Text | Media | Opaque):
        return _clean_inner(part, counts)
    return part  # calls, thoughts and signatures have to come back as they were


def _clean_inner(part: Text | Media | Opaque, counts: Counter[str]) -> Text | Media | Opaque:
    if isinstance(part, Text):
        text, found = redact(part.text)
        counts.update(found)
        # A citation points into the text as it was, and repeats some of it.
        return msgspec.structs.replace(part, text=text, citations=()) if found else part
    if isinstance(part, Media) and isinstance(part.source, PlainText):
        text, found = redact(part.source.text)
        counts.update(found)
        return msgspec.structs.replace(part, source=PlainText(text)) if found else part
    return part
