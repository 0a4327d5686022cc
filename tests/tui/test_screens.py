"""The screens as people see them, as plain text."""

import pytest
from msgspec.structs import replace
from syrupy.assertion import SnapshotAssertion
from textual.binding import Binding

from omniroute.api.live import ProviderLive
from omniroute.tui.app import OmniRouteApp
from omniroute.tui.feed import FeedLost, StatsReceived
from omniroute.tui.screens.detail import DetailScreen
from omniroute.tui.screens.keys import KeysScreen
from omniroute.tui.screens.requests import RequestsScreen
from omniroute.tui.theme import DARK, LIGHT, SIXTEEN_DARK, first_theme, other_shade
from omniroute.tui.widgets.request_table import RequestTable
from tests.tui.samples import BUSY, EMPTY, FAILED, RUNNING
from tests.tui.still import URL, shown, text_of

SIZES = [(80, 24), (160, 45)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    "keys",
    [
        pytest.param((), id="overview"),
        pytest.param(("2",), id="requests"),
        pytest.param(("2", "down", "down", "enter"), id="detail"),
        pytest.param(("2", "question_mark"), id="keys"),
    ],
)
async def test_a_busy_gateway_looks_like_this(
    keys: tuple[str, ...], size: tuple[int, int], snapshot: SnapshotAssertion
) -> None:
    async with shown(*keys, size=size) as (app, _):
        assert text_of(app) == snapshot


@pytest.mark.parametrize("keys", [(), ("2",)], ids=["overview", "requests"])
async def test_an_empty_gateway_tells_a_new_user_what_comes_next(
    keys: tuple[str, ...], snapshot: SnapshotAssertion
) -> None:
    async with shown(*keys, stats=EMPTY) as (app, _):
        assert "omniroute demo" in text_of(app)
        assert text_of(app) == snapshot


async def test_what_waits_for_a_person_is_told_in_the_list_of_providers() -> None:
    providers = [
        ProviderLive(provider="openai", accounts=1, state="idle"),
        ProviderLive(provider="huggingface", accounts=1, state="ok", requests=3, signed_out=["main"]),
        ProviderLive(provider="groq", accounts=1, state="off", requests=9, errors=9, last_error="503 busy"),
    ]
    async with shown(stats=replace(BUSY, providers=providers)) as (app, _):
        lines = text_of(app).splitlines()
        first = next(place for place, line in enumerate(lines) if "groq" in line)

        assert "✗ not asked" in lines[first]
        assert "503 busy" in lines[first]
        assert "! signed out" in lines[first + 1]
        assert "sign in: main" in lines[first + 1]
        assert "idle" in lines[first + 2]
        assert max(map(len, lines)) <= 80


async def test_no_line_is_wider_than_the_smallest_terminal() -> None:
    for keys in ((), ("2",), ("2", "enter"), ("question_mark",)):
        async with shown(*keys) as (app, _):
            assert max(len(line) for line in text_of(app).splitlines()) <= 80
            assert "q Quit" in text_of(app)


async def test_a_lost_gateway_leaves_the_picture_and_says_since_when(snapshot: SnapshotAssertion) -> None:
    async with shown() as (app, pilot):
        for reason in ("connection refused", "no gateway is running; start one with: omniroute serve"):
            app.post_message(FeedLost(reason))
            await pilot.pause()
        # The notice takes a line, and the list that is too long now gets its scrollbar a moment later.
        while "▆" not in text_of(app):
            await pilot.pause()

        assert app.screen.has_class("-lost")
        assert "11.2k/15m" in text_of(app)
        assert text_of(app) == snapshot


async def test_a_gateway_that_comes_back_takes_the_line_away() -> None:
    async with shown() as (app, pilot):
        app.post_message(FeedLost("connection refused"))
        await pilot.pause()
        assert "not reachable since 12:03:15, retrying" in text_of(app)

        app.post_message(StatsReceived(EMPTY, "http://127.0.0.1:9"))
        await pilot.pause()

        assert not app.screen.has_class("-lost")
        assert "not reachable" not in text_of(app)
        assert "● live  127.0.0.1:9" in text_of(app)


async def test_a_screen_opened_while_the_gateway_is_lost_says_so_too() -> None:
    async with shown() as (app, pilot):
        app.post_message(FeedLost("connection refused"))
        await pilot.press("2")
        await pilot.pause()

        assert "not reachable since 12:03:15, retrying: connection refused" in text_of(app)
        assert "claude-opus-4-5" in text_of(app)


async def test_tab_and_digits_switch_screens() -> None:
    async with shown() as (app, pilot):
        seen = []
        for key in ("tab", "tab", "2", "1", "1"):
            await pilot.press(key)
            seen.append(app.current_mode)

        assert seen == ["requests", "overview", "requests", "overview", "overview"]


async def test_the_mouse_switches_screens() -> None:
    async with shown() as (app, pilot):
        await pilot.click(offset=(29, 0))
        await pilot.pause()

        assert app.current_mode == "requests"


async def test_q_leaves() -> None:
    async with shown() as (app, pilot):
        await pilot.press("q")

        assert not app.is_running or app._exit


async def test_errors_only_shows_what_went_wrong() -> None:
    async with shown("2", "e") as (app, pilot):
        assert "2 of the last 5" in text_of(app)
        assert "claude-opus" not in text_of(app)

        await pilot.press("e")
        assert "5 of the last 5" in text_of(app)


