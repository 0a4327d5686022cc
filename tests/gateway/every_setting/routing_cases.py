"""Settings of where requests go."""

from omniroute.records import Strategy
from omniroute.store.key_value import JSON
from tests import scripted_upstream as script
from tests.gateway.every_setting.stage import Case, Stage
from tests.running_gateway import CHAT, asking

TURNS: dict[str, JSON] = {"fallbackStrategy": "round-robin", "sessionAffinity": False}
SHARP: dict[str, JSON] = {"sessionAffinity": False}


async def accounts_of_six(stage: Stage) -> str:
    for _ in range(6):
        assert (await stage.ask()).status == 200
    return " ".join(stage.accounts())


async def status_of(stage: Stage, model: str) -> int:
    return (await stage.ask(model)).status


async def own_name(stage: Stage) -> int:
    return await status_of(stage, "my-model")


async def unheard_of(stage: Stage) -> int:
    return await status_of(stage, "never-heard-of")


async def first_of_both(stage: Stage) -> int:
    return await status_of(stage, "one/m-1")


async def attempts_at_a_failing_member(stage: Stage) -> str:
    """A combo of one member, of one account, that never works."""
    stage.upstream.by_model["bad"] = script.error(500)
    await stage.running.add_combo("far", "two/bad")
    return (await stage.ask("far")).headers["X-OmniRoute-Attempts"]


async def waited_before_the_retry(stage: Stage) -> bool:
    await stage.running.add_combo("far", "two/bad")
    stage.upstream.by_model["bad"] = script.error(500)
    started_s = stage.clock.monotonic_s()
    await stage.ask("far")
    return stage.clock.monotonic_s() - started_s > 0.3


async def what_a_slow_member_did(stage: Stage) -> str | None:
    stage.upstream.by_model["bad"] = script.slow_first_byte()
    await stage.running.add_combo("far", "two/bad", "one/m-1")
    assert (await stage.ask("far")).status == 200
    row = (await stage.running.rows())[-1]
    return (row.attempts[0].failure or "").partition(":")[0]


async def depth(stage: Stage) -> int:
    await stage.running.add_combo("inner", "one/m-1")
    await stage.running.add_combo("outer", "inner")
    return await status_of(stage, "outer")


async def counted(stage: Stage) -> tuple[int, int]:
    """What is told of a combo, and what its strategy `least-used` goes by."""
    await stage.running.add_combo("far", "one/m-1", "two/m-1", strategy=Strategy.LEAST_USED)
    for _ in range(2):
        await stage.ask("far")
    shown = (await stage.manage("GET", "/api/combos/metrics?combo=far"))["metrics"]
    providers = {row.provider for row in await stage.running.rows()}
    return (0 if shown is None else shown["totalRequests"]), len(providers)


async def auto_mode(stage: Stage) -> str:
    await stage.running.add_combo("far", "one/m-1", "two/m-1", strategy=Strategy.AUTO)
    await stage.ask("far")
    found: str = (await stage.decision())["strategy"]
    return found


async def filtered(stage: Stage) -> int:
    refusal = b'{"error": {"message": "filtered", "code": "content_filter", "type": "invalid_request_error"}}'
    stage.upstream.by_model["bad"] = script.body(refusal, status=400)
    await stage.running.add_combo("far", "two/bad", "one/m-1")
    return await status_of(stage, "far")


async def cut_off(stage: Stage) -> bool:
    """Whether the client of a stream that breaks gets it to its end."""
    stage.upstream.by_model["bad"] = script.cut_after_content()
    await stage.running.add_combo("far", "two/bad", "one/m-1")
    got = await stage.running.ask(CHAT, asking(CHAT, "far", stream=True))
    return b"[DONE]" in got.body


CASES = (
    Case(
        name="fallbackStrategy",
        value="round-robin",
        also={"sessionAffinity": False},
        look=accounts_of_six,
        before="first first first first first first",
        after="first first first second second second",
    ),
    Case(
        name="providerStrategies",
        value={"one": "round-robin"},
        also={"sessionAffinity": False},
        look=accounts_of_six,
        before="first first first first first first",
        after="first first first second second second",
    ),
    Case(
        name="stickyRoundRobinLimit",
        value=1,
        also=TURNS,
        look=accounts_of_six,
        before="first first first second second second",
        after="first second first second first second",
    ),
    Case(
        name="sessionAffinity",
        value=False,
        also={"fallbackStrategy": "round-robin", "stickyRoundRobinLimit": 3},
        look=lambda stage: distinct(stage),
        before=1,
        after=2,
    ),
    Case(
        name="wildcardAliases",
        value=[{"pattern": "my-*", "target": "one/m-1"}],
        look=own_name,
        before=404,
        after=200,
    ),
    Case(name="unknownModelProvider", value="one", look=unheard_of, before=404, after=200),
    Case(name="blockedProviders", value=["one"], look=first_of_both, before=200, after=403),
    Case(
        name="comboDefaults.maxRetries",
        value=0,
        also={"comboDefaults.retryDelayMs": 0},
        look=attempts_at_a_failing_member,
        before="2",
        after="1",
    ),
    Case(
        name="providerOverrides",
        value={"two": {"maxRetries": 0}},
        also={"comboDefaults.retryDelayMs": 0},
        look=attempts_at_a_failing_member,
        before="2",
        after="1",
    ),
    Case(
        name="comboDefaults.retryDelayMs",
        value=500,
        also={"comboDefaults.retryDelayMs": 1},
        look=waited_before_the_retry,
        before=False,
        after=True,
    ),
    Case(
        name="comboDefaults.timeoutMs",
        value=1000,
        process={"fetch_timeout_ms": 1200, "whole_timeout_ms": 1200},
        look=what_a_slow_member_did,
        before="slow",
        after="overdue",
    ),
    Case(name="comboDefaults.maxComboDepth", value=1, look=depth, before=200, after=404),
    Case(name="comboDefaults.trackMetrics", value=False, look=counted, before=(2, 2), after=(0, 1)),
    Case(
        name="comboDefaults.autoMode",
        value="fast",
        look=auto_mode,
        before="auto (balanced)",
        after="auto (fast)",
    ),
    Case(name="comboDefaults.fallBackOnContent", value=True, look=filtered, before=400, after=200),
    Case(name="comboDefaults.continueAfterCut", value=True, look=cut_off, before=False, after=True),
)


async def distinct(stage: Stage) -> int:
    return len(set((await accounts_of_six(stage)).split()))
