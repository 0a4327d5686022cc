"""However a client spells a path, it leads to one route."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from omniroute.server.paths import Match, Table, canonical_path

SPELLINGS = {
    "/v1/chat/completions": "/v1/chat/completions",
    "/v1/v1/chat/completions": "/v1/chat/completions",
    "/v1/v1/v1/chat/completions": "/v1/chat/completions",
    "//v1/chat/completions": "/v1/chat/completions",
    "/v1//chat///completions/": "/v1/chat/completions",
    "/v1/chat/completions/": "/v1/chat/completions",
    "/api/v1/chat/completions": "/v1/chat/completions",
    "/api/v1/v1/chat/completions": "/v1/chat/completions",
    "/chat/completions": "/v1/chat/completions",
    "/responses": "/v1/responses",
    "/messages": "/v1/messages",
    "/messages/": "/v1/messages",
    "/models": "/v1/models",
    "/embeddings": "/v1/embeddings",
    "/codex": "/v1/responses",
    "/codex/responses": "/v1/responses",
    "/api/v1": "/v1",
    "/v1/": "/v1",
    "/v1/v1": "/v1",
    "/": "/",
    "//": "/",
    "": "",
    "/api/v1beta/models/x": "/v1beta/models/x",
    "/v1alpha/models/x": "/v1beta/models/x",
    "/v1/api/chat": "/api/chat",
    "/v1beta/tunedModels/x:generateContent": "/v1beta/models/x:generateContent",
    "/v1alpha/tunedModels/x": "/v1beta/models/x",
    "/v1/tunedModels/x": "/v1/models/x",
    "/v1/tunedModels": "/v1/tunedModels",
    "/messages/count_tokens": "/v1/messages/count_tokens",
    "/responses/input_tokens/": "/v1/responses/input_tokens",
    "/v1/api/v1/chat/completions": "/v1/chat/completions",
    "/api/providers": "/api/providers",
    "/api/v1x": "/api/v1x",
    "/v1/models/a%2Fb": "/v1/models/a%2Fb",
    "/chat/completions/x": "/chat/completions/x",
}
WORDS = (
    "v1",
    "v1beta",
    "v1alpha",
    "api",
    "codex",
    "chat",
    "completions",
    "models",
    "tunedModels",
    "messages",
    "responses",
    "",
    "x",
)


@pytest.mark.parametrize("path", SPELLINGS)
def test_a_path_is_put_right(path: str) -> None:
    assert canonical_path(path) == SPELLINGS[path]


@given(st.lists(st.sampled_from(WORDS), max_size=8))
@example(["", "v1", "api", "v1", "v1", "codex"])
def test_a_path_that_was_put_right_stays(words: list[str]) -> None:
    path = "/".join(["", *words])
    once = canonical_path(path)
    assert canonical_path(once) == once


@given(st.text("/v1apicodex%é", max_size=30))
def test_any_path_has_one_right_form(text: str) -> None:
    once = canonical_path(f"/{text}")
    assert canonical_path(once) == once
    assert once.startswith("/")


TABLE = Table(
    [
        ("GET", "/v1/models", "list"),
        ("GET", "/v1/models/{...id}", "one"),
        ("POST", "/v1/models/{...id}", "verb"),
        ("GET", "/v1/models/fixed", "fixed"),
        ("POST", "/v1/providers/{provider}/messages", "messages"),
    ]
)


@pytest.mark.parametrize(
    ("path", "match"),
    [
        ("/v1/models", Match({"GET": "list"}, {})),
        ("/v1/models/fixed", Match({"GET": "fixed"}, {})),
        ("/v1/models/a", Match({"GET": "one", "POST": "verb"}, {"id": "a"})),
        ("/v1/models/a/b:c", Match({"GET": "one", "POST": "verb"}, {"id": "a/b:c"})),
        ("/v1/models/a%2Fb%20c", Match({"GET": "one", "POST": "verb"}, {"id": "a/b c"})),
        ("/v1/models/", None),
        ("/v1/providers/p/messages", Match({"POST": "messages"}, {"provider": "p"})),
        ("/v1/providers/a%2Fb/messages", Match({"POST": "messages"}, {"provider": "a/b"})),
        ("/v1/providers//messages", None),
        ("/v1/providers/p/messages/more", None),
        ("/v1/providers/p", None),
        ("/nowhere", None),
    ],
)
def test_a_path_finds_its_routes_and_names(path: str, match: Match[str] | None) -> None:
    assert TABLE.find(path) == match
