"""The catalogue as shipped, and as the user changes it."""

import re
import time
from collections import Counter
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

import pytest

from omniroute.errors import ConfigError
from omniroute.providers.document import read_provider
from omniroute.providers.load import load_catalogue, names_of
from omniroute.providers.wire import format_url
from omniroute.records import (
    Account,
    AuthKind,
    Category,
    FormatName,
    ModelKind,
    Price,
    Provider,
    ProviderStatus,
)

SEED_PREFIXES = {
    "cc": "claude",
    "cx": "codex",
    "gh": "github",
    "cu": "cursor",
    "ag": "antigravity",
    "gc": "gemini-cli",
    "kr": "kiro",
    "kmc": "kimi-coding",
    "kc": "kilocode",
    "cl": "cline",
    "qw": "qwen",
    "if": "iflow",
    "claudeCode": "claude",
}


@pytest.fixture(scope="module")
def catalogue() -> Mapping[str, Provider]:
    return load_catalogue()


def prices(catalogue: Mapping[str, Provider]) -> list[tuple[str, Price]]:
    return [
        (f"{provider.id}/{model.id}", model.price)
        for provider in catalogue.values()
        for model in provider.models
        if model.price is not None
    ]


def test_every_provider_has_its_place_by_status_and_category(catalogue: Mapping[str, Provider]) -> None:
    assert Counter(str(provider.status) for provider in catalogue.values()) == {
        "active": 86,
        "restricted": 5,
        "forbidden": 2,
        "retired": 3,
        "private-api": 1,
        "retired-for-consumers": 1,
    }
    assert Counter(str(provider.category) for provider in catalogue.values()) == {
        "api-key": 72,
        "local": 13,
        "subscription": 8,
        "free": 5,
    }


def test_whoever_is_not_active_says_why_and_what_to_use_instead(catalogue: Mapping[str, Provider]) -> None:
    for provider in catalogue.values():
        if provider.status is not ProviderStatus.ACTIVE:
            note = provider.status_note or ""
            assert re.search(r"\bUse\b|\bwith a key\b|\btake a\b", note), provider.id
            named = re.findall(r"`([a-z0-9-]+)`", note)
            assert all(catalogue[other].status is ProviderStatus.ACTIVE for other in named), provider.id


def test_names_are_unique_and_the_old_prefixes_still_work(catalogue: Mapping[str, Provider]) -> None:
    names = names_of(catalogue)
    assert len(names) == sum(1 + len(provider.aliases) for provider in catalogue.values())
    assert {prefix: names[prefix] for prefix in SEED_PREFIXES} == SEED_PREFIXES


def test_every_active_provider_of_chat_models_can_be_reached(catalogue: Mapping[str, Provider]) -> None:
    for provider in catalogue.values():
        chats = any(model.kind is ModelKind.CHAT for model in provider.models)
        if provider.status is ProviderStatus.ACTIVE and chats and provider.id not in ("replicate",):
            assert provider.formats, provider.id
        account = Account(
            id="a",
            provider_id=provider.id,
            name="a",
            priority=1,
            variables=dict.fromkeys(provider.placeholders, "mine"),
        )
        for format in provider.formats:
            url = format_url(provider, account, format, model="some/model-1", stream=True)
            assert re.fullmatch(r"https?://[^{}\s]+", url), url


def test_models_are_served_in_dialects_of_their_provider(catalogue: Mapping[str, Provider]) -> None:
    for provider in catalogue.values():
        for model in provider.models:
            assert set(model.formats) <= provider.formats.keys(), model.id


def test_prices_are_those_of_tokens_and_say_when_they_were_read(catalogue: Mapping[str, Provider]) -> None:
    priced = prices(catalogue)
    assert len(priced) > 300
    for name, price in priced:
        assert re.fullmatch(r"catalogue 2026-\d\d-\d\d", price.source), name
        for rates in (price.rates, *(rates for _, rates in price.above)):
            assert rates.input is not None, name
            assert 0 <= rates.input <= 200 * 10**9, name
            assert rates.output is None or 0 <= rates.output <= 1000 * 10**9, name
            if rates.cache_read is not None:
                assert rates.cache_read <= rates.input, name


def test_a_key_in_the_environment_belongs_to_one_provider(catalogue: Mapping[str, Provider]) -> None:
    keys = Counter(key for provider in catalogue.values() for key in provider.env_keys)
    assert [key for key, count in keys.items() if count > 1] == []


def test_hosted_providers_want_a_key_and_local_ones_do_not(catalogue: Mapping[str, Provider]) -> None:
    for provider in catalogue.values():
        without = not provider.auth or any(auth.kind is AuthKind.NONE for auth in provider.auth)
        if provider.formats or provider.endpoints:
            assert without is (provider.category is Category.LOCAL), provider.id


