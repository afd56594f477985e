"""audit.toml is accepted as it is meant, or refused in sentences that name the line, the key and what is allowed."""

from __future__ import annotations

import datetime as dt
import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lrp_audit.errors import ConfigError
from lrp_audit.settings import config
from lrp_audit.settings.config import AuditConfig
from lrp_audit.settings.sections import ColumnSection, FamilySection, ModelSection
from lrp_audit.settings.toml_errors import dotted, key_lines, quoted

MINIMAL = '[model]\nfile = "model.skops"\n'
VALID = """\
[model]
file = "model.skops"
version = "3.2"
classes = ["good", "bad"]

[decision]
adverse = "bad"
cutoff = 0.4

[reference]
date = 2026-09-30

[columns.income]
label = "Income"
family = "money"

[families.money]
text.en = "Income insufficient for amount of credit requested"

[institution]
name = "Bank"
address = ["1 Main Street", "Springfield"]
"""


def write(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "audit.toml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def problem(tmp_path: Path, text: str | bytes) -> str:
    with pytest.raises(ConfigError) as caught:
        config.load(write(tmp_path, text))
    return str(caught.value)


def test_a_valid_file_becomes_settings_of_its_values_and_defaults(tmp_path: Path) -> None:
    loaded = config.load(write(tmp_path, VALID))
    assert loaded.decision.cutoff == 0.4
    assert loaded.reference.date == dt.date(2026, 9, 30)
    assert loaded.institution is not None
    assert loaded.institution.address == ("1 Main Street", "Springfield")
    assert loaded.family_of("income") == "money"
    assert loaded.checks == AuditConfig(model=ModelSection(file="x")).checks


@pytest.mark.parametrize("layout", [str, lambda text: "\ufeff" + text, lambda text: text.replace("\n", "\r\n")])
def test_editors_of_other_systems_make_no_difference(tmp_path: Path, layout: Any) -> None:
    assert config.load(write(tmp_path, layout(VALID))) == config.load(write(tmp_path, VALID))


MISTAKES = [
    # (text put in, line after which, what the message says of it)
    ("version = 3.2", 'version = "3.2"', 3, "model.version must be text in quotes, not 3.2."),
    ("cutof = 0.4", "cutoff = 0.4", 8, "decision.cutof is not a key of [decision]; did you mean 'cutoff'?"),
    ("cutoff = 1.5", "cutoff = 0.4", 8, "decision.cutoff must lie between 0 and 1"),
    ("cutoff = 0", "cutoff = 0.4", 8, "both excluded, as a probability, not 0.0"),
    ("cutoff = 1", "cutoff = 0.4", 8, "both excluded, as a probability, not 1.0"),
    ("cutoff = nan", "cutoff = 0.4", 8, "decision.cutoff must be a finite number, not nan."),
    ("cutoff = true", "cutoff = 0.4", 8, "decision.cutoff must be a number, not true."),
    ('adverse = "baad"', 'adverse = "bad"', 7, "decision.adverse: model.classes has no 'baad'; did you mean 'bad'?"),
    ("date = 2026-09-30T12:00:00", "date = 2026-09-30", 11, "reference.date must be a date without quotes"),
    ('date = "2026-09-30"', "date = 2026-09-30", 11, "reference.date must be a date without quotes"),
    ("size = 49", "date = 2026-09-30", 11, "reference.size must be at least 50, not 49."),
    ("seed = -1", "date = 2026-09-30", 11, "reference.seed must be at least 0, not -1."),
    ('population = "near-cutoff"', "date = 2026-09-30", 11, "did you mean 'near_cutoff'?"),
    ('faimly = "money"', 'family = "money"', 15, "columns.income.faimly is not a key of [columns.income]"),
    ('family = "many"', 'family = "money"', 17, "no column belongs to families.money; did you mean 'many'?"),
    ("[families.mony]", "[families.money]", 17, "no column belongs to families.mony; did you mean 'money'?"),
    ('text.en = " "', "text.en =", 18, "families.money.text.en is empty"),
    ('text.eng1 = "x"', "text.en =", 18, "'eng1' is no language code"),
    ('text_low.en = "x"', "text.en =", 18, "families.money.text_low.en needs families.money.text.en"),
    ('address = "1 Main Street"', "address =", 22, "institution.address must be a list"),
    ("address = []", "address =", 20, "[institution] needs a name and at least one line of address."),
    ("[institutions]", "[institution]", 20, "institutions is not a key of the file; did you mean 'institution'?"),
]


@pytest.mark.parametrize(("wrong", "right", "line", "message"), MISTAKES, ids=[wrong for wrong, *_ in MISTAKES])
def test_a_mistake_is_named_with_line_key_and_what_is_allowed(
    tmp_path: Path, wrong: str, right: str, line: int, message: str
) -> None:
    lines = [wrong if entry.startswith(right) else entry for entry in VALID.splitlines()]
    assert lines != VALID.splitlines()
    said = problem(tmp_path, "\n".join(lines))
    assert said.startswith(f"audit.toml, line {line}: "), said
    assert message in said
    assert "\n" not in said


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "[model] is missing"),
        ("model is missing", "audit.toml, line 1: not valid TOML"),
        ("[model]\nfile = 'a'\n\nx = [1,\n2", "audit.toml, line 5: not valid TOML"),
        ("[model]\n", "audit.toml, line 1: model.file is missing; write it under [model]."),
        ("model = 3", "audit.toml, line 1: model must be a table, not 3."),
        (MINIMAL + 'columns = ["a", "a"]\n', "line 3: model.columns names 'a' twice"),
        (MINIMAL + 'columns = ["a"]\ninputs = {x = ["a"]}\n', "line 4: model.inputs and model.columns exclude"),
        (MINIMAL + 'columns = ["income"]\n[columns.incom]\n', "line 4: model.columns has no 'incom'; did you mean"),
        (MINIMAL + '[decision]\ncutoff_on = "value"\nadverse = "yes"\n', 'line 5: decision.adverse must be "above"'),
        (MINIMAL + '[documents]\nlanguage = "../../x"\n', "line 4: documents.language must be a language code"),
        (MINIMAL + '[credit_score]\nsource = "S"\nlow = 850\nhigh = 850\n', "line 5: credit_score.low must be less"),
        (MINIMAL + '[approval]\nby = " "\non = 2026-01-01\nversion = "1"\n', "line 4: approval.by is empty"),
        (
            MINIMAL + '[families]\na = {columns = ["x"]}\nb = {columns = ["x"]}\n',
            "line 5: families.b.columns names 'x'",
        ),
        (MINIMAL + "[columns.x]\nvalues = {1 = 2}\n", "line 4: columns.x.values.1 must be text in quotes, not 2."),
        (MINIMAL + "deep = " + "[" * 100_000, "audit.toml nests its values too deeply"),
        (b'[model]\n\nfile = "\xff"', "audit.toml, line 3: not UTF-8 text"),
    ],
)
def test_what_is_wrong_with_a_whole_file(tmp_path: Path, text: str | bytes, message: str) -> None:
    assert message in problem(tmp_path, text)


