"""Secrets that tests plant, none of them real: by their shape, and by the name they stand under."""

from __future__ import annotations

import base64
import json
import string
from random import Random

_ALNUM = string.ascii_letters + string.digits


def run(random: Random, size: int, alphabet: str = _ALNUM) -> str:
    """Return a text that is not to be found in anything else."""
    return "".join(random.choice(alphabet) for _ in range(size))


def _jwt(random: Random) -> str:
    parts = ({"alg": "HS256", "kid": run(random, 6)}, {"sub": run(random, 12)})
    head, body = (base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)
    return f"{head}.{body}.{run(random, 43)}"


def _card(random: Random, start: str, size: int) -> str:
    digits = start + run(random, size - len(start) - 1, string.digits)
    total = sum(int(d) if place % 2 else (int(d) * 2 - 9 * (int(d) > 4)) for place, d in enumerate(reversed(digits)))
    return digits + str(-total % 10)


def _key(random: Random) -> str:
    lines = "\n".join(run(random, 64) for _ in range(4))
    return f"-----BEGIN RSA PRIVATE KEY-----\n{lines}\n-----END RSA PRIVATE KEY-----"


def shaped(random: Random) -> list[str]:
    """Return one secret of each shape."""
    upper, hexes = string.ascii_uppercase + string.digits, "0123456789abcdef"
    return [
        _key(random),
        _jwt(random),
        "AKIA" + run(random, 16, upper),
        "ASIA" + run(random, 16, upper),
        "AIza" + run(random, 35),
        "ya29." + run(random, 40),
        "GOCSPX-" + run(random, 28),
        *(f"gh{kind}_" + run(random, 36) for kind in "pousr"),
        "github_pat_" + run(random, 40),
        "glpat-" + run(random, 20),
        "xoxb-" + run(random, 12, string.digits) + "-" + run(random, 24),
        "xapp-1-" + run(random, 30),
        "hooks.slack.com/services/T" + run(random, 8, upper) + "/B" + run(random, 8, upper) + "/" + run(random, 24),
        "sk_live_" + run(random, 24),
        "rk_test_" + run(random, 24),
        "whsec_" + run(random, 32),
        "SG." + run(random, 22) + "." + run(random, 43),
        "npm_" + run(random, 36),
        "pypi-AgEI" + run(random, 60),
        "sk-proj-" + run(random, 40),
        "hf_" + run(random, 34),
        "dop_v1_" + run(random, 64, hexes),
        "shpat_" + run(random, 32, hexes),
        run(random, 3) + "8Q~" + run(random, 34),
        _card(random, "4", 16),
        _card(random, "37", 15),
    ]


def paired(random: Random) -> list[tuple[str, str]]:
    """Return texts with a secret under its name, each with the secret."""
    templates = (
        "password={}", "PGPASSWORD={} psql", "db_passwd: {}", "secret = '{}'", '{{"api_key": "{}"}}', "{{'access_token': '{}'}}",
        "Authorization: Token {}", "Authorization: Basic {}", "Bearer {}", "Cookie: sid={}; path=/", "Set-Cookie: id={}",
        "X-Api-Key: {}", "https://example.org/?access_token={}&page=2", "https://ann:{}@example.org/x", "postgres://ann:{}@db:5432/x",
        "redis://:{}@host", "https://example.org/a?sig={}", "AccountKey={};EndpointSuffix=x", "client_secret={}&grant=a",
        '{{\\"password\\": \\"{}\\"}}', "--password {} --quiet", "login failed, passphrase: {}", "refresh_token%3D{}",
        "csrf_token={}", "aws_secret_access_key = {}", "bearer={}", "session_id={}", "jwt={}",
    )  # fmt: skip
    found = []
    for template in templates:
        secret = run(random, 20) + "7x"
        found.append((template.format(secret), secret))
    return found


IN_TEXTS = shaped(Random(6))
PAIRS = paired(Random(7))


def without_blue(text: str) -> str:
    return text.replace("blue", "colour")


def raises(text: str) -> str:
    raise ValueError(text)


def no_text(text: str) -> object:
    return None