def test_files_are_short_enough_to_be_read_and_begin_with_their_date() -> None:
    for entry in files("omniroute.providers").joinpath("catalog").iterdir():
        lines = entry.read_text(encoding="utf-8").splitlines()
        assert len(lines) < 2000, entry.name
        assert re.match(r"# .*\d{4}-\d\d-\d\d", lines[0]), entry.name


def test_the_catalogue_loads_fast_enough_for_every_start() -> None:
    load_catalogue()
    started = time.process_time()
    load_catalogue()
    assert time.process_time() - started < 0.5  # 0.05 s on a quiet machine


MINIMAL = """
id = "acme"
name = "Acme"
category = "api-key"
base_url = "https://api.acme.example/v1"
[formats]
openai-chat = "/chat/completions"
"""


def test_a_file_of_the_user_adds_a_provider(tmp_path: Path) -> None:
    (tmp_path / "acme.toml").write_text(MINIMAL)
    assert load_catalogue(tmp_path)["acme"].formats == {
        FormatName.OPENAI_CHAT: "https://api.acme.example/v1/chat/completions"
    }


def test_a_file_of_the_user_changes_what_it_names_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "openai.toml").write_text(
        'name = "Ours"\n[[models]]\nid = "gpt-5.5"\nprice_usd_per_mtok = { input = 1.5, output = 2 }\n'
    )
    shipped, ours = load_catalogue()["openai"], load_catalogue(tmp_path)["openai"]
    assert (ours.name, ours.formats, len(ours.models)) == ("Ours", shipped.formats, len(shipped.models))
    before, after = shipped.model("gpt-5.5"), ours.model("gpt-5.5")
    assert before is not None
    assert after is not None
    assert after.context_tokens == before.context_tokens
    assert after.price is not None
    assert (after.price.rates.input, after.price.source) == (1_500_000_000, "custom")


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        ('colour = "red"', r"acme\.toml: colour is not a known key"),
        ("name = 3", r"name must be text"),
        ('category = "other"', r"category must be one of"),
        ('base_url = "ftp://acme.example"', r"base_url must be an http"),
        ('base_url = "https://{region}.acme.example"', r"base_url uses \{region\}"),
        ('aliases = ["openai"]', r"acme\.toml: aliases holds 'openai'"),
        ('status = "retired"', r"status_note is missing"),
        ('id = "acme2"', r"id must be 'acme'"),
        ('[formats]\nbedrock = "/x"', r"formats\.bedrock must be one of"),
        ('[formats]\nopenai-chat = "nowhere"', r"formats\.openai-chat must be an http"),
        ('[[models]]\nid = "m"\nkind = "chess"', r"models\[m\]\.kind must be one of"),
        ('[[models]]\nid = "m"\ncontext_tokens = -1', r"context_tokens must be a whole number"),
        ('[[models]]\nid = "m"\n[[models]]\nid = "m"', r"models\[m\]\.id stands twice"),
        ('[[models]]\nid = "m"\nprice_usd_per_mtok = { input = -1 }', r"input must be a number"),
        ('[[models]]\nid = "m"\nprice_usd_per_mtok = { output = 1 }', r"input is missing"),
        ('[[models]]\nid = "m"\nprice_usd_per_mtok = { input = 1, euro = 1 }', r"euro is not a known key"),
        ('auth = [{ kind = "header" }]', r"auth\[0\]\.name is missing"),
        ("notes = [1]", r"notes must be a list of texts"),
        ("name = ", r"acme\.toml: "),
    ],
)
def test_a_wrong_file_is_refused_by_name_and_key(tmp_path: Path, written: str, complaint: str) -> None:
    top, _, formats = MINIMAL.partition("[formats]")
    key = written.partition(" ")[0]
    kept = [line for line in top.splitlines() if not line.startswith(f"{key} ")]
    tables = [] if "[formats]" in written else ["[formats]", formats]
    parts = [*tables, written] if written.startswith("[") else [written, *tables]
    (tmp_path / "acme.toml").write_text("\n".join([*kept, *parts]))
    with pytest.raises(ConfigError, match=complaint):
        load_catalogue(tmp_path)


def test_a_shipped_price_must_say_when_it_was_read() -> None:
    document = {
        "id": "acme",
        "name": "Acme",
        "category": "api-key",
        "models": [{"id": "m", "price_usd_per_mtok": {"input": 1}}],
    }
    with pytest.raises(ConfigError, match=r"acme\.toml: models\[m\]\.price_usd_per_mtok\.checked is missing"):
        read_provider(document, "acme.toml")
