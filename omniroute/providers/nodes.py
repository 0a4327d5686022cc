"""A user's own compatible server as a `Provider`."""

import re
from types import MappingProxyType

from omniroute.providers.addresses import without_pasted_path
from omniroute.records import (
    Auth,
    AuthKind,
    Category,
    Endpoint,
    FormatName,
    Node,
    NodeType,
    Provider,
    StreamUsage,
)

BEARER = Auth(kind=AuthKind.BEARER, prefix="Bearer ")
NO_KEY = Auth(kind=AuthKind.NONE)

_VERSION_END = re.compile(r"/v\d\w*$")
_API_END = re.compile(r"/(v1|api)$")


def node_provider(node: Node) -> Provider:
    """The provider that `node` is: its dialect's addresses under its base URL. It works without a key."""
    base = without_pasted_path(node.base_url)
    match node.type:
        case NodeType.OPENAI:
            formats = {FormatName.OPENAI_CHAT: f"{base}/chat/completions"}
            endpoints = _openai_endpoints(base)
        case NodeType.RESPONSES:
            formats = {FormatName.OPENAI_RESPONSES: f"{base}/responses"}
            endpoints = {Endpoint.MODELS: f"{base}/models"}
        case NodeType.ANTHROPIC:
            base = base.removesuffix("/v1")
            formats = {FormatName.ANTHROPIC: f"{base}/v1/messages"}
            endpoints = {
                Endpoint.COUNT_TOKENS: f"{base}/v1/messages/count_tokens",
                Endpoint.MODELS: f"{base}/v1/models",
            }
        case NodeType.GEMINI:
            base = base if _VERSION_END.search(base) else f"{base}/v1beta"
            formats = {FormatName.GEMINI: f"{base}/models/{{model}}:generateContent"}
            endpoints = {Endpoint.MODELS: f"{base}/models"}
        case NodeType.OLLAMA:
            base = _API_END.sub("", base)
            formats = {FormatName.OLLAMA: f"{base}/api/chat"}
            endpoints = {Endpoint.EMBEDDINGS: f"{base}/v1/embeddings", Endpoint.MODELS: f"{base}/api/tags"}
    return Provider(
        id=node.id,
        name=node.name,
        aliases=(node.prefix,),
        category=Category.NODE,
        base_url=base,
        formats=MappingProxyType(formats),
        endpoints=MappingProxyType(endpoints),
        auth=_auth(node.type),
        headers=MappingProxyType(_headers(node.type)),
        stream_usage=StreamUsage.UNKNOWN if node.type is NodeType.OPENAI else StreamUsage.NO,
        source="added by the user",
    )


def _openai_endpoints(base: str) -> dict[Endpoint, str]:
    return {
        Endpoint.MODELS: f"{base}/models",
        Endpoint.EMBEDDINGS: f"{base}/embeddings",
        Endpoint.IMAGES: f"{base}/images/generations",
        Endpoint.STT: f"{base}/audio/transcriptions",
        Endpoint.TTS: f"{base}/audio/speech",
    }


def _auth(node_type: NodeType) -> tuple[Auth, ...]:
    match node_type:
        case NodeType.ANTHROPIC:
            return (Auth(kind=AuthKind.HEADER, name="x-api-key"), BEARER, NO_KEY)
        case NodeType.GEMINI:
            return (Auth(kind=AuthKind.HEADER, name="x-goog-api-key"), BEARER, NO_KEY)
        case NodeType.OPENAI | NodeType.RESPONSES | NodeType.OLLAMA:
            return (BEARER, NO_KEY)


def _headers(node_type: NodeType) -> dict[str, str]:
    return {"anthropic-version": "2023-06-01"} if node_type is NodeType.ANTHROPIC else {}
