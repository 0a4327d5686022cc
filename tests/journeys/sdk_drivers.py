"""The official Python SDKs, each asking the same things in its own words."""

import base64
import json
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Protocol

import anthropic
import ollama
import openai
from google import genai
from google.genai import errors as genai_errors
from google.genai import types

from omniroute.records import FormatName
from tests.journeys.weather_model import CITY, PNG, QUESTION, REPORT, SCHEMA, TOOL

LOOK = "What is on it?"
JSONObject = dict[str, Any]  # what the SDKs take, of any shape


class BrokenOff(Exception):
    """A stream that its SDK gives as it is, and that tells of a failure."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a user of the SDK sees of an answer."""

    text: str
    thought: str
    tokens: tuple[int, int]


class Driver(Protocol):
    """One SDK at one gateway."""

    refused: type[Exception]
    """For a status of an error; all of them have the message in their text."""
    limited: type[Exception]
    broken: tuple[type[Exception], ...]
    """For a stream without its end."""

    def hello(self, model: str, *, stream: bool) -> Said:
        """A greeting, thinking asked for."""
        ...

    def round_trip(self, model: str, *, stream: bool) -> str:
        """The text after a tool's result; fails when the tool is called otherwise than the model did."""
        ...

    def structured(self, model: str) -> object:
        """An answer of that schema, decoded."""
        ...

    def sees(self, model: str) -> str:
        """What it says of a picture."""
        ...


class Chat:
    """The openai package, chat completions."""

    refused: type[Exception] = openai.BadRequestError
    limited: type[Exception] = openai.RateLimitError
    broken: tuple[type[Exception], ...] = (openai.APIError,)

    def __init__(self, url: str, key: str, clients: ExitStack) -> None:
        made = openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0)
        self._client = clients.enter_context(made).chat.completions

    def hello(self, model: str, *, stream: bool) -> Said:
        """As in `Driver`."""
        asked: JSONObject = {"model": model, "messages": [_user("Hello")], "reasoning_effort": "low"}
        if not stream:
            done: Any = self._client.create(**asked)
            message = done.choices[0].message
            assert done.choices[0].finish_reason == "stop"
            tokens = (done.usage.prompt_tokens, done.usage.completion_tokens)
            return Said(message.content, message.reasoning_content, tokens)
        text, thought, tokens, reason = "", "", (0, 0), None
        for chunk in self._client.create(**asked, stream=True, stream_options={"include_usage": True}):
            for choice in chunk.choices:
                text += choice.delta.content or ""
                thought += getattr(choice.delta, "reasoning_content", None) or ""
                reason = choice.finish_reason or reason
            if chunk.usage:
                tokens = (chunk.usage.prompt_tokens, chunk.usage.completion_tokens)
        assert reason == "stop"
        return Said(text, thought, tokens)

    def round_trip(self, model: str, *, stream: bool) -> str:
        """As in `Driver`."""
        messages: list[Any] = [_user(QUESTION)]
        tool = {"type": "function", "function": {"name": TOOL, "parameters": SCHEMA}}
        for results in (0, 1):
            asked: JSONObject = {"model": model, "messages": messages, "tools": [tool]}
            choice: Any = self._turn(asked, stream=stream).choices[0]
            if results:
                break
            assert choice.finish_reason == "tool_calls"
            (call,) = choice.message.tool_calls
            assert (call.function.name, json.loads(call.function.arguments)) == (TOOL, CITY)
            messages.append(choice.message.model_dump(exclude_none=True, exclude={"parsed"}))
            messages.append({"role": "tool", "tool_call_id": call.id, "content": REPORT})
        return str(choice.message.content)

    def _turn(self, asked: JSONObject, *, stream: bool) -> Any:
        if not stream:
            return self._client.create(**asked)
        with self._client.stream(**asked) as events:
            return events.get_final_completion()

    def structured(self, model: str) -> object:
        """As in `Driver`."""
        wish = {"type": "json_schema", "json_schema": {"name": "city", "schema": SCHEMA, "strict": True}}
        asked: JSONObject = {"model": model, "messages": [_user("Where?")], "response_format": wish}
        return json.loads(self._client.create(**asked).choices[0].message.content or "")

    def sees(self, model: str) -> str:
        """As in `Driver`."""
        picture = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}
        content: Any = [{"type": "text", "text": LOOK}, picture]
        asked: JSONObject = {"model": model, "messages": [_user(content)]}
        return str(self._client.create(**asked).choices[0].message.content)


