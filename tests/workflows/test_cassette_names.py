"""Whatever a cassette is called, its file lies in the cassette folder, and no secret is in its name."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tracer.errors import ConfigError
from tracer.storage.remote import Url, place_of
from tracer.workflows import cassette_path

FOLDER = Path("/project/cassettes")


@given(st.text(alphabet=st.sampled_from("./\\a~\x00\n: cst"), max_size=30) | st.text(max_size=40))
@example("...cassette/x")
@example("../../etc/passwd")
@example("/etc/passwd")
@example("a/../../../b")
@example("a\x00b")
@example("..")
@example("a://")
@example("a://../b")
def test_no_name_leads_out_of_the_folder(name: str) -> None:
    if name.endswith(".cassette"):
        return  # a path, as its user wrote it
    if isinstance(place_of(name), Url):
        with pytest.raises(ConfigError, match="it is a URL"):
            cassette_path(name, FOLDER)
        return

    path = cassette_path(name, FOLDER)

    assert ".." not in path.parts
    assert "\0" not in str(path)
    assert path.is_relative_to(FOLDER)
    assert path != FOLDER


def test_a_name_that_is_a_path_is_used_as_it_is() -> None:
    assert cassette_path("elsewhere/a.cassette", FOLDER) == Path("elsewhere/a.cassette")


def test_a_secret_in_a_name_is_refused_without_telling_it() -> None:
    with pytest.raises(ConfigError, match="there is a secret in its name") as caught:
        cassette_path(f"tests/test_api/test_login[ghp_{'a1B2' * 9}]", FOLDER)

    assert "a1B2" not in str(caught.value)
    assert "pytest.param" in caught.value.remedy
