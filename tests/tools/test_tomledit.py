import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniroute.tools import tomledit
from omniroute.tools.text import BrokenFile

NAME = ("model_providers", "omniroute", "name")
URL = ("model_providers", "omniroute", "base_url")

root_lines = st.sampled_from(
    [
        "# a comment",
        "",
        "a = 1 # [not.a.header]",
        'b = """\n[not.a.table]\nc = "x"\n"""',
        "b2 = '''\n'quoted'\n# no comment'''",
        'c = [ "]", # ]\n  "[x]",\n]',
        'd = { x = "}", y = [1, {z = "#"}] }',
        'e."f.g".h = 1979-05-27 07:32:00',
        "  i.j  =  nan  ",
        'k = """a""\\""""',
        "model_providers.other.name = 'x'",
    ]
)
tables = st.sampled_from(
    [
        "[one]\nx = 1\n",
        '[two."b.c"] # header\ny = "2"\n\n# about the next\n',
        "[[three]]\nz = 1\n[[three]]\nz = 2\n[three.sub]\nq = 1\n",
        "[four]\n",
        "\n[ model_providers . mine ]\nname = 'mine'\n\n",
        "[model_providers.mine2.headers]\nh = 1\n# last words",
    ]
)


@st.composite
def documents(draw: st.DrawFn) -> str:
    lines = draw(st.lists(root_lines, unique=True, max_size=4))
    sections = draw(st.lists(tables, unique=True, max_size=4))
    text = "".join(line + "\n" for line in lines) + "\n".join(sections)
    if draw(st.booleans()):
        text = text.removesuffix("\n")
    if draw(st.booleans()):
        text = text.replace("\n", "\r\n")
    return draw(st.sampled_from(["", "\ufeff"])) + text


def load(text: str) -> dict[str, object]:
    return tomllib.loads(text.removeprefix("\ufeff"))


def point(text: str) -> str:
    text = tomledit.put(text, ("model",), '"m"')
    text = tomledit.put(text, ("model_provider",), '"omniroute"')
    text = tomledit.put(text, NAME, '"OmniRoute"')
    return tomledit.put(text, URL, '"http://x/v1"')


@given(text=documents())
def test_putting_and_deleting_restores_every_byte(text: str) -> None:
    edited = tomledit.drop_table(point(text), NAME[:-1])
    edited = tomledit.drop(tomledit.drop(edited, ("model",)), ("model_provider",))

    assert edited == text


@given(text=documents())
def test_putting_changes_no_other_value_and_keeps_every_old_line(text: str) -> None:
    edited = point(text)

    assert tomledit.value_at(edited, ("model",)) == "m"
    assert tomledit.value_at(edited, NAME[:-1]) == {"name": "OmniRoute", "base_url": "http://x/v1"}
    for name, value in load(text).items():
        if name != "model_providers":
            assert repr(load(edited)[name]) == repr(value)
    rest = iter(edited.removeprefix("\ufeff").splitlines())
    assert all(line in rest for line in text.removeprefix("\ufeff").splitlines())
    assert ("\r\n" in text) is False or "\n" not in edited.replace("\r\n", "")
    assert point(edited) == edited


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", 'model = "m"\n'),
        ("a = 1", 'a = 1\nmodel = "m"'),
        ("# top\n\n# about t\n[t]\n", '# top\n\nmodel = "m"\n# about t\n[t]\n'),
        ('model = "x" # why\n[t]\n', 'model = "m" # why\n[t]\n'),
        ("\ufeff[t]\n", '\ufeffmodel = "m"\n[t]\n'),
        ("a = 1\r\n[t]\r\n", 'a = 1\r\nmodel = "m"\r\n[t]\r\n'),
    ],
)
def test_a_root_key_stands_before_the_first_header(before: str, after: str) -> None:
    assert tomledit.put(before, ("model",), '"m"') == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "[model_providers.omniroute]\nname = 'old'\n\n[z]\n",
            "[model_providers.omniroute]\nname = 'old'\nbase_url = \"u\"\n\n[z]\n",
        ),
        (
            "model_providers.omniroute.name = 'old'\nz = 1\n",
            "model_providers.omniroute.name = 'old'\nmodel_providers.omniroute.base_url = \"u\"\nz = 1\n",
        ),
        (
            "[model_providers]\n'omniroute' . name = 'old'\n",
            "[model_providers]\n'omniroute' . name = 'old'\n'omniroute' . base_url = \"u\"\n",
        ),
        ("[z]\nx = 1", '[z]\nx = 1\n\n[model_providers.omniroute]\nbase_url = "u"'),
    ],
)
def test_a_table_is_extended_in_the_form_it_has(before: str, after: str) -> None:
    assert tomledit.put(before, URL, '"u"') == after


