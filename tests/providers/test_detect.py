"""Local servers told apart by their answers."""

import json

import pytest

from omniroute.providers.detect import identify, probes
from omniroute.providers.load import load_catalogue
from omniroute.records import Category

CATALOGUE = load_catalogue()
PROBES = {probe.provider_id: probe for probe in probes(CATALOGUE)}

ANSWERS: dict[str, object] = {
    "ollama": {"version": "0.15.1"},
    "lm-studio": {"data": [{"id": "m", "object": "model", "state": "loaded"}], "object": "list"},
    "vllm": {"object": "list", "data": [{"id": "m", "owned_by": "vllm", "max_model_len": 4096}]},
    "llama-cpp": {"default_generation_settings": {"n_ctx": 4096}, "total_slots": 1},
    "sglang": {"model_path": "m", "is_generation": True},
    "docker-model-runner": {"object": "list", "data": [{"id": "ai/m", "owned_by": "docker"}]},
    "llamafile": {"object": "list", "data": [{"id": "m", "owned_by": "llamafile"}]},
    "lemonade": {"status": "ok", "model_loaded": None},
    "xinference": {"object": "list", "data": [{"id": "m", "owned_by": "xinference"}]},
    "triton": {"name": "triton", "version": "2.6"},
    "oobabooga": {"model_name": "m", "lora_names": []},
    "sdwebui": [{"title": "sd", "model_name": "sd"}],
    "comfyui": {"system": {"os": "posix"}, "devices": []},
}


def test_every_local_provider_has_a_probe_at_its_own_address() -> None:
    local = {provider.id for provider in CATALOGUE.values() if provider.category is Category.LOCAL}
    assert PROBES.keys() == local
    assert PROBES["ollama"].url == "http://localhost:11434/api/version"
    assert PROBES["lemonade"].url == "http://localhost:13305/api/v1/health"
    assert PROBES["vllm"].base_url == "http://localhost:8000/v1"


@pytest.mark.parametrize("server", ANSWERS)
def test_an_answer_belongs_to_one_server(server: str) -> None:
    body = json.dumps(ANSWERS[server]).encode()
    matching = [other for other, probe in PROBES.items() if identify(other, probe.path, 200, body)]
    assert matching == [server]


@pytest.mark.parametrize("server", ANSWERS)
@pytest.mark.parametrize(
    ("status", "body"),
    [(200, b""), (200, b"<html>hello</html>"), (200, b"{}"), (200, b"\xff"), (200, b"null"), (404, b"{}")],
)
def test_any_other_server_is_not_taken_for_one(server: str, status: int, body: bytes) -> None:
    assert not identify(server, PROBES[server].path, status, body)


def test_an_error_or_another_path_tells_nothing() -> None:
    body = json.dumps(ANSWERS["ollama"]).encode()
    assert not identify("ollama", "/api/version", 500, body)
    assert not identify("ollama", "/elsewhere", 200, body)