class Responses:
    """The openai package, responses."""

    refused: type[Exception] = openai.BadRequestError
    limited: type[Exception] = openai.RateLimitError
    broken: tuple[type[Exception], ...] = (openai.APIError, BrokenOff)

    def __init__(self, url: str, key: str, clients: ExitStack) -> None:
        made = openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0)
        self._client = clients.enter_context(made).responses

    def hello(self, model: str, *, stream: bool) -> Said:
        """As in `Driver`."""
        reasoning = {"effort": "low", "summary": "auto"}
        done = self._turn({"model": model, "input": "Hello", "reasoning": reasoning}, stream=stream)
        assert done.status == "completed"
        thoughts = [one.text for item in done.output if item.type == "reasoning" for one in item.summary]
        return Said(done.output_text, "".join(thoughts), (done.usage.input_tokens, done.usage.output_tokens))

    def _turn(self, asked: JSONObject, *, stream: bool) -> Any:
        if not stream:
            return self._client.create(**asked)
        done: Any = None
        with self._client.stream(**asked) as events:
            for event in events:
                if event.type == "response.failed":
                    raise BrokenOff(event.response.error)
                if event.type == "response.completed":
                    done = event.response
        assert done is not None
        return done

    def round_trip(self, model: str, *, stream: bool) -> str:
        """As in `Driver`."""
        items: list[Any] = [_user(QUESTION)]
        tool = {"type": "function", "name": TOOL, "parameters": SCHEMA, "strict": True}
        for results in (0, 1):
            asked: JSONObject = {"model": model, "input": items, "tools": [tool], "store": False}
            done = self._turn(asked, stream=stream)
            if results:
                break
            (call,) = (item for item in done.output if item.type == "function_call")
            assert (call.name, json.loads(call.arguments)) == (TOOL, CITY)
            unset = {"parsed", "parsed_arguments", "status"}
            items += [item.model_dump(exclude_none=True, exclude=unset) for item in done.output]
            items.append({"type": "function_call_output", "call_id": call.call_id, "output": REPORT})
        return str(done.output_text)

    def structured(self, model: str) -> object:
        """As in `Driver`."""
        wish = {"format": {"type": "json_schema", "name": "city", "schema": SCHEMA, "strict": True}}
        asked: JSONObject = {"model": model, "input": "Where?", "text": wish}
        return json.loads(self._client.create(**asked).output_text)

    def sees(self, model: str) -> str:
        """As in `Driver`."""
        picture = {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}", "detail": "auto"}
        content: Any = [{"type": "input_text", "text": LOOK}, picture]
        asked: JSONObject = {"model": model, "input": [_user(content)]}
        return str(self._client.create(**asked).output_text)


