"""Prompt tokens of a whole request."""

import struct
from base64 import b64encode
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniroute.conversation import exact
from omniroute.conversation.count import count_request
from omniroute.conversation.media_tokens import MAX_IMAGE, UNSEEN_IMAGE, image_size, media_tokens, pdf_pages
from omniroute.conversation.parts import (
    Base64,
    FileId,
    Media,
    MediaKind,
    Opaque,
    Part,
    PlainText,
    Refusal,
    Text,
    Thinking,
    ToolResult,
    ToolUse,
    Url,
)
from omniroute.conversation.request import (
    CustomTool,
    FunctionTool,
    HostedTool,
    Message,
    Output,
    OutputKind,
    Request,
    Role,
    Tool,
)
from omniroute.conversation.tokens import FAMILIES, count_tokens

HELLO = Text("Hello, world! How are you today?")
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR" + struct.pack(">II", 1000, 750) + b"\x08\x06\x00\x00\x00"
GIF = b"GIF89a" + struct.pack("<HH", 30, 25)
JPEG = (
    b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
    + b"\xff\xff\xdb\x00\x03\x00"
    + b"\xff\xc2\x00\x11\x08"
    + struct.pack(">HH", 480, 640)
)
WEBP_LOSSY = b"RIFF\x00\x00\x00\x00WEBPVP8 \x00\x00\x00\x00\x00\x00\x00\x9d\x01\x2a" + struct.pack(
    "<HH", 320, 200
)
WEBP_LOSSLESS = (
    b"RIFF\x00\x00\x00\x00WEBPVP8L\x00\x00\x00\x00\x2f" + struct.pack("<I", 319 | 199 << 14) + b"\x00" * 9
)
WEBP_EXTENDED = (
    b"RIFF\x00\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x10\x00\x00\x00" + b"\x3f\x01\x00" + b"\xc7\x00\x00"
)


def asked(*parts: Part, role: Role = Role.USER, tools: tuple[Tool, ...] = ()) -> Request:
    return Request(model="m", messages=(Message(role, parts),), tools=tools)


def in_base64(kind: MediaKind, content: bytes, media_type: str = "") -> Media:
    return Media(kind, Base64(media_type, b64encode(content).decode()))


def text_of(request: Request) -> int:
    """Only what is counted in texts, each character one token."""
    return count_request(request, "o200k", count_text=len) - count_request(
        request, "o200k", count_text=lambda _: 0
    )


