"""Event grammars: what streams to clients have to look like, one walker per dialect."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from omniroute.records import FormatName
from tests.formats.laws.grammar import anthropic, gemini, ollama, openai_chat, openai_responses
from tests.formats.laws.grammar.rules import Walk

CHECKS: Mapping[FormatName, Callable[[bytes], Walk]] = MappingProxyType(
    {
        FormatName.OPENAI_CHAT: openai_chat.check,
        FormatName.OPENAI_RESPONSES: openai_responses.check,
        FormatName.ANTHROPIC: anthropic.check,
        FormatName.GEMINI: gemini.check,
        FormatName.OLLAMA: ollama.check,
    }
)
