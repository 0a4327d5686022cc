"""Personal data in texts, and what only looks like it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniroute.gateway.personal_data import redact


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("write to jane.doe+x@mail.example.org, please", "write to [EMAIL_REDACTED], please"),
        ("<a@b.co>", "<[EMAIL_REDACTED]>"),
        ("card 4111 1111 1111 1111 ok", "card [CREDIT_CARD_REDACTED] ok"),
        ("card 5500-0000-0000-0004.", "card [CREDIT_CARD_REDACTED]."),
        ("amex 378282246310005", "amex [CREDIT_CARD_REDACTED]"),
        ("ssn 123-45-6789", "ssn [SSN_REDACTED]"),
        ("cpf 529.982.247-25", "cpf [CPF_REDACTED]"),
        ("cnpj 11.222.333/0001-81", "cnpj [CNPJ_REDACTED]"),
        ("call +49 170 1234567 now", "call [PHONE_REDACTED] now"),
        ("call (555) 123-4567", "call [PHONE_REDACTED]"),
        ("a@b.co and c@d.org", "[EMAIL_REDACTED] and [EMAIL_REDACTED]"),
    ],
)
def test_personal_data_is_replaced_by_its_kind(text: str, clean: str) -> None:
    assert redact(text)[0] == clean


@pytest.mark.parametrize(
    "text",
    [
        "git clone git@github.com:owner/repo.git",
        "postgres://user:pass@db.example.com/x",
        "@decorator\nclass A: ...",
        "order 4111 1111 1111 1112",  # wrong check digit
        "0x4111111111111111",
        "id 4111111111111111-a",
        "uuid 4f1c2d3e-0000-4000-8000-000000000000",
        "1234567812345670",  # no issuer begins so
        "timestamp 1700000000000",
        "ssn 000-12-3456 666-12-3456 900-12-3456 123-00-4567",
        "cpf 529.982.247-26",
        "cpf 111.111.111-11",
        "cnpj 11.222.333/0001-82",
        "ip 192.168.100.100-20",
        "x = a +12",
        "i++ + 100",
        "version 1.2.3-4",
        "date 2026-11-23 10:11:12",
        "0.4111111111111111",
    ],
)
def test_what_only_looks_like_it_stays(text: str) -> None:
    assert redact(text) == (text, {})


def test_it_tells_how_often_each_kind_was_found() -> None:
    assert redact("a@b.co, c@d.org, 123-45-6789")[1] == {"email": 2, "ssn": 1}


@given(st.text("a1@.-+() /:4", max_size=200))
def test_a_second_look_finds_nothing_more(text: str) -> None:
    clean, _ = redact(text)
    assert redact(clean) == (clean, {})
