"""Requests in Gemini's dialect: tools, and how the answer is to be."""

import json
from typing import Any

import pytest

from omniroute.conversation.abilities import Abilities, EffortStyle
from omniroute.conversation.parts import (
    Extra,
    Text,
)
from omniroute.conversation.request import (
    ChoiceMode,
    CustomTool,
    FunctionTool,
    HostedTool,
    Message,
    OutputKind,
    Reasoning,
    Role,
    Sampling,
    ToolChoice,
)
from omniroute.errors import Refused
from tests.formats.gemini.asking import HI, asked, decoded, encoded, raw


def test_tools_of_google_go_back_as_they_stood_and_others_are_refused() -> None:
    tools = [
        {"functionDeclarations": [{"name": "f", "description": "d", "behavior": "BLOCKING"}]},
        {"googleSearch": {}},
        {"codeExecution": {}},
    ]
    request = decoded(tools=tools)
    assert [type(tool) for tool in request.tools] == [FunctionTool, HostedTool, HostedTool]
    assert encoded(request)[0]["tools"] == tools
    for tool in (HostedTool("anthropic", "web_search_20250305", raw({})), CustomTool("apply_patch")):
        with pytest.raises(Refused, match=r"tools\[0\]"):
            encoded(asked(*HI, tools=(tool,)))


def test_schemas_in_googles_notation_become_json_schema() -> None:
    googles = {
        "type": "OBJECT",
        "properties": {
            "type": {"type": "STRING", "nullable": True},
            "nullable": {"type": "ARRAY", "items": {"type": "INTEGER"}, "minItems": "2"},
        },
        "propertyOrdering": ["type", "nullable"],
    }
    tool = decoded(tools=[{"functionDeclarations": [{"name": "f", "parameters": googles}]}]).tools[0]
    assert isinstance(tool, FunctionTool)
    assert tool.schema is not None
    assert json.loads(bytes(tool.schema)) == {
        "type": "object",
        "properties": {
            "type": {"type": ["string", "null"]},
            "nullable": {"type": "array", "items": {"type": "integer"}, "minItems": 2},
        },
    }


@pytest.mark.parametrize(
    ("config", "choice"),
    [
        ({"mode": "AUTO"}, ToolChoice(ChoiceMode.AUTO)),
        ({"mode": "NONE"}, ToolChoice(ChoiceMode.NONE)),
        ({"mode": "ANY"}, ToolChoice(ChoiceMode.REQUIRED)),
        ({"mode": "ANY", "allowedFunctionNames": ["f"]}, ToolChoice(ChoiceMode.NAMED, "f")),
        (
            {"mode": "ANY", "allowedFunctionNames": ["f", "g"]},
            ToolChoice(ChoiceMode.REQUIRED, allowed=("f", "g")),
        ),
        ({"mode": "VALIDATED"}, ToolChoice(ChoiceMode.AUTO)),
        ({"mode": "VALIDATED", "allowedFunctionNames": ["f"]}, ToolChoice(ChoiceMode.AUTO, allowed=("f",))),
    ],
)
def test_tool_choice_there_and_back(config: Any, choice: ToolChoice) -> None:
    request = decoded(
        toolConfig={"functionCallingConfig": config}, tools=[{"functionDeclarations": [{"name": "f"}]}]
    )
    assert request.tool_choice == choice
    assert encoded(request)[0]["toolConfig"] == {"functionCallingConfig": config}


def test_the_configuration_there_and_back() -> None:
    config = {
        "maxOutputTokens": 10,
        "temperature": 0.5,
        "topP": 0.9,
        "topK": 40,
        "stopSequences": ["x"],
        "seed": 7,
        "presencePenalty": 0.1,
        "frequencyPenalty": 0.2,
        "candidateCount": 2,
        "responseLogprobs": True,
        "logprobs": 3,
        "responseModalities": ["TEXT", "AUDIO"],
        "thinkingConfig": {"includeThoughts": True, "thinkingBudget": -1},
        "speechConfig": {"voice": "x"},
        "mediaResolution": "MEDIA_RESOLUTION_LOW",
    }
    others = {
        "safetySettings": [{"category": "c", "threshold": "t"}],
        "labels": {"team_name": "x"},
        "cachedContent": "cachedContents/1",
    }
    request = decoded(generationConfig=config, **others)
    assert request.sampling == Sampling(
        max_tokens=10,
        temperature=0.5,
        top_p=0.9,
        top_k=40,
        stop=("x",),
        seed=7,
        presence_penalty=0.1,
        frequency_penalty=0.2,
        candidates=2,
        logprobs=True,
        top_logprobs=3,
    )
    assert request.reasoning == Reasoning(budget_tokens=-1, summary="auto")
    assert request.pin == "cachedContents/1"
    wire, losses = encoded(request)
    assert (
        wire
        == {"contents": [{"role": "user", "parts": [{"text": "hi"}]}], "generationConfig": config} | others
    )
    assert losses == ()


