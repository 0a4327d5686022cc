import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniroute.tools import jsonedit
from omniroute.tools.jsonscan import LENIENT, STRICT, WITH_COMMENTS, Dialect
from omniroute.tools.text import BrokenFile

names = st.text(alphabet='ab"\\é\n/{},', max_size=3)
blanks = st.sampled_from(["", " ", "\n", "\r\n", "\n  ", "\t"])
notes = st.sampled_from(["", " ", "// a, {note\n", "/* b\n */", "\n  // c}\r\n  "])
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text()
).map(json.dumps) | st.sampled_from(["1.0e2", "-0", "1E+2", '"\\u00e9\\/"'])


@st.composite
def texts(draw: st.DrawFn, gaps: st.SearchStrategy[str] = blanks, depth: int = 3) -> str:
    """An object as text, oddly laid out; an empty one is spelled {} as a delete leaves it."""
    members: dict[str, str] = {}
    for name in draw(st.lists(names, max_size=3, unique=True)):
        nested = depth > 0 and draw(st.booleans())
        value = draw(texts(gaps, depth - 1)) if nested else draw(scalars)
        if draw(st.integers(0, 4)) == 0:
            value = "[" + draw(gaps) + value + "," + draw(gaps) + value + draw(gaps) + "]"
        key = draw(gaps) + json.dumps(name) + draw(gaps) + ":" + draw(gaps)
        members[name] = key + value + draw(gaps)
    return "{" + ",".join(members.values()) + "}"


@st.composite
def documents(draw: st.DrawFn, gaps: st.SearchStrategy[str] = blanks) -> str:
    return draw(st.sampled_from(["", "\ufeff"])) + draw(gaps) + draw(texts(gaps)) + draw(gaps)


def load(text: str) -> Any:
    return json.loads(text.removeprefix("\ufeff"))


def not_an_object(value: Any, path: tuple[str, ...]) -> bool:
    for name in path:
        if not isinstance(value, dict) or name not in value:
            return False
        value = value[name]
    return not isinstance(value, dict)


def expected_after_put(value: Any, path: tuple[str, ...], new: Any) -> Any:
    if not path:
        return new
    inner = value.get(path[0], {}) if isinstance(value, dict) else {}
    return {**value, path[0]: expected_after_put(inner, path[1:], new)}


@given(text=documents(), path=st.lists(names, min_size=1, max_size=3).map(tuple), new=st.text())
def test_putting_a_member_changes_that_value_and_no_other(text: str, path: tuple[str, ...], new: str) -> None:
    if any(not_an_object(load(text), path[:depth]) for depth in range(1, len(path))):
        with pytest.raises(BrokenFile, match="is not an object"):
            jsonedit.put(text, path, jsonedit.spell(new))
        return

    edited = jsonedit.put(text, path, jsonedit.spell(new))

    assert load(edited) == expected_after_put(load(text), path, new)
    assert jsonedit.put(edited, path, jsonedit.spell(new)) == edited


@given(text=documents(), new=scalars)
def test_deleting_a_member_that_was_put_restores_every_byte(text: str, new: str) -> None:
    path = ("env", "NAME")

    edited = jsonedit.put(text, path, new)
    without = jsonedit.drop(jsonedit.drop(edited, path), ("env",))

    assert without == text


@given(text=documents(), data=st.data())
def test_deleting_any_member_leaves_the_others(text: str, data: st.DataObject) -> None:
    value = load(text)
    if not value:
        return
    name = data.draw(st.sampled_from(sorted(value)))

    edited = jsonedit.drop(text, (name,))

    assert load(edited) == {key: kept for key, kept in value.items() if key != name}


@given(text=documents(notes), data=st.data())
def test_comments_survive_a_put_and_the_rest_still_reads_the_same(text: str, data: st.DataObject) -> None:
    before = jsonedit.value_at(text, (), WITH_COMMENTS)

    edited = jsonedit.put(text, ("new", "member"), "[1]", WITH_COMMENTS)

    assert isinstance(before, dict)
    assert jsonedit.value_at(edited, (), WITH_COMMENTS) == {**before, "new": {"member": [1]}}
    for note in ("a, {note", "/* b\n */", "// c}"):
        assert edited.count(note) == text.count(note)
    assert jsonedit.value_at(jsonedit.drop(edited, ("new",), WITH_COMMENTS), (), WITH_COMMENTS) == before
    if before:
        name = data.draw(st.sampled_from(sorted(before)))
        rest = {key: kept for key, kept in before.items() if key != name}
        assert jsonedit.value_at(jsonedit.drop(text, (name,), WITH_COMMENTS), (), WITH_COMMENTS) == rest