async def test_a_filter_narrows_as_one_types_and_escape_shows_all_again() -> None:
    async with shown("2", "slash", *"openai") as (app, pilot):
        assert "1 of the last 5" in text_of(app)
        assert "gpt-5.2" in text_of(app)

        await pilot.press("enter", "escape")
        await pilot.pause()
        assert "5 of the last 5" in text_of(app)


async def test_typing_a_filter_neither_leaves_nor_switches() -> None:
    async with shown("2", "slash", *"q1epft?") as (app, _):
        assert app.current_mode == "requests"
        assert "No request matches" in text_of(app)


async def test_a_paused_table_stays_until_it_goes_on() -> None:
    async with shown("2", "p") as (app, pilot):
        app.post_message(StatsReceived(EMPTY, URL))
        await pilot.pause()
        assert "paused" in text_of(app)
        assert "claude-opus" in text_of(app)

        await pilot.press("p")
        assert "No request yet" in text_of(app)


async def test_the_cursor_follows_the_newest_until_moved_then_stays_with_its_request() -> None:
    newer = replace(RUNNING, id="r-newer", model="newest-model")
    async with shown("2") as (app, pilot):
        table = app.screen.query_one(RequestTable)
        later = replace(BUSY, requests=[newer, *BUSY.requests])

        await pilot.press("down")
        app.post_message(StatsReceived(later, URL))
        await pilot.pause()
        assert table.requests[table.cursor].id == BUSY.requests[1].id

        await pilot.press("f")
        assert table.requests[table.cursor].id == "r-newer"


async def test_a_long_table_scrolls_with_its_cursor() -> None:
    many = [replace(RUNNING, id=f"r{place}", model=f"model-{place}") for place in range(200)]
    async with shown("2", "end", stats=replace(BUSY, requests=many)) as (app, pilot):
        assert "model-199" in text_of(app)
        assert "Provider" in text_of(app)

        await pilot.press("pageup")
        assert "▸" in text_of(app)

        await pilot.press("home")
        assert "model-0 " in text_of(app)


async def test_a_double_click_opens_the_request() -> None:
    async with shown("2") as (app, pilot):
        await pilot.click(RequestTable, offset=(20, 3), times=2)
        await app.workers.wait_for_complete()
        await pilot.pause()

        assert isinstance(app.screen, DetailScreen)
        assert FAILED.id in text_of(app)


async def test_a_running_request_goes_on_in_its_detail_and_its_log_is_read_when_it_ended() -> None:
    async with shown("2", "enter") as (app, pilot):
        assert "2.25s so far" in text_of(app)

        ended = replace(RUNNING, state="ok", status=200, duration_ms=9_000, tokens_out=321)
        app.post_message(StatsReceived(replace(BUSY, requests=[ended]), URL))
        await pilot.pause()
        await app.workers.wait_for_complete()
        await pilot.pause()

        assert "Took        9.00s, first byte" in text_of(app)
        assert "Tokens out  321" in text_of(app)
        assert "tries not to be had: no request 'r-running'" in text_of(app)


async def test_escape_leads_back_from_the_detail() -> None:
    async with shown("2", "enter", "escape") as (app, _):
        assert "5 of the last 5" in text_of(app)


async def test_t_changes_light_and_dark() -> None:
    async with shown() as (app, pilot):
        assert app.theme == DARK
        await pilot.press("t")
        assert app.theme == LIGHT
        await pilot.press("t")
        assert app.theme == DARK


def test_every_binding_has_an_id_of_its_own() -> None:
    owners = (OmniRouteApp, RequestsScreen, DetailScreen, KeysScreen, RequestTable)
    ids = [
        binding.id if isinstance(binding, Binding) else None
        for owner in owners
        for binding in owner.__dict__["BINDINGS"]
    ]

    assert None not in ids
    assert len(set(ids)) == len(ids) > 15


@pytest.mark.parametrize(
    ("colors", "theme"),
    [("truecolor", DARK), ("256", DARK), ("standard", SIXTEEN_DARK), (None, SIXTEEN_DARK)],
)
def test_a_terminal_of_sixteen_colours_keeps_its_own(colors: str | None, theme: str) -> None:
    assert first_theme(colors) == theme


def test_the_other_shade_of_the_other_shade_is_the_first() -> None:
    for name in (DARK, LIGHT, SIXTEEN_DARK):
        assert other_shade(name) != name
        assert other_shade(other_shade(name)) == name


async def test_without_colours_words_say_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with shown() as (app, pilot):
        words = text_of(app)
        await pilot.press("2")

        assert "✗ failing" in words
        assert "! cooling down" in words
        assert "error 502" in text_of(app)


async def test_the_detail_of_a_failure_shows_all_tries_without_scrolling() -> None:
    async with shown("2", "down", "down", "enter") as (app, _):
        for said in ("rate_limited", "connect", "overloaded"):
            assert said in text_of(app)


async def test_keys_still_work_when_the_table_became_empty_behind_a_detail() -> None:
    async with shown("2", "enter") as (app, pilot):
        app.post_message(StatsReceived(EMPTY, URL))
        await pilot.pause()
        await pilot.press("escape")
        await pilot.pause()
        await pilot.press("1")

        assert app.current_mode == "overview"