class Messages:
    """The anthropic package."""

    refused: type[Exception] = anthropic.BadRequestError
    limited: type[Exception] = anthropic.RateLimitError
    broken: tuple[type[Exception], ...] = (anthropic.APIError,)

    def __init__(self, url: str, key: str, clients: ExitStack) -> None:
        made = anthropic.Anthropic(base_url=url, api_key=key, max_retries=0)
        self._client = clients.enter_context(made).messages

    def hello(self, model: str, *, stream: bool) -> Said:
        """As in `Driver`."""
        thinking = {"type": "enabled", "budget_tokens": 1024}
        done = self._turn({"model": model, "messages": [_user("Hello")], "thinking": thinking}, stream=stream)
        assert done.stop_reason == "end_turn"
        thoughts = [block.thinking for block in done.content if block.type == "thinking"]
        used = done.usage
        read = used.input_tokens + (used.cache_read_input_tokens or 0)
        return Said(_text(done.content), "".join(thoughts), (read, used.output_tokens))

    def _turn(self, asked: JSONObject, *, stream: bool) -> Any:
        asked = {"max_tokens": 2000, **asked}
        if not stream:
            return self._client.create(**asked)
        with self._client.stream(**asked) as events:
            return events.get_final_message()

    def round_trip(self, model: str, *, stream: bool) -> str:
        """As in `Driver`."""
        messages: list[Any] = [_user(QUESTION)]
        asked: JSONObject = {"model": model, "tools": [{"name": TOOL, "input_schema": SCHEMA}]}
        for results in (0, 1):
            done = self._turn({**asked, "messages": messages}, stream=stream)
            if results:
                break
            assert done.stop_reason == "tool_use"
            (call,) = (block for block in done.content if block.type == "tool_use")
            assert (call.name, call.input) == (TOOL, CITY)
            said = [block.model_dump(exclude_none=True, exclude={"parsed_output"}) for block in done.content]
            messages.append({"role": "assistant", "content": said})
            messages.append(_user([{"type": "tool_result", "tool_use_id": call.id, "content": REPORT}]))
        return _text(done.content)

    def structured(self, model: str) -> object:
        """As in `Driver`."""
        wish = {"format": {"type": "json_schema", "schema": SCHEMA}}
        asked: JSONObject = {"model": model, "messages": [_user("Where?")], "output_config": wish}
        return json.loads(_text(self._turn(asked, stream=False).content))

    def sees(self, model: str) -> str:
        """As in `Driver`."""
        picture = {
            "type": "image",
            "source": {"type": "base64", "media_type": "image/png", "data": PNG},
        }
        asked: JSONObject = {"model": model, "messages": [_user([{"type": "text", "text": LOOK}, picture])]}
        return _text(self._turn(asked, stream=False).content)


class Gemini:
    """The google-genai package."""

    refused: type[Exception] = genai_errors.ClientError
    limited: type[Exception] = genai_errors.ClientError
    broken: tuple[type[Exception], ...] = (genai_errors.APIError,)

    def __init__(self, url: str, key: str, clients: ExitStack) -> None:
        made = genai.Client(api_key=key, http_options=types.HttpOptions(base_url=url))
        self._client = clients.enter_context(made).models

    def hello(self, model: str, *, stream: bool) -> Said:
        """As in `Driver`."""
        thinking = types.ThinkingConfig(include_thoughts=True, thinking_budget=1024)
        config = types.GenerateContentConfig(thinking_config=thinking)
        parts, used, reason = self._turn(model, "Hello", config, stream=stream)
        assert reason is types.FinishReason.STOP
        thoughts = [part.text or "" for part in parts if part.thought]
        output = (used.candidates_token_count or 0) + (used.thoughts_token_count or 0)
        return Said(_plain(parts), "".join(thoughts), (used.prompt_token_count or 0, output))

    def _turn(
        self, model: str, contents: Any, config: types.GenerateContentConfig, *, stream: bool
    ) -> tuple[list[types.Part], Any, types.FinishReason | None]:
        asked: JSONObject = {"model": model, "contents": contents, "config": config}
        generate = self._client.generate_content
        answers: list[Any] = (
            list(self._client.generate_content_stream(**asked)) if stream else [generate(**asked)]
        )
        parts: list[types.Part] = []
        used, reason = None, None
        for answer in answers:
            used = answer.usage_metadata or used
            for candidate in answer.candidates or []:
                parts += (candidate.content and candidate.content.parts) or []
                reason = candidate.finish_reason or reason
        return parts, used, reason

    def round_trip(self, model: str, *, stream: bool) -> str:
        """As in `Driver`."""
        contents: list[types.Content] = [types.Content(role="user", parts=[types.Part(text=QUESTION)])]
        function = types.FunctionDeclaration(name=TOOL, parameters_json_schema=SCHEMA)
        config = types.GenerateContentConfig(tools=[types.Tool(function_declarations=[function])])
        for results in (0, 1):
            parts, _, _ = self._turn(model, contents, config, stream=stream)
            if results:
                break
            (call,) = (part.function_call for part in parts if part.function_call)
            assert (call.name, call.args) == (TOOL, CITY)
            contents.append(types.Content(role="model", parts=parts))
            response = types.FunctionResponse(id=call.id, name=TOOL, response={"output": REPORT})
            contents.append(types.Content(role="user", parts=[types.Part(function_response=response)]))
        return _plain(parts)

    def structured(self, model: str) -> object:
        """As in `Driver`."""
        config = types.GenerateContentConfig(
            response_mime_type="application/json", response_json_schema=SCHEMA
        )
        return json.loads(_plain(self._turn(model, "Where?", config, stream=False)[0]))

    def sees(self, model: str) -> str:
        """As in `Driver`."""
        picture = types.Part.from_bytes(data=base64.b64decode(PNG), mime_type="image/png")
        return _plain(self._turn(model, [LOOK, picture], types.GenerateContentConfig(), stream=False)[0])