@pytest.mark.parametrize(
    ("config", "kind"),
    [
        ({"responseMimeType": "application/json"}, OutputKind.JSON),
        ({"responseMimeType": "text/plain"}, OutputKind.TEXT),
        ({"responseMimeType": "application/json", "responseSchema": {"type": "STRING"}}, OutputKind.SCHEMA),
        ({"responseJsonSchema": {"type": "string"}}, OutputKind.SCHEMA),
        ({"response_json_schema": {"type": "string"}}, OutputKind.SCHEMA),
    ],
)
def test_the_shape_of_the_answer_is_read(config: Any, kind: OutputKind) -> None:
    output = decoded(generationConfig=config).output
    assert output.kind is kind
    if kind is OutputKind.SCHEMA:
        assert output.schema is not None
        assert json.loads(bytes(output.schema)) == {"type": "string"}
        assert (
            encoded(decoded(generationConfig=config))[0]["generationConfig"]["responseMimeType"]
            == "application/json"
        )


def test_an_enum_as_text_stays_with_gemini() -> None:
    config = {"responseMimeType": "text/x.enum", "responseSchema": {"type": "STRING", "enum": ["a"]}}
    request = decoded(generationConfig=config)
    assert request.output.kind is OutputKind.TEXT
    assert encoded(request)[0]["generationConfig"] == config


@pytest.mark.parametrize(
    ("reasoning", "style", "wire"),
    [
        (Reasoning(effort="low"), EffortStyle.EFFORT, {"thinkingLevel": "LOW"}),
        (Reasoning(effort="xhigh"), EffortStyle.EFFORT, {"thinkingLevel": "HIGH"}),
        (Reasoning(effort="low"), EffortStyle.BUDGET, {"thinkingBudget": 1024}),
        (Reasoning(budget_tokens=5), EffortStyle.EFFORT, {"thinkingBudget": 5}),
        (Reasoning(enabled=False), EffortStyle.BUDGET, {"thinkingBudget": 0}),
        (
            Reasoning(enabled=True, budget_tokens=9),
            EffortStyle.BUDGET,
            {"includeThoughts": True, "thinkingBudget": 9},
        ),
        (Reasoning(summary="omitted"), EffortStyle.BUDGET, {"includeThoughts": False}),
        (Reasoning(adaptive=True), EffortStyle.BUDGET, {"thinkingBudget": -1}),
    ],
)
def test_thinking_is_asked_for_in_the_targets_terms(
    reasoning: Reasoning, style: EffortStyle, wire: Any
) -> None:
    out, _ = encoded(asked(*HI, reasoning=reasoning), Abilities(model="m", effort_style=style))
    assert out["generationConfig"]["thinkingConfig"] == wire


def test_what_the_dialect_lacks_is_told() -> None:
    request = asked(
        Message(Role.USER, (Text("hi"),), name="bob"),
        sampling=Sampling(logit_bias=raw({"1": 2})),
        user="u",
        metadata=raw({}),
        service_tier="flex",
        cache_key="k",
        parallel_tools=False,
        store=True,
        extra=Extra("openai-chat", {"prediction": raw({})}),
        tools=(FunctionTool("f", strict=True),),
    )
    assert set(encoded(request)[1]) == {
        "logit_bias",
        "user",
        "metadata",
        "service_tier",
        "cache_key",
        "parallel_tools",
        "store",
        "name",
        "prediction",
        "strict",
    }


def test_the_state_of_another_provider_is_refused() -> None:
    with pytest.raises(Refused):
        encoded(asked(*HI, pin="resp_1"))