@pytest.mark.parametrize(
    "text",
    [
        "model_providers = { a = { name = 'A' } }\n",
        "[model_providers]\nomniroute = { name = 'A' }\n",
        "[[model_providers.omniroute]]\nname = 'A'\n",
        "model_providers = 3\n",
        f"deep = {'[' * 3000}{']' * 3000}\n",
    ],
)
def test_a_form_that_no_line_can_extend_is_refused(text: str) -> None:
    with pytest.raises(BrokenFile):
        tomledit.put(text, URL, '"u"')


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a.b.c = 1\nz = 2\n", "z = 2\n"),
        ("a.b.c = 1\na.z = 2\n", "a.z = 2\n"),
        ("[a]\nb.c = 1\n", "[a]\n"),
        ("[a.b]\nc = 1 # gone with it\n# stays\n", "[a.b]\n# stays\n"),
        ("[a.b]\nd = 1", "[a.b]\nd = 1"),
        ("[a]\nb = { c = 1 }\n", "[a]\nb = { c = 1 }\n"),
    ],
)
def test_a_dropped_key_takes_its_line_and_no_other(before: str, after: str) -> None:
    assert tomledit.drop(before, ("a", "b", "c")) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a.b.c = 1\nz = 2\na.b.d = 3\n", "z = 2\n"),
        ("[a.b]\nc = 1\n[z]\n[a.b.d]\ne = 1\n", "[z]\n"),
        ("[a]\nx = 1\nb.c = 2\n[a.b.d]\ne = 1\n", "[a]\nx = 1\n"),
        ("[[a.b]]\nc = 1\n[[a.b]]\n", ""),
        ("[z]\n", "[z]\n"),
    ],
)
def test_a_dropped_table_goes_in_all_its_pieces(before: str, after: str) -> None:
    assert tomledit.drop_table(before, ("a", "b")) == after


def test_comments_below_a_removed_table_stay() -> None:
    text = point("[a]\nx = 1\n") + "request_max_retries = 3\n\n# about b\n[b]\n"

    assert tomledit.drop_table(text, NAME[:-1]) == (
        "[a]\nx = 1\n\n# about b\n[b]\n".replace("[a]", 'model = "m"\nmodel_provider = "omniroute"\n[a]')
    )


def test_subtables_go_with_their_table() -> None:
    text = point("") + "[model_providers.omniroute.http_headers]\nx = '1'\n[z]\n"

    assert tomledit.drop_table(text, NAME[:-1]) == 'model = "m"\nmodel_provider = "omniroute"\n[z]\n'


def test_a_fault_is_told_by_line_and_column() -> None:
    with pytest.raises(BrokenFile) as fault:
        tomledit.put("a = 1\nb = \n", ("model",), '"m"')

    assert (fault.value.line, fault.value.column) == (2, 5)


@given(value=st.text())
def test_any_text_can_be_spelled(value: str) -> None:
    if any("\ud800" <= mark <= "\udfff" for mark in value):
        return
    assert tomllib.loads(f"k = {tomledit.spell(value)}")["k"] == value
