"""A request on its way to an upstream of another dialect: what is told to be lost."""

import pytest

from omniroute.conversation.abilities import plain
from omniroute.errors import ErrorKind, Refused
from omniroute.formats import FORMATS
from omniroute.formats.translate import outgoing
from omniroute.records import FormatName

RESPONSES = FormatName.OPENAI_RESPONSES


def lost(body: bytes, dialect: FormatName) -> tuple[str, ...]:
    """What a request of Responses loses on its way."""
    return outgoing(FORMATS[RESPONSES].decode_request(body), plain("m"), dialect).losses


@pytest.mark.parametrize("dialect", [name for name in FORMATS if name is not RESPONSES], ids=str)
@pytest.mark.parametrize(("summary", "loss"), [("detailed", True), ("concise", True), ("auto", False)])
def test_how_closely_thoughts_are_summed_up_is_named_where_it_cannot_be_told(
    dialect: FormatName, summary: str, loss: bool
) -> None:
    body = b'{"model":"m","input":"Hi","reasoning":{"effort":"high","summary":"%s"}}' % summary.encode()
    assert ("reasoning_summary" in lost(body, dialect)) is loss
    assert lost(body, RESPONSES) == ()


@pytest.mark.parametrize("dialect", [name for name in FORMATS if name is not RESPONSES], ids=str)
@pytest.mark.parametrize(
    ("asked", "hint"),
    [
        (b'"input":"Hi","previous_response_id":"resp_1"', "send the whole conversation"),
        (b'"input":[{"type":"item_reference","id":"msg_1"}]', "send the item itself"),
    ],
)
def test_what_another_provider_keeps_is_refused_and_not_left_out(
    dialect: FormatName, asked: bytes, hint: str
) -> None:
    with pytest.raises(Refused, match=hint) as refused:
        lost(b'{"model":"m",%s}' % asked, dialect)
    assert refused.value.kind is ErrorKind.UNSUPPORTED


def test_members_that_only_frame_an_item_are_no_loss() -> None:
    body = (
        b'{"model":"m","input":[{"type":"message","role":"assistant","id":"msg_1","status":"completed",'
        b'"phase":"final_answer","content":[{"type":"output_text","text":"Hi","annotations":[]}]},'
        b'{"role":"user","content":"And?"}]}'
    )
    assert lost(body, FormatName.OPENAI_CHAT) == ()
