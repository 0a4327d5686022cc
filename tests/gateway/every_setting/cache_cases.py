"""Settings of the cache of answers."""

import json

from omniroute.store.key_value import JSON
from tests.gateway.every_setting.stage import Case, Stage
from tests.recorded import Recorded
from tests.running_gateway import CHAT, Got, asking
from tests.scripted_upstream import Behaviour, answer

KNOWN, NEAR = "Explain recursion", "Explain recursion well"
SEMANTIC: dict[str, JSON] = {"cache.semanticModel": "one/embed"}


def cache_of(got: Got) -> str:
    """`HIT`, `MISS`, how a near one was found, or `-` where no cache is."""
    return got.headers.get("X-OmniRoute-Cache", "-").partition(";")[0]


async def asked_twice(stage: Stage, *, ahead_ms: int = 0) -> str:
    await stage.ask(temperature=0)
    stage.clock.ahead_ms += ahead_ms
    return cache_of(await stage.ask(temperature=0))


async def asked_again_later(stage: Stage) -> str:
    return await asked_twice(stage, ahead_ms=2000)


async def kept_in_memory(stage: Stage) -> int:
    for text in ("one", "two", "three"):
        await stage.say(text, temperature=0)
    kept: int = (await stage.manage("GET", "/api/cache/stats"))["layers"]["memory"]["entries"]
    return kept


async def asked_with_another_key(stage: Stage) -> str:
    for name in ("laptop", "phone"):
        key = await stage.running.add_key(name)
        got = await stage.running.ask(
            CHAT, asking(CHAT, "one/m-1", temperature=0), {"Authorization": f"Bearer {key}"}
        )
    return cache_of(got)


async def asked_in_other_words(stage: Stage) -> str:
    await stage.say("What is a monad?", temperature=0)
    return cache_of(await stage.say("Tell me what is a monad", temperature=0))


def by_text() -> Behaviour:
    """Embeddings whose cosine is 0.94 for the two questions, and answers to all else."""

    def chunks(request: Recorded) -> list[bytes]:
        vector = [1.0, 0.0] if NEAR not in str(request.json["input"]) else [0.94, (1 - 0.94**2) ** 0.5]
        row = {"object": "embedding", "index": 0, "embedding": vector}
        return [json.dumps({"object": "list", "data": [row], "model": "embed"}).encode()]

    return Behaviour(chunks=chunks)


async def asked_alike(stage: Stage) -> str:
    stage.upstream.by_model["embed"] = by_text()
    stage.upstream.otherwise = answer()
    await stage.say(KNOWN, temperature=0)
    await stage.running.gateway.cache.likeness.work()
    return cache_of(await stage.say(NEAR, temperature=0))


async def asked_for_vectors(stage: Stage) -> str:
    await stage.say(KNOWN, temperature=0)
    await stage.running.gateway.cache.likeness.work()
    return str(stage.upstream.requests[-1].json["model"])


CASES = (
    Case(name="cache.enabled", value=False, look=asked_twice, before="HIT", after="-"),
    Case(name="cache.ttlMs", value=1000, look=asked_again_later, before="HIT", after="MISS"),
    Case(name="cache.maxEntries", value=1, look=kept_in_memory, before=3, after=1),
    Case(name="cache.scope", value="global", look=asked_with_another_key, before="MISS", after="HIT"),
    Case(name="cache.sameWords", value=True, look=asked_in_other_words, before="MISS", after="HIT"),
    Case(
        name="cache.semantic",
        value="on",
        also=SEMANTIC | {"cache.semanticThreshold": 0.92},
        look=asked_alike,
        before="MISS",
        after="semantic",
    ),
    Case(
        name="cache.semanticThreshold",
        value=0.92,
        also=SEMANTIC | {"cache.semantic": "on"},
        look=asked_alike,
        before="MISS",
        after="semantic",
    ),
    Case(
        name="cache.semanticModel",
        value="one/embed-2",
        also=SEMANTIC | {"cache.semantic": "shadow"},
        look=asked_for_vectors,
        before="embed",
        after="embed-2",
    ),
)