def test_lines_are_counted_the_same_whatever_ends_them(tmp_path: Path) -> None:
    text = "[model]\nfile = 'a'\ncolumns = [\n  'x',\n]\nnote = 1\n"
    assert "line 6: model.note" in problem(tmp_path, text)
    assert "line 6: model.note" in problem(tmp_path, text.replace("\n", "\r\n"))


def test_every_mistake_of_a_file_is_told_in_the_order_of_its_lines(tmp_path: Path) -> None:
    said = problem(tmp_path, '[checks]\nseed = "x"\nrandom = 1\n[model]\nfile = 1\n').splitlines()
    assert [re.match(r"audit.toml, line (\d+)", line)[1] for line in said] == ["2", "3", "5"]  # type: ignore[index]


def test_files_that_cannot_be_opened_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="lrp-audit init"):
        config.load(tmp_path / "absent.toml")
    with pytest.raises(ConfigError, match="cannot be read"):
        config.load(tmp_path)


def test_families_may_name_their_columns_instead(tmp_path: Path) -> None:
    short = config.load(write(tmp_path, MINIMAL + '[families]\nmoney = {columns = ["income", "debt"]}\n'))
    assert [short.family_of(name) for name in ("income", "debt", "other")] == ["money", "money", "other"]
    assert short.columns["debt"] == ColumnSection(family="money")