@pytest.mark.parametrize(
    ("part", "texts"),
    [
        (Text("abc"), 3),
        (Refusal("no"), 2),
        (ToolUse("id", "get", '{"a": 1}'), 11),
        (ToolUse("id", "get", "text", custom=True, namespace="ns"), 9),
        (ToolResult("id", (Text("fine"), Text("!"))), 5),
        (Opaque("anthropic", "server_tool_use", msgspec.Raw(b'{"x":1}')), 7),
        (Media(MediaKind.DOCUMENT, PlainText("words"), name="a.txt"), 10),
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_kind_of_part_is_counted(part: Part, texts: int) -> None:
    assert text_of(asked(part)) == texts


@pytest.mark.parametrize(
    ("tool", "texts"),
    [
        (FunctionTool("f", "does", msgspec.Raw(b'{"type":"object"}')), 22),
        (FunctionTool("f"), 1),
        (FunctionTool("f", namespace="ns"), 3),
        (CustomTool("patch", "writes", msgspec.Raw(b"{}")), 13),
        (HostedTool("anthropic", "web_search", msgspec.Raw(b'{"n":1}')), 7),
    ],
)
def test_every_kind_of_tool_is_counted(tool: Tool, texts: int) -> None:
    assert text_of(asked(tools=(tool,))) == texts


@pytest.mark.parametrize("family", FAMILIES)
def test_turns_tools_and_calls_cost_more_than_their_texts(family: str) -> None:
    plain = count_request(asked(HELLO), family)
    assert plain > count_tokens(HELLO.text, family)
    twice = Request(model="m", messages=(Message(Role.USER, (HELLO,)),) * 2)
    assert count_request(twice, family) > plain + count_tokens(HELLO.text, family)
    assert count_request(asked(HELLO, tools=(FunctionTool("f"),)), family) > plain + count_tokens("f", family)
    assert count_request(asked(HELLO, ToolResult("id")), family) > plain


def test_a_schema_of_the_answer_is_counted() -> None:
    schema = Output(kind=OutputKind.SCHEMA, schema=msgspec.Raw(b'{"type":"object"}'))
    assert text_of(msgspec.structs.replace(asked(), output=schema)) == 17


def test_a_name_of_a_speaker_is_counted() -> None:
    assert text_of(Request(model="m", messages=(Message(Role.USER, (), name="Ada"),))) == 3


def test_thoughts_before_the_last_question_are_not_sent_again() -> None:
    old = Message(Role.ASSISTANT, (Thinking("long thoughts"), Text("yes")))
    question = Message(Role.USER, (Text("and?"),))
    call = Message(Role.ASSISTANT, (Thinking("think"), ToolUse("1", "f")))
    result = Message(Role.USER, (ToolResult("1", (Text("r"),)),))
    request = Request(model="m", messages=(question, old, question, call, result))
    assert text_of(request) == len("and?yesand?thinkfr")


def test_sealed_thoughts_have_no_text() -> None:
    assert text_of(asked(Thinking("", "c2VhbGVk", redacted=True), role=Role.ASSISTANT)) == 0


@pytest.mark.parametrize(
    ("content", "size"),
    [
        (PNG, (1000, 750)),
        (GIF, (30, 25)),
        (JPEG, (640, 480)),
        (WEBP_LOSSY, (320, 200)),
        (WEBP_LOSSLESS, (320, 200)),
        (WEBP_EXTENDED, (320, 200)),
        (b"BM something else", None),
        (b"", None),
        (b"\xff\xd8\xff\xd9", None),
        (PNG[:20], None),
        (GIF[:8], None),
        (WEBP_LOSSY[:20], None),
    ],
)
def test_the_size_of_an_image_is_read(content: bytes, size: tuple[int, int] | None) -> None:
    assert image_size(content) == size


@given(st.sampled_from([PNG, GIF, JPEG, WEBP_LOSSY, WEBP_LOSSLESS, WEBP_EXTENDED]), st.data())
def test_a_broken_image_is_no_error(content: bytes, data: st.DataObject) -> None:
    cut = content[: data.draw(st.integers(0, len(content)))] + data.draw(st.binary(max_size=40))
    tokens = media_tokens(in_base64(MediaKind.IMAGE, cut), "claude")
    assert 0 < tokens <= MAX_IMAGE


@pytest.mark.parametrize(
    ("image", "tokens"),
    [
        (in_base64(MediaKind.IMAGE, PNG), 1000),
        (in_base64(MediaKind.IMAGE, GIF), 1),
        (in_base64(MediaKind.IMAGE, PNG[:16] + struct.pack(">II", 9000, 9000)), MAX_IMAGE),
        (in_base64(MediaKind.IMAGE, PNG[:16] + struct.pack(">II", 0, 9000)), UNSEEN_IMAGE),
        (in_base64(MediaKind.IMAGE, b"who knows"), UNSEEN_IMAGE),
        (Media(MediaKind.IMAGE, Base64("image/png", "%%% no base64")), UNSEEN_IMAGE),
        (Media(MediaKind.IMAGE, Url("https://example.com/a.png")), UNSEEN_IMAGE),
        (Media(MediaKind.IMAGE, FileId("file_1")), UNSEEN_IMAGE),
    ],
)
def test_an_image_costs_by_its_size(image: Media, tokens: int) -> None:
    assert media_tokens(image, "claude") == tokens
    assert count_request(asked(image), "claude") == count_request(asked(), "claude") + tokens


def test_the_url_alphabet_of_base64_is_read_too() -> None:
    encoded = b64encode(PNG + b"\xff\xfe\xfd" * 30).decode().replace("+", "-").replace("/", "_").rstrip("=")
    assert media_tokens(Media(MediaKind.IMAGE, Base64("image/png", encoded)), "claude") == 1000


@pytest.mark.parametrize(
    ("content", "pages"),
    [
        (b"%PDF-1.4 /Type /Pages /Count 9 <</Type /Page>> <</Type/Page /Parent>>", 2),
        (b"%PDF-1.7 /Type /Pages /Count 7", 7),
        (b"%PDF-1.7 /Linearized 1 /N 12 ", 12),
        (b"%PDF-1.7" + b"\x00" * 250_000, 3),
        (b"%PDF-1.7", 1),
    ],
)
def test_the_pages_of_a_document_are_counted(content: bytes, pages: int) -> None:
    assert pdf_pages(content) == pages
    document = in_base64(MediaKind.DOCUMENT, content, "application/pdf")
    assert media_tokens(document, "gemini") == 258 * pages
    assert 1500 * pages <= media_tokens(document, "claude") <= 3000 * pages


def test_a_document_nobody_sees_is_one_page() -> None:
    assert media_tokens(Media(MediaKind.DOCUMENT, FileId("file_1")), "gemini") == 258


def test_sound_and_film_cost_by_their_length() -> None:
    wav = b"RIFF\x00\x00\x00\x00WAVEfmt \x10\x00\x00\x00" + struct.pack("<HHIIHH", 1, 1, 8000, 16000, 2, 16)
    second = in_base64(MediaKind.AUDIO, wav + b"\x00" * (32_000 - len(wav)))
    assert media_tokens(second, "gemini") == 64
    assert media_tokens(second, "o200k") == 20
    other = in_base64(MediaKind.AUDIO, b"ID3" + b"\x00" * 159_997)
    assert media_tokens(other, "gemini") == 320
    assert media_tokens(in_base64(MediaKind.VIDEO, b"\x00" * 500_000), "gemini") == 526
    assert media_tokens(Media(MediaKind.AUDIO, Url("https://example.com/a.mp3")), "gemini") == 0


def test_without_the_extra_there_is_no_exact_tokenizer(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("sys.path", [str(tmp_path)])
    monkeypatch.delitem(__import__("sys").modules, "splintr", raising=False)
    assert exact.exact_counter("o200k") is None


def test_claude_has_no_public_tokenizer() -> None:
    assert exact.exact_counter("claude") is None
    assert exact.exact_counter("nobody's") is None


@pytest.mark.parametrize(
    ("family", "tokens"),
    [("o200k", 9), ("gemini", 8), ("deepseek", 9), ("qwen", 8), ("kimi", 8)],
)
def test_the_extra_counts_exactly(family: str, tokens: int) -> None:
    pytest.importorskip("splintr")
    count = exact.exact_counter(family)
    assert count is not None
    assert count("Hello <|endoftext|> \ud83d") == tokens
