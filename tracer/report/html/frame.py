"""What every page is made of: its style and script, the policy that allows just these, and the template around them.

The only home of jinja2, which is loaded when a page is asked for.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from tracer.errors import ConfigError

if TYPE_CHECKING:
    from types import ModuleType


def render_page(template: str, data: str = "", scripts: tuple[str, ...] = (), **shown: Any) -> str:
    """Return a page by its template, with the common style, some scripts in order, and data that is safe inside a script element.

    What is `shown` is escaped where the template shows it.

    Raises:
        ConfigError: jinja2 is not installed.
    """
    jinja2 = load_jinja2()
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    markup = environment.filters["safe"]
    style = asset("style.css")
    script = "(() => {\n" + "".join(map(asset, scripts)) + "})();" if scripts else ""
    own = {"policy": _policy(style, script), "style": markup(style), "script": markup(script), "data": markup(data)}
    return str(environment.from_string(asset(template)).render(**own, **shown))


def load_jinja2() -> ModuleType:
    """Return jinja2.

    Raises:
        ConfigError: it is not installed.
    """
    try:
        import jinja2  # noqa: PLC0415  (an extra, for those who want pages)
    except ImportError as error:
        raise ConfigError(
            "write the HTML report", "jinja2 is not installed", "Install it with `pip install 'tracer[html]'`."
        ) from error
    return jinja2


def _policy(style: str, script: str) -> str:
    """Return what the page may do: nothing but what it holds itself."""
    own = f"style-src '{_hash(style)}'" + (f"; script-src '{_hash(script)}'" if script else "")
    return f"default-src 'none'; {own}; img-src data:; base-uri 'none'; form-action 'none'"


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


@cache
def asset(name: str) -> str:
    """Return a file that pages are made of."""
    return resources.files("tracer.report.html").joinpath("page").joinpath(name).read_text(encoding="utf-8")