@given(text=st.one_of(st.text(alphabet='{}[]",:1.e-\\u0d8tf \n', max_size=12), documents()))
def test_strict_accepts_what_the_standard_reader_accepts(text: str) -> None:
    try:
        value = load(text)
    except ValueError:
        value = None
    if isinstance(value, dict):
        assert jsonedit.value_at(text, ()) == value
    elif not jsonedit.is_empty(text):
        with pytest.raises(BrokenFile):
            jsonedit.put(text, ("x",), "1")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", '{\n  "env": {\n    "K": "v"\n  }\n}\n'),
        ("{}", '{\n  "env": {\n    "K": "v"\n  }\n}'),
        ('{"a":1,"b":2}', '{"a":1,"b":2,"env":{"K":"v"}}'),
        ('{"a": 1}\n', '{"a": 1, "env": {"K": "v"}}\n'),
        ('{\n\t"a": 1.50\n}', '{\n\t"a": 1.50,\n\t"env": {\n\t\t"K": "v"\n\t}\n}'),
        ('{\n    "env": {}\n}', '{\n    "env": {\n        "K": "v"\n    }\n}'),
        (
            '{\r\n  "env": {\r\n    "A": "1"\r\n  }\r\n}',
            '{\r\n  "env": {\r\n    "A": "1",\r\n    "K": "v"\r\n  }\r\n}',
        ),
        ('{"env": {"K": "old", "Z": 0}}', '{"env": {"K": "v", "Z": 0}}'),
    ],
)
def test_a_new_member_is_laid_out_like_its_siblings(before: str, after: str) -> None:
    assert jsonedit.put(before, ("env", "K"), '"v"') == after


def test_the_comma_goes_after_the_value_and_before_its_comment() -> None:
    before = '{\n  "a": 1 // about a\n  /* end */\n}'

    edited = jsonedit.put(before, ("b",), "2", WITH_COMMENTS)

    assert edited == '{\n  "a": 1, // about a\n  /* end */\n  "b": 2\n}'


def test_no_trailing_comma_is_left_even_where_the_reader_allows_it() -> None:
    edited = jsonedit.put('{\n  "a": 1,\n}', ("b",), "2", LENIENT)

    assert edited == '{\n  "a": 1,\n  "b": 2\n}'
    assert jsonedit.drop('{"a": 1, "b": 2,}', ("b",), LENIENT) == '{"a": 1}'


def test_a_name_written_twice_is_deleted_twice() -> None:
    assert jsonedit.drop('{"a": 1, "b": 2, "a": 3}', ("a",)) == '{"b": 2}'


def test_a_line_comment_does_not_swallow_what_follows_a_deleted_member() -> None:
    text = '{"a": 1, // note\n "b": 2}'

    assert jsonedit.value_at(jsonedit.drop(text, ("b",), LENIENT), (), LENIENT) == {"a": 1}


@pytest.mark.parametrize(
    ("text", "dialect", "line", "column"),
    [
        ('{\n  "a": 1,\n}', STRICT, 2, 9),
        ("{\n  // no\n}", STRICT, 2, 3),
        ('{"a": 1', STRICT, 1, 8),
        ('{"a" 1}', STRICT, 1, 6),
        ('{"a": tru}', STRICT, 1, 7),
        ('{"a": 01}', STRICT, 1, 7),
        ('{"a": "x\ny"}', STRICT, 1, 7),
        ("[]", STRICT, 1, 1),
        ('\ufeff{"a": 1,}', STRICT, 1, 8),
        ('{"a": 1} x', STRICT, 1, 10),
        ('{"a": 1,}', WITH_COMMENTS, 1, 8),
        ('{"a": /* 1}', LENIENT, 1, 7),
        ('{"env": []}', STRICT, 1, 9),
        ('{"a":' + "[" * 300 + "]" * 300 + "}", STRICT, 1, 206),
    ],
)
def test_a_fault_is_told_by_line_and_column(text: str, dialect: Dialect, line: int, column: int) -> None:
    with pytest.raises(BrokenFile) as fault:
        jsonedit.put(text, ("env", "K"), "1", dialect)

    assert (fault.value.line, fault.value.column) == (line, column)