class Ollama:
    """The ollama package."""

    refused: type[Exception] = ollama.ResponseError
    limited: type[Exception] = ollama.ResponseError
    broken: tuple[type[Exception], ...] = (ollama.ResponseError,)

    def __init__(self, url: str, key: str, clients: ExitStack) -> None:
        made = ollama.Client(host=url, headers={"Authorization": f"Bearer {key}"})
        self._client = clients.enter_context(made)

    def hello(self, model: str, *, stream: bool) -> Said:
        """As in `Driver`."""
        message, done = self._turn(
            {"model": model, "messages": [_user("Hello")], "think": True}, stream=stream
        )
        assert done.done_reason == "stop"
        return Said(message["content"], message["thinking"], (done.prompt_eval_count, done.eval_count))

    def _turn(self, asked: JSONObject, *, stream: bool) -> tuple[JSONObject, Any]:
        """The message put together, and the line that ends it."""
        answers: Any = self._client.chat(**asked, stream=stream)
        message: JSONObject = {"role": "assistant", "content": "", "thinking": "", "tool_calls": []}
        answer: Any = None
        for answer in answers if stream else [answers]:
            message["content"] += answer.message.content or ""
            message["thinking"] += answer.message.thinking or ""
            message["tool_calls"] += answer.message.tool_calls or []
        assert answer.done
        return message, answer

    def round_trip(self, model: str, *, stream: bool) -> str:
        """As in `Driver`."""
        messages: list[Any] = [_user(QUESTION)]
        tool = {"type": "function", "function": {"name": TOOL, "parameters": SCHEMA}}
        for results in (0, 1):
            asked: JSONObject = {"model": model, "messages": messages, "tools": [tool]}
            message, _ = self._turn(asked, stream=stream)
            if results:
                break
            (call,) = message["tool_calls"]
            assert (call.function.name, call.function.arguments) == (TOOL, CITY)
            messages += [message, {"role": "tool", "tool_name": TOOL, "content": REPORT}]
        return str(message["content"])

    def structured(self, model: str) -> object:
        """As in `Driver`."""
        asked: JSONObject = {"model": model, "messages": [_user("Where?")], "format": SCHEMA}
        return json.loads(self._turn(asked, stream=False)[0]["content"])

    def sees(self, model: str) -> str:
        """As in `Driver`."""
        asked: JSONObject = {"model": model, "messages": [{**_user(LOOK), "images": [PNG]}]}
        return str(self._turn(asked, stream=False)[0]["content"])


DRIVERS: Mapping[FormatName, Callable[[str, str, ExitStack], Driver]] = {
    FormatName.OPENAI_CHAT: Chat,
    FormatName.OPENAI_RESPONSES: Responses,
    FormatName.ANTHROPIC: Messages,
    FormatName.GEMINI: Gemini,
    FormatName.OLLAMA: Ollama,
}
"""The SDK of each dialect; made of the gateway's URL, a key, and what closes it."""


def _user(content: object) -> JSONObject:
    return {"role": "user", "content": content}


def _text(content: Any) -> str:
    return "".join(block.text for block in content if block.type == "text")


def _plain(parts: list[types.Part]) -> str:
    return "".join(part.text or "" for part in parts if not part.thought)
