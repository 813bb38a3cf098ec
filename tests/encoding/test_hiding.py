"""Secrets are known inside texts, harmless texts stay as they are, and Python and C look for the same marks."""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.planted import IN_TEXTS, PAIRS
from tracer.decode import decode
from tracer.encoding import hiding, shapes, walks
from tracer.encoding.encode import Encoder
from tracer.encoding.hiding import HIDDEN, Look, Secrets
from tracer.encoding.paths import PathNormaliser
from tracer.encoding.redact import Redactor
from tracer.values import Scalar

SECRETS = Secrets()
texts = st.text(alphabet=st.sampled_from("aA1 _-=:\"'/@.\\\n") | st.characters(), max_size=60)


@pytest.mark.parametrize("secret", IN_TEXTS)
@pytest.mark.parametrize("around", ["{}", "before {} after", "({})", '"{}"', "x={}", "https://host/?q={}&b=1", "né {}"])
def test_a_secret_is_taken_out_wherever_it_stands(secret: str, around: str) -> None:
    told = SECRETS.text(around.format(secret))

    assert HIDDEN in told
    assert secret not in told
    assert secret[-12:] not in told


@pytest.mark.parametrize(("text", "secret"), PAIRS)
def test_what_stands_under_the_name_of_a_secret_is_taken_out(text: str, secret: str) -> None:
    told = SECRETS.text(text)

    assert secret in text
    assert secret not in told
    assert HIDDEN in told


@pytest.mark.parametrize(
    "text",
    [
        "unexpected token: ')'", "token=abc", "Basic authentication failed", "key=value", "the author: Ann", "1700000000000",
        "1700000000000000000", "4111111111111112", "tests/test_password.py::test_reset[a-b]", "shop.secrets:load",
        "main > thread shop.auth:go#0", "password=None", "https://example.org/a@b", "ssh://git@example.org/a.git",
        "passwords[0]: a", "session: {'id': 3}", "task-1", "monkey=1", "a--token", "2024-01-01 00:00:00", "sk-", "SG.", "xox",
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----", "design=4 assigned: 12345678x", "keys: 3", "",
    ],
)  # fmt: skip
def test_harmless_texts_stay_as_they_are(text: str) -> None:
    assert SECRETS.text(text) == text


@given(texts | st.builds("{}{}{}".format, texts, st.sampled_from([*IN_TEXTS, *(text for text, _ in PAIRS)]), texts))
@example("password=ghp_abcdefghijklmnopqrstuvwxyz0123456789,x")
@settings(max_examples=400)
def test_what_is_changed_is_found_by_python_and_by_c_and_changed_once(text: str) -> None:
    data = text.encode("utf-8", "surrogatepass")
    told = SECRETS.text(text)

    assert SECRETS.text(told) == told
    if told != text:
        assert SECRETS.found(data)
        scan = walks.scanner()
        assert scan is None or scan(data, int(Look.STEMS))


@pytest.mark.parametrize("text", ["iban=DE89370400440532013000", "my iban: 'DE893704'"])
def test_names_of_the_users_own_are_known_inside_texts(text: str) -> None:
    secrets = Secrets(Redactor(extra=["iban"]))

    assert secrets.found(text.encode())
    assert "DE89" not in secrets.text(text)
    assert SECRETS.text(text) == text


def test_expressions_and_a_function_of_the_users_own_are_asked_about_every_text() -> None:
    secrets = Secrets(None, ["ACME-[0-9]{4}"], "tests.planted:without_blue")

    assert secrets.look is Look.ALL
    assert secrets.text("ACME-1234 blue x") == f"{HIDDEN} colour x"


@pytest.mark.parametrize(
    "function", ["tests.planted:missing", "no_such_module:f", "tests.planted:raises", "tests.planted:no_text"]
)
def test_nothing_is_kept_of_a_text_that_the_users_function_fails_on(function: str) -> None:
    assert Secrets(None, (), function).text("anything") == HIDDEN


