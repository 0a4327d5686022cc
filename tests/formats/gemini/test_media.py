"""Requests in Gemini's dialect: media."""

from typing import Any

import msgspec
import pytest

from omniroute.conversation.abilities import plain
from omniroute.conversation.parts import (
    Base64,
    Extra,
    FileId,
    Media,
    MediaKind,
    Opaque,
    Part,
    PlainText,
    Text,
    ToolResult,
    ToolUse,
    Url,
)
from omniroute.errors import Refused
from tests.formats.gemini.asking import HI, asked, decoded, encoded, model, raw, user


@pytest.mark.parametrize(
    ("part", "media"),
    [
        (
            {"inlineData": {"mimeType": "audio/wav", "data": "AA=="}},
            Media(MediaKind.AUDIO, Base64("audio/wav", "AA==")),
        ),
        (
            {"fileData": {"mimeType": "application/pdf", "fileUri": "https://example.org/x.pdf"}},
            Media(MediaKind.DOCUMENT, Url("https://example.org/x.pdf", "application/pdf")),
        ),
        (
            {"fileData": {"fileUri": "https://www.youtube.com/watch?v=1"}, "videoMetadata": {"fps": 1}},
            Media(
                MediaKind.VIDEO,
                Url("https://www.youtube.com/watch?v=1"),
                extra=Extra("gemini", {"videoMetadata": msgspec.Raw(b'{"fps": 1}')}),
            ),
        ),
        (
            {"fileData": {"mimeType": "image/png", "fileUri": "gs://bucket/x"}},
            Media(
                MediaKind.IMAGE,
                FileId("gs://bucket/x"),
                extra=Extra("gemini", {"mimeType": msgspec.Raw(b'"image/png"')}),
            ),
        ),
    ],
)
def test_media_there_and_back(part: Any, media: Media) -> None:
    request = decoded(contents=[{"role": "user", "parts": [part]}])
    assert request.messages == (user(media),)
    assert encoded(request)[0]["contents"] == [{"role": "user", "parts": [part]}]


def test_a_file_of_the_files_api_is_an_id() -> None:
    uri = "https://generativelanguage.googleapis.com/v1beta/files/abc-1"
    part = decoded(contents=[{"parts": [{"file_data": {"file_uri": uri}}]}]).messages[0].parts[0]
    assert isinstance(part, Media)
    assert part.source == FileId(uri)


@pytest.mark.parametrize(
    ("media", "wire"),
    [
        (
            Media(MediaKind.IMAGE, Base64("", "iVBORw0KGgo=")),
            {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}},
        ),
        (
            Media(MediaKind.IMAGE, Url("https://e.org/a.JPG?x=1")),
            {"fileData": {"mimeType": "image/jpeg", "fileUri": "https://e.org/a.JPG?x=1"}},
        ),
        (
            Media(MediaKind.DOCUMENT, PlainText("é")),
            {"inlineData": {"mimeType": "text/plain", "data": "w6k="}},
        ),
    ],
)
def test_media_of_others_are_told_with_their_type(media: Media, wire: Any) -> None:
    assert encoded(asked(user(media)))[0]["contents"][0]["parts"] == [wire]


@pytest.mark.parametrize(
    "part",
    [
        Media(MediaKind.IMAGE, Url("https://e.org/picture")),
        Media(MediaKind.DOCUMENT, FileId("file-abc")),
        Media(MediaKind.IMAGE, Base64("", "AAAA")),
        Opaque("anthropic", "search_result", raw({"type": "search_result"})),
    ],
)
def test_content_it_cannot_hold_is_refused_by_its_place(part: Part) -> None:
    with pytest.raises(Refused) as refusal:
        encoded(asked(*HI, model(Text("ok")), user(Text("see"), part)))
    assert refusal.value.param == "messages[2].content[1]"


def test_media_of_results_stand_inside_or_beside_by_the_model() -> None:
    image = Media(MediaKind.IMAGE, Base64("image/png", "AA"))
    request = asked(*HI, model(ToolUse("1", "f")), user(ToolResult("1", (Text("see"), image)), Text("and")))
    picture = {"inlineData": {"mimeType": "image/png", "data": "AA"}}
    response = {"name": "f", "response": {"result": "see"}}
    new = encoded(request, plain("gemini-3-pro"))[0]["contents"][2]["parts"]
    old = encoded(request, plain("gemini-2.5-pro"))[0]["contents"][2]["parts"]
    assert new == [{"functionResponse": response | {"parts": [picture]}}, {"text": "and"}]
    assert old == [{"functionResponse": response}, picture, {"text": "and"}]
    nested = decoded(contents=[{"role": "user", "parts": new}]).messages[0].parts[0]
    assert nested == ToolResult("gemini_0_r0", (Text("see"), image), name="f")
