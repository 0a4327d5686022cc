"""Answers that the gateway keeps."""

from typing import Annotated

import typer

from omniroute.cli import output, words
from omniroute.cli.gateway import client


def register(app: typer.Typer) -> None:
    """Add `cache`."""
    group = typer.Typer(no_args_is_help=True, help="See and empty the cache of answers.")
    group.command("stats")(_stats)
    group.command("clear")(_clear)
    group.command("report")(_report)
    app.add_typer(group, name="cache")


def _stats(*, as_json: output.Json = False) -> None:
    """Show what the cache holds, and what it spared since the start.

    \b
    Example:
      omniroute cache stats
    """
    from omniroute.client.cache import cache_overview, cache_stats

    with client() as gateway:
        stats = cache_stats(gateway)
        if as_json:
            output.document(stats)
            return
        sums = cache_overview(gateway).semantic_cache
    memory, disk = stats.layers.memory, stats.layers.disk
    output.fields(
        (
            ("hits", words.count(stats.hits)),
            ("misses", words.count(stats.misses)),
            ("hit rate", f"{stats.hit_rate:g} %"),
            ("tokens saved", words.count(sums.tokens_saved)),
            ("cost saved", words.money(sums.cost_saved_usd)),
            ("in memory", f"{memory.entries:,} of {memory.max_entries:,} ({_size(memory.size_bytes)})"),
            ("on disk", f"{disk.entries:,} of {disk.max_entries:,} ({_size(disk.size_bytes)})"),
            ("idempotency keys", words.count(stats.layers.idempotency.active_keys)),
        )
    )


def _clear(
    *,
    model: Annotated[
        str | None, typer.Option(metavar="MODEL", help="Only answers to requests for this name.")
    ] = None,
    as_json: output.Json = False,
) -> None:
    """Forget kept answers. The counters stay.

    \b
    Example:
      omniroute cache clear --model openai/gpt-5.1
    """
    from omniroute.client.cache import clear_cache

    with client() as gateway:
        cleared = clear_cache(gateway, model)
    if as_json:
        output.document(cleared)
        return
    removed = cleared.removed
    output.say(f"forgotten: {removed.memory:,} in memory, {removed.db:,} on disk")


def _report(*, as_json: output.Json = False) -> None:
    """Show what the semantic tier would have answered while it is in shadow: judge each pair.

    \b
    Example:
      omniroute cache report
    """
    from omniroute.client.cache import cache_report

    with client() as gateway:
        report = cache_report(gateway)
    if as_json:
        output.document(report)
        return
    if not report.would_be_hits:
        output.say(f"nothing yet; the semantic tier is {report.mode}")
        return
    rows = [
        (
            words.local(hit.at),
            f"{hit.score:.3f}",
            hit.model,
            words.one_line(hit.asked),
            words.one_line(hit.known),
        )
        for hit in report.would_be_hits
    ]
    output.table(("time", "score", "model", "asked", "would be answered as"), rows, right=(1,))


def _size(size_bytes: int) -> str:
    return f"{size_bytes / 1024:,.0f} kB" if size_bytes < 1024 * 1024 else f"{size_bytes / 1024**2:,.1f} MB"
