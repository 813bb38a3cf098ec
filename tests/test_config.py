"""Settings are found, checked, and refused with the valid ones named."""

from pathlib import Path
from typing import Any

import pytest

from tracer.ambient import AMBIENT_KINDS, CHOICES
from tracer.compare.result import Kind, Severity
from tracer.config import MODES, SEVERITIES, Config, ambient_kinds, load_config, read_toml
from tracer.errors import ConfigError
from tracer.rules import KINDS, Rule


def load(folder: Path, **environ: str) -> Config:
    return load_config(folder, environ)


def write(folder: Path, text: str, name: str = "tracer.toml") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def refusal(folder: Path, **environ: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load(folder, **environ)
    return str(caught.value)


def test_a_folder_without_settings_gets_the_defaults(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()

    assert load(tmp_path) == Config(root=tmp_path)
    assert load(tmp_path).cassette_folder == tmp_path / "cassettes"


def test_every_setting_is_read(tmp_path: Path) -> None:
    source = write(
        tmp_path,
        """
        boundaries = ["shop.pricing"]
        include = ["shop.*"]
        exclude = ["*:*.__repr__"]
        granularity = "package"
        redact = ["iban"]
        redact_allow = ["token_count"]
        cassettes = "recordings"
        command = "pytest -k 'a or b'"
        runs = 3
        fail_on = "breaking"
        dunders = ["__repr__"]
        mode = "none"
        level = "shape"
        renamed = {"shop.old" = "shop.new"}
        ambient = ["uuid", "time"]
        [[ignore]]
        callable = "shop.cart:total"
        kind = "returned-value"
        path = "return.id"
        [[rules]]
        path = "return.total"
        absolute = 0.01
        [[rules]]
        type = "float"
        relative = 1e-9
        """,
    )

    assert load(tmp_path) == Config(
        root=tmp_path,
        source=source,
        boundaries=("shop.pricing",),
        include=("shop.*",),
        exclude=("*:*.__repr__",),
        granularity="package",
        redact=("iban",),
        redact_allow=("token_count",),
        cassettes="recordings",
        command=("pytest", "-k", "a or b"),
        runs=3,
        fail_on="breaking",
        dunders=("__repr__",),
        mode="none",
        level="shape",
        renamed=(("shop.old", "shop.new"),),
        ambient=("time", "uuid"),
        ignore=(Rule("shop.cart:total", "returned-value", "return.id"),),
        rules=(Rule(path="return.total", absolute=0.01), Rule(type="float", relative=1e-9)),
    )


def test_a_command_given_as_a_list_is_taken_word_by_word(tmp_path: Path) -> None:
    write(tmp_path, 'command = ["python", "my app.py"]')

    assert load(tmp_path).command == ("python", "my app.py")


def test_the_table_of_a_pyproject_above_is_found_from_a_folder_below(tmp_path: Path) -> None:
    source = write(tmp_path, "[tool.tracer]\nruns = 2\n", "pyproject.toml")
    below = tmp_path / "src" / "shop"
    below.mkdir(parents=True)

    assert (load(below).runs, load(below).source, load(below).root) == (2, source, tmp_path)


@pytest.mark.parametrize(
    ("wanted", "kinds"),
    [
        ("all", AMBIENT_KINDS),
        (True, AMBIENT_KINDS),
        ("none", ()),
        (False, ()),
        (" uuid, time ", ("time", "uuid")),
        ("all,callers", CHOICES),
        (["hash"], ("hash",)),
        ([], ()),
    ],
)
def test_reads_of_the_surroundings_are_chosen_together_or_one_by_one(wanted: Any, kinds: tuple[str, ...]) -> None:
    assert ambient_kinds(wanted) == kinds


@pytest.mark.parametrize("marker", ["pyproject.toml", ".git"])
def test_the_search_ends_at_the_project_s_own_folder(tmp_path: Path, marker: str) -> None:
    write(tmp_path, "runs = 2")
    write(tmp_path / "inner", "", marker)

    assert load(tmp_path / "inner") == Config(root=tmp_path / "inner")


def test_settings_in_both_files_of_one_folder_are_refused(tmp_path: Path) -> None:
    write(tmp_path, "runs = 2")
    write(tmp_path, "[tool.tracer]\nruns = 3\n", "pyproject.toml")

    assert str(tmp_path / "tracer.toml") in refusal(tmp_path)
    assert str(tmp_path / "pyproject.toml") in refusal(tmp_path)


def test_a_tracer_toml_beside_a_pyproject_without_the_table_is_read(tmp_path: Path) -> None:
    write(tmp_path, "runs = 2")
    write(tmp_path, "[tool.other]\nruns = 3\n", "pyproject.toml")

    assert load(tmp_path).runs == 2


def test_a_misspelt_setting_names_file_key_and_the_nearest_valid_one(tmp_path: Path) -> None:
    source = write(tmp_path, "[tool.tracer]\nboundary = ['shop']\n", "pyproject.toml")

    message = refusal(tmp_path)

    assert f"'boundary' of [tool.tracer] in {source}" in message
    assert "Did you mean 'boundaries'?" in message
    assert "redact_allow" in message


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("granularity = 'modul'", "Did you mean 'module'? Valid: 'module', 'package'."),
        ("granularity = ['module']", "Valid: 'module', 'package'."),
        ("fail_on = 'Breaking'", "Did you mean 'breaking'?"),
        ("mode = 'new'", "'new_episodes'"),
        ("runs = 0", "its value is 0. Valid: a whole number from 1."),
        ("runs = true", "its value is True"),
        ("runs = 1.5", "its value is 1.5"),
        ("boundaries = 'shop'", "its value is 'shop'. Valid: a list of dotted prefixes"),
        ("include = ['']", "Valid: a list of patterns"),
        ("cassettes = ''", "Valid: the name of a folder."),
        ("command = ''", "Valid: a command"),
        ("command = []", "Valid: a command"),
        ('command = "pytest \'x"', "No closing quotation"),
        ("dunders = ['repr']", "Did you mean '__repr__'?"),
        ("dunders = ['____']", "its value is '____'"),
        ("ignore = [{kind = 'returned'}]", "Did you mean 'returned-"),
        ("ignore = [{calable = 'a:b'}]", "Did you mean 'callable'?"),
        ("ignore = [{}]", "one or more of callable, kind, path and type"),
        ("ignore = ['shop']", "a list of tables"),
        ("ignore = {path = 'x'}", "a list of tables"),
        ("level = 'shapes'", "Did you mean 'shape'? Valid: 'value', 'shape'."),
        ("renamed = ['shop.old']", "a table of dotted names"),
        ("ambient = ['times']", "Did you mean 'time'? Valid: 'all', 'none', or a list of 'time', 'random'"),
        ("ambient = 3", "its value is 3"),
        ("renamed = {'shop.old' = 'shop new'}", "its value is 'shop new'"),
        ("renamed = {'shop.old' = 1}", "its value is 1"),
        (
            "ignore = [{path = 'return', absolute = 1}]",
            "there is no key 'absolute'. Valid keys: callable, kind, path, type.",
        ),
        ("ignore = [{path = 'x'}]", "it is 'x'. The paths of a difference begin with: return,"),
        ("rules = [{path = 'return', absolut = 1}]", "Did you mean 'absolute'?"),
        ("rules = [{regex = '('}]", "'(' is no expression: it does not compile"),
        ("rules = [{absolute = -1}]", "Valid: a number above 0."),
        ("rules = [{source = 'learned'}]", "there is no key 'source'"),
    ],
)
def test_a_bad_value_is_refused_with_the_valid_ones(tmp_path: Path, line: str, said: str) -> None:
    source = write(tmp_path, line)

    message = refusal(tmp_path)

    assert said in message
    assert f"{line.split(maxsplit=1)[0]!r} of {source}" in message


