"""Where a text has something from, there and back."""

from omniroute.conversation.parts import Citation
from omniroute.formats.anthropic.members import NAME, Members, raw_json, text_of

_SEARCH = "web_search_result_location"
_DOCUMENT = frozenset({"char_location", "page_location", "content_block_location"})
_SEALED = "encrypted_index"


def decode_citation(members: Members) -> Citation:
    """One citation. Offsets into documents are the dialect's own. Raises `WrongShape`."""
    kind, title = members.text("type"), members.text("title")
    if kind is not None:
        members.left["type"] = raw_json(kind)
    return Citation(
        url=members.text("url"),
        title=title if title is not None else members.text("document_title"),
        cited_text=members.text("cited_text"),
        extra=members.rest(),
    )


def encode_citation(citation: Citation, *, for_client: bool) -> dict[str, object] | None:
    """The wire's citation; `None` for one of another dialect that has no place here.

    Upstreams take the web's citations only with the seal that came with them.
    """
    extra = citation.extra
    members = extra.members if extra is not None and extra.format == NAME else {}
    told: dict[str, object] = {"cited_text": citation.cited_text or "", **members}
    raw_type = members.get("type")
    kind = _SEARCH if raw_type is None else text_of(raw_type)
    if kind in _DOCUMENT:
        return {**told, "document_title": citation.title}
    if citation.title is not None or kind == _SEARCH:
        told["title"] = citation.title
    if citation.url is not None:
        told["url"] = citation.url
    if kind != _SEARCH:
        return told
    told["type"] = _SEARCH
    if not for_client and members.get(_SEALED, _UNSEALED) == _UNSEALED:
        return None
    told.setdefault(_SEALED, "")
    return told if citation.url is not None else None


_UNSEALED = raw_json("")
