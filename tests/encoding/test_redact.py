"""Names of secrets are known by their words."""

from __future__ import annotations

import pytest

from tracer.encoding.redact import Redactor, Secrecy


@pytest.mark.parametrize(
    "name",
    "password PASSWORD user_password dbPassword dbpassword passwd pwd secret client_secret SECRET_KEY authorization Authorization "
    "X-Api-Key apiKey APIKey api_key apikey access_key private_key cookie Cookie Set-Cookie cookies credentials session_id "
    "bearer access_token refresh_tokens jwt _password __secret aws_secret_access_key".split(),
)
def test_secret_names(name: str) -> None:
    assert Redactor().secret(name) is Secrecy.ALWAYS


@pytest.mark.parametrize("name", ["token", "user_token", "authtoken", "auth", "slackToken"])
def test_names_that_are_secret_for_plain_data(name: str) -> None:
    assert Redactor().secret(name) is Secrecy.DATA


@pytest.mark.parametrize(
    "name",
    "tokens tokenizer next_token page_token nextToken token_type token_count max_tokens author key keys cookie_name passed compass "
    "monkey sessions secretary api session private public_key x".split()
    + ["", "_", "ключ"],
)
def test_harmless_names(name: str) -> None:
    assert not Redactor().secret(name)


def test_names_can_be_added_and_allowed() -> None:
    redactor = Redactor(extra=["iban", "card number"], allow=["password_policy"])

    assert redactor.secret("cardNumber")
    assert redactor.secret("IBAN")
    assert not redactor.secret("password_policy")
    assert redactor.secret("password")
