"""Combos as people read them."""

from typing import TYPE_CHECKING

from omniroute.cli import output, words

if TYPE_CHECKING:
    from omniroute.api.combos import Combo, ComboMetrics, ComboModel, ComboTestResult


def print_combo(combo: "Combo", *, as_json: bool) -> None:
    """The combo, for people or for scripts."""
    if as_json:
        output.document(combo)
        return
    facts(combo)


def facts(combo: "Combo") -> None:
    """What it is."""
    import msgspec

    from omniroute.cli.assign import flat

    config = flat(msgspec.to_builtins(combo.config)) if msgspec.to_builtins(combo.config) else []
    output.fields(
        (
            ("name", combo.name),
            ("id", combo.id),
            ("strategy", combo.strategy.value),
            ("state", "on" if combo.is_active else "off"),
            ("models", " > ".join(_written(model) for model in combo.models) or output.UNKNOWN),
            ("asks", " > ".join(combo.resolved_models) or output.UNKNOWN),
            ("settings", ", ".join(f"{name}={value}" for name, value in config) or "the usual ones"),
            ("created", words.local(combo.created_at)),
            ("changed", words.local(combo.updated_at)),
        )
    )
    for warning in combo.warnings:
        output.say(f"warning: {words.one_line(warning)}")


def _written(model: "str | ComboModel") -> str:
    from msgspec import UNSET

    if isinstance(model, str):
        return model
    weight = "" if model.weight is UNSET else f"={model.weight:g}"
    accounts = "" if model.accounts is UNSET else f" (only {', '.join(model.accounts)})"
    return f"{model.model}{weight}{accounts}"


def metrics(counts: "ComboMetrics") -> None:
    """What it did."""
    output.line(
        f"{words.requests(counts.total_requests)}, {counts.success_rate} % answered, "
        f"{words.counted(counts.total_fallbacks, 'fallback')}, "
        f"{words.milliseconds(counts.avg_latency_ms)} on average"
    )
    rows = [
        (
            name,
            words.count(one.requests),
            words.count(one.failures),
            f"{one.success_rate} %",
            words.milliseconds(one.avg_latency_ms),
            words.local(one.last_used_at),
        )
        for name, one in counts.by_model.items()
    ]
    output.table(("model", "asked", "failed", "answered", "took", "last used"), rows, right=(1, 2, 3, 4))


def verdicts(result: "ComboTestResult") -> None:
    """What each model answered."""
    for one in result.results:
        ok = one.status == "ok"
        verdict = output.paint("works", "good") if ok else output.paint("does not work", "bad")
        why = "" if ok else f": {words.one_line(one.error)}"
        status = "" if ok or one.status_code is None else f", status {one.status_code}"
        output.line(f"{one.model}: {verdict}{why} ({words.milliseconds(one.latency_ms)}{status})")