def test_the_model_s_columns_are_the_only_ones(tmp_path: Path) -> None:
    loaded = config.load(write(tmp_path, MINIMAL + "[columns.incom]\n"))
    with pytest.raises(ConfigError, match=r"columns\.incom .*did you mean 'income'\?"):
        config.check_columns(loaded, ["income", "debt"])
    config.check_columns(loaded, ["incom", "debt"])


def test_the_digest_depends_on_settings_alone(tmp_path: Path) -> None:
    turned = MINIMAL + '[checks]\nseed = 3\n[decision]\nadverse = "bad"\n'
    moved = f"# a comment\n[decision]\nadverse = 'bad'\n[checks]\nseed = 0x3\n{MINIMAL}"
    one, other = (config.load(write(tmp_path, text)) for text in (turned, moved))
    assert config.digest(one) == config.digest(other)
    assert config.digest(one) != config.digest(
        one.model_copy(update={"decision": AuditConfig.model_fields["decision"].default})
    )


def test_samples_are_valid() -> None:
    samples = sorted((Path(__file__).parents[1] / "data_samples").rglob("*.toml"))
    assert samples
    for sample in samples:
        assert config.load(sample).model.file


NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=8)
WORDING = NAMES.filter(lambda text: text.strip() != "")
SETTINGS = st.builds(
    AuditConfig,
    model=st.builds(ModelSection, file=NAMES, version=st.none() | NAMES, owner=st.none() | NAMES),
    columns=st.dictionaries(
        NAMES, st.builds(ColumnSection, label=st.none() | NAMES, values=st.dictionaries(NAMES, NAMES, max_size=2))
    ),
    families=st.dictionaries(
        NAMES,
        st.builds(FamilySection, columns=st.just(()), text=st.fixed_dictionaries({"en": WORDING})),
        max_size=3,
    ),
)


def as_toml(value: Any) -> str:
    """A value in TOML, nested tables inline."""
    if isinstance(value, dict):
        items = (f"{dotted((key,))} = {as_toml(item)}" for key, item in value.items() if item is not None)
        return f"{{{', '.join(items)}}}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(as_toml, value))}]"
    return quoted(value) if isinstance(value, str) else json.dumps(value)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(made=SETTINGS)
def test_settings_survive_being_written_and_read(tmp_path: Path, made: AuditConfig) -> None:
    """Names of columns and families, and wording, may hold any character; only unused families are refused."""
    for name in made.families:
        made.columns[name] = made.columns.get(name, ColumnSection())
    text = "\n".join(f"{key} = {as_toml(value)}" for key, value in made.model_dump(exclude_defaults=True).items())
    loaded = config.load(write(tmp_path, text))
    assert loaded.model_dump() == made.model_dump()  # where it lies apart
    assert config.digest(loaded) == config.digest(made)


@settings(max_examples=60)
@given(keys=st.lists(st.lists(NAMES, min_size=1, max_size=3), min_size=1, max_size=6), gaps=st.lists(st.integers(0, 3)))
def test_lines_of_keys_are_those_they_were_written_on(keys: list[list[str]], gaps: list[int]) -> None:
    """Whatever the names, and whatever lies between: comments, empty lines, arrays and strings over several lines."""
    fillers = ["", "# [not] = a header", 'pad{} = """\n[not.a.header]\nx = 1\n"""', "pad{} = [\n  1, # ]\n  2]"]
    lines: list[str] = []
    expected: dict[tuple[str, ...], int] = {}
    for number, key in enumerate(keys):
        lines += fillers[gaps[number % len(gaps)] if gaps else 0].format(f"_filler_{number}").split("\n")
        lines.append(f"{dotted((f't{number}', *key))} = {{ inner = 1 }}")
        expected[(f"t{number}", *key, "inner")] = len(lines)
    text = "\n".join(lines)
    tomllib.loads(text)
    found = key_lines(text)
    assert {key: found[key] for key in expected} == expected