def test_a_table_that_is_no_table_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "[tool]\ntracer = 3\n", "pyproject.toml")

    assert "It has to be a table" in refusal(tmp_path)


def test_the_environment_variable_wins_over_the_file(tmp_path: Path) -> None:
    write(tmp_path, "mode = 'none'")

    assert load(tmp_path, TRACER_MODE="all").mode == "all"
    assert load(tmp_path, TRACER_MODE="").mode == "none"
    assert "environment variable TRACER_MODE" in refusal(tmp_path, TRACER_MODE="nonne")


def test_unreadable_toml_names_the_line(tmp_path: Path) -> None:
    write(tmp_path, "runs = 1\nboundaries = [\n'shop'\nmode")

    assert "line 4" in refusal(tmp_path)


def test_a_file_in_another_encoding_names_the_line(tmp_path: Path) -> None:
    path = tmp_path / "tracer.toml"
    path.write_bytes(b"runs = 1\ncassettes = 'caf\xe9'\n")

    assert "not UTF-8 (at line 2)" in refusal(tmp_path)


def test_an_absent_file_is_refused_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"read .*absent\.toml"):
        read_toml(tmp_path / "absent.toml")


def test_the_names_known_here_are_those_of_a_comparison() -> None:
    """Settings stand below the comparison and cannot import its enums."""
    assert tuple(kind.value for kind in Kind) == KINDS
    assert tuple(severity.value for severity in Severity) == SEVERITIES
    assert Config(root=Path()).mode in MODES
    assert Config(root=Path()).fail_on in SEVERITIES
