"""The official SDKs, each endpoint on upstreams of every dialect: chat, streams, tools, errors."""

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest

from omniroute.records import FormatName
from tests.journeys.pretend_model import TOLD, answering_any
from tests.journeys.test_tools_across_formats import KINDS
from tests.journeys.upstream import upstream_in_thread
from tests.server.installation import Installation

COMMAND = "ls -la /tmp"
PARAMETERS = {
    "type": "object",
    "properties": {"command": {"type": "string"}},
    "required": ["command"],
    "additionalProperties": False,
}
DIALECTS = tuple(FormatName)
EACH = tuple(itertools.product(DIALECTS, (False, True)))


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a gateway with a node of every dialect, called as the dialect is."""
    installation = Installation(Path(tmp_path_factory.mktemp("pairs")))
    with upstream_in_thread() as upstream:
        upstream.otherwise = answering_any(COMMAND)
        try:
            installation.serve()
            for dialect, (kind, end) in KINDS.items():
                node = (
                    "--type",
                    kind,
                    "--base-url",
                    upstream.url + end,
                    "--prefix",
                    f"to-{dialect}",
                    "--name",
                    f"to-{dialect}",
                )
                done = installation.run("providers", "add", *node, "--no-test")
                assert done.returncode == 0, done.stderr
            keys = installation.run("keys", "create", "sdk", "--json")
            assert keys.returncode == 0, keys.stderr
            yield f"{installation.server().url}|{json.loads(keys.stdout)['key']}"
        finally:
            installation.clean_up()


def openai_client(base: str) -> Any:  # what is sent are plain dicts, as most programs send them
    url, key = base.split("|")
    return openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0)


def anthropic_client(base: str) -> Any:  # as above
    url, key = base.split("|")
    return anthropic.Anthropic(base_url=url, api_key=key, max_retries=0)


@pytest.mark.parametrize(("dialect", "stream"), EACH)
def test_openai_chat_holds_a_tool_round_trip(base: str, dialect: FormatName, stream: bool) -> None:
    client, model = openai_client(base), f"to-{dialect}/m"
    tools = [{"type": "function", "function": {"name": "bash", "parameters": PARAMETERS}}]
    messages: list[Any] = [{"role": "user", "content": "list it"}]
    if stream:
        with client.chat.completions.stream(model=model, messages=messages, tools=tools) as events:
            first = events.get_final_completion().choices[0]
    else:
        first = client.chat.completions.create(model=model, messages=messages, tools=tools).choices[0]
    assert first.finish_reason == "tool_calls"
    assert first.message.content == "Running it."
    (call,) = first.message.tool_calls
    assert json.loads(call.function.arguments) == {"command": COMMAND}
    messages += [
        first.message.model_dump(exclude_none=True),
        {"role": "tool", "tool_call_id": call.id, "content": "nothing"},
    ]
    last = client.chat.completions.create(model=model, messages=messages, tools=tools)
    assert last.choices[0].message.content == TOLD
    assert last.usage.prompt_tokens == 100
    assert last.usage.completion_tokens == 20


@pytest.mark.parametrize(("dialect", "stream"), EACH)
def test_openai_responses_hold_a_tool_round_trip(base: str, dialect: FormatName, stream: bool) -> None:
    client, model = openai_client(base), f"to-{dialect}/m"
    tools = [{"type": "function", "name": "bash", "parameters": PARAMETERS, "strict": True}]
    items: list[Any] = [{"role": "user", "content": "list it"}]
    if stream:
        with client.responses.stream(model=model, input=items, tools=tools) as events:
            first = events.get_final_response()
    else:
        first = client.responses.create(model=model, input=items, tools=tools)
    assert first.output_text == "Running it."
    (call,) = [item for item in first.output if item.type == "function_call"]
    assert json.loads(call.arguments) == {"command": COMMAND}
    items += [item.model_dump(exclude_none=True, exclude={"parsed_arguments"}) for item in first.output]
    items.append({"type": "function_call_output", "call_id": call.call_id, "output": "nothing"})
    last = client.responses.create(model=model, input=items, tools=tools)
    assert last.output_text == TOLD
    assert (last.usage.input_tokens, last.usage.output_tokens) == (100, 20)


@pytest.mark.parametrize(("dialect", "stream"), EACH)
def test_anthropic_messages_hold_a_tool_round_trip(base: str, dialect: FormatName, stream: bool) -> None:
    client, model = anthropic_client(base), f"to-{dialect}/m"
    tools = [{"name": "bash", "input_schema": PARAMETERS}]
    messages: list[Any] = [{"role": "user", "content": "list it"}]
    asked = {"model": model, "max_tokens": 500, "messages": messages, "tools": tools}
    if stream:
        with client.messages.stream(**asked) as events:
            first = events.get_final_message()
    else:
        first = client.messages.create(**asked)
    assert first.stop_reason == "tool_use"
    assert "Running it." in [block.text for block in first.content if block.type == "text"]
    (call,) = [block for block in first.content if block.type == "tool_use"]
    assert call.input == {"command": COMMAND}
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "nothing"}
    messages += [
        {"role": "assistant", "content": [block.model_dump(exclude_none=True) for block in first.content]},
        {"role": "user", "content": [result]},
    ]
    last = client.messages.create(**asked)
    assert [block.text for block in last.content if block.type == "text"] == [TOLD]
    assert last.usage.output_tokens == 20


@pytest.mark.parametrize("dialect", DIALECTS)
def test_an_image_reaches_every_dialect(base: str, dialect: FormatName) -> None:
    pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{pixel}"}}
    content = [{"type": "text", "text": "what is it?"}, image]
    said = openai_client(base).chat.completions.create(
        model=f"to-{dialect}/m",
        messages=[{"role": "user", "content": content}],
    )
    assert said.choices[0].message.content == TOLD


def test_what_a_dialect_cannot_carry_is_named_to_the_client(base: str) -> None:
    audio = {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}
    with pytest.raises(openai.BadRequestError) as refused:
        openai_client(base).chat.completions.create(
            model="to-anthropic/m",
            messages=[{"role": "user", "content": [audio]}],
        )
    assert "messages[0].content[0]" in str(refused.value)