def test_entropy_is_asked_only_where_the_user_wants_it() -> None:
    random = "q7Zp2Lx9Vb4Nc8Rt1Wk5Yd3G"

    assert SECRETS.text(f"id {random}") == f"id {random}"
    assert Secrets(entropy=True).text(f"id {random}") == f"id {HIDDEN}"
    assert Secrets(entropy=True).text("an_ordinary_long_identifier_2") == "an_ordinary_long_identifier_2"


def test_the_word_after_a_flag_of_a_secret_name_is_one() -> None:
    words = SECRETS.words(["tool", "--password", "hunter2", "--token", "-v", "--api-key=abc", "plain"])

    assert words == ("tool", "--password", HIDDEN, "--token", "-v", f"--api-key={HIDDEN}", "plain")


@pytest.mark.parametrize("text", ["=" * 200_000, "password" * 50_000, "-----BEGIN RSA PRIVATE KEY-----" * 5_000, "4 " * 100_000, "eyJ" * 50_000, "://a:" * 50_000, "token='" * 30_000])  # fmt: skip
def test_no_text_is_looked_at_for_long(text: str) -> None:
    """A pattern that goes back and forth would not end before the suite's patience does."""
    SECRETS.text(text)


@pytest.mark.parametrize("pure", [True, False])
def test_python_and_c_keep_the_same_bytes_of_values_with_secrets(pure: bool) -> None:
    def encoded(value: object, *, pure: bool) -> bytes:
        return Encoder(redactor=Redactor(), paths=PathNormaliser(None, ()), pure=pure).value(value)

    for secret in IN_TEXTS:
        for value in (secret, [secret, 1], {"a": secret}, {secret: 1}, secret.encode(), bytearray(secret.encode()), (secret,), {secret},
                      ["\n".join([secret] * 400)], "x" * 70_000 + secret, (b"x" * 70_000) + secret.encode(), ValueError(secret), secret + "\ud800"):  # fmt: skip
            data = encoded(value, pure=pure)
            assert data == encoded(value, pure=not pure)
            assert secret.encode() not in data
            assert secret[:14].encode() not in data


def test_a_long_text_and_its_twin_with_another_secret_are_the_same() -> None:
    """So no digest holds anything of a secret."""
    encoder = Encoder(redactor=Redactor(), paths=PathNormaliser(None, ()))

    for make in (str, str.encode):
        one, two = (make(f"{'x' * 70_000} password={secret}; {'y' * 9_000}") for secret in ("hunter2", "swordfish"))
        assert encoder.value(one) == encoder.value(two)


def test_the_marks_that_c_looks_for_are_those_of_the_shapes() -> None:
    source = Path(hiding.__file__).with_name("native_secrets.h").read_text()
    known = set(re.findall(r'MARK\("([^"]+)"\)', source))

    assert known == set(shapes.MARKS)
    scan = walks.scanner()
    if scan is not None:
        assert [mark for mark in known if not scan(f" {mark}, and more".encode(), int(Look.STEMS))] == []


def test_a_user_in_a_url_is_looked_for_as_far_back_as_one_may_be_long() -> None:
    """An `@` tells of one where `:/` stands before it, and not too far; binary data holds many that do not."""
    scan = walks.scanner()
    if scan is not None:
        assert scan(b"http://" + b"u" * 690 + b"@host", int(Look.STEMS))
        assert scan(b"http://" + b"u" * 20 + b"@host", int(Look.STEMS))
        assert not scan(b"http//" + b"u" * 800 + b"@host", int(Look.STEMS))
        assert not scan(b"\x00@" * 1000, int(Look.STEMS))


@pytest.mark.parametrize("pure", [True, False])
def test_the_digits_of_a_number_are_no_card(pure: bool) -> None:
    """As an int, a Decimal or a Fraction a number is told whatever its check digit; as text it may be a card's."""
    digits = "4111111111111111"
    encoder = Encoder(redactor=Redactor(), paths=PathNormaliser(None, ()), pure=pure)

    told = [
        encoder.value(value)
        for value in (int(digits), Decimal(digits), Fraction(int(digits), 7), complex(int(digits), 1))
    ]

    assert decode(told[0]) == Scalar(int(digits))
    assert all(digits.encode() in data for data in told[1:3])
    assert b"redacted" not in b"".join(told)
    assert digits.encode() not in encoder.value(digits)
