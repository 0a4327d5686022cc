"""Each setting acts on the next request, and on those after a restart."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from msgspec.inspect import StructType, Type, type_info

from omniroute.records import Preferences
from tests.gateway.every_setting import cache_cases, limit_cases, request_cases, routing_cases
from tests.gateway.every_setting.stage import Case, seen

CASES = (*routing_cases.CASES, *limit_cases.CASES, *cache_cases.CASES, *request_cases.CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_a_setting_acts_at_once_and_after_a_restart(tmp_path: Path, case: Case) -> None:
    assert await seen(tmp_path / "never", case, change=False, restart=False) == case.before
    assert await seen(tmp_path / "now", case, change=True, restart=False) == case.after
    assert await seen(tmp_path / "then", case, change=True, restart=True) == case.after


def settings_of(type_: Type, path: str = "") -> list[str]:
    """The names of all settings below, `ofThis.andThat`."""
    if not isinstance(type_, StructType):
        return [path]
    return [
        name
        for member in type_.fields
        for name in settings_of(member.type, f"{path}.{member.encode_name}".lstrip("."))
    ]


def test_no_setting_is_without_a_case_and_none_has_two() -> None:
    known: Any = type_info(Preferences)
    assert Counter(case.name for case in CASES) == Counter(settings_of(known))
