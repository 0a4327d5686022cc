"""The official Node SDKs and Vercel's on models of every dialect.

They are looked for in the directory OMNIROUTE_TEST_NODE_MODULES; without them these tests are skipped.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from omniroute.records import FormatName
from tests.journeys.weather_model import CITY, HELLO, PNG, QUESTION, REPORT, SCHEMA, SEEN, THOUGHT, TOLD, TOOL
from tests.journeys.weather_place import weather_place

DIRECTORY = "OMNIROUTE_TEST_NODE_MODULES"
SCRIPT = Path(__file__).parent / "node" / "sdks.mjs"
OFFICIAL = ("openai", "@anthropic-ai/sdk", "@google/genai", "ollama")
VERCEL = ("openai", "openai-compatible", "anthropic", "google")
PACKAGES = (*OFFICIAL, "ai", *(f"@ai-sdk/{name}" for name in VERCEL))
SDKS = ("openai chat", "openai responses", "anthropic", "genai", "ollama",
        "ai openai", "ai openai chat", "ai compatible", "ai anthropic", "ai google")  # fmt: skip
WORDS = {"question": QUESTION, "report": REPORT, "schema": SCHEMA, "name": TOOL, "png": PNG}
SAID = {
    "whole": {"text": HELLO, "thought": THOUGHT},
    "stream": {"text": HELLO, "thought": THOUGHT},
    "round trip": {"input": CITY, "text": TOLD},
    "streamed round trip": {"input": CITY, "text": TOLD},
    "structured": CITY,
    "picture": SEEN,
}
WITHOUT_THOUGHT = {"whole": {"text": HELLO}, "stream": {"text": HELLO}}
"""Vercel's package for OpenAI reads no thoughts from a chat: OpenAI itself sends none."""
PATIENCE_S = 100


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """By SDK, dialect, and what was asked."""
    node, modules = shutil.which("node"), Path(os.environ.get(DIRECTORY, "nowhere"))
    missing = [package for package in PACKAGES if not (modules / package).is_dir()]
    if node is None or missing:
        reason = "no `node`" if node is None else f"no {', '.join(missing)} in {modules}"
        pytest.skip(f"{reason}; {DIRECTORY} names the directory that holds the packages")
    directory = tmp_path_factory.mktemp("node")
    shutil.copy(SCRIPT, directory)
    (directory / "node_modules").symlink_to(modules)
    with weather_place(directory, (name.replace(" ", "-") for name in SDKS)) as place:
        targets = json.dumps([dialect.value for dialect in FormatName])
        variables = {"BASE": place.url, "KEY": place.key, "TARGETS": targets, "WORDS": json.dumps(WORDS)}
        done = subprocess.run(
            [node, SCRIPT.name],
            env={"PATH": os.environ["PATH"], "HOME": str(directory), **variables},
            cwd=directory,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])  # Vercel prints warnings before it


@pytest.mark.parametrize("dialect", FormatName)
@pytest.mark.parametrize("sdk", SDKS)
def test_node_sdk(outcomes: Any, sdk: str, dialect: FormatName) -> None:
    seen = outcomes[sdk][dialect.value]
    said = SAID | (WITHOUT_THOUGHT if sdk == "ai openai chat" else {})
    assert {asked: seen[asked] for asked in said} == said
    assert seen["refused"]["failed"]
    assert "temperature is too hot" in seen["refused"]["message"]
    assert seen["refused"]["status"] == 400
    assert seen["cut"].get("failed"), seen["cut"]
