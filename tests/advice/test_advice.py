"""`lrp-audit rules`: what is measured, what is recommended, and what is written into audit.toml."""

import json
import math
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import skops.io
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

from lrp_audit.adapters.tabular import adapt
from lrp_audit.advice.advise import Advice, prepare, with_population
from lrp_audit.advice.layers import advice, described
from lrp_audit.advice.outcomes import Choice, Measured, digest, recommend
from lrp_audit.advice.settings_file import with_choice
from lrp_audit.deciding.session import decision_model, open_decisions
from lrp_audit.engine import capture
from lrp_audit.engine.inventory import inventory
from lrp_audit.errors import ConfigError
from lrp_audit.resources import samples
from lrp_audit.settings.config import AuditConfig, load
from lrp_audit.tables import read_table
from lrp_audit.validation.sample import draw_sample

COLUMNS = ("income", "debt", "age", "savings", "months", "rate")
Command = Callable[..., Any]


def rows(count: int = 300) -> pd.DataFrame:
    return pd.DataFrame(np.random.default_rng(0).normal(size=(count, len(COLUMNS))).round(3), columns=list(COLUMNS))


def advised(model: Any, **changes: Any) -> Advice:
    values = {"model": {"file": "m", "columns": COLUMNS, "classes": ("no", "yes")}, "decision": {"adverse": "yes"}}
    config = with_population(AuditConfig.model_validate({**values, **changes}))
    decisions = decision_model(config, adapt(model, columns=COLUMNS, classes=("no", "yes")), rows())
    drawn = draw_sample(decisions, rows(), size=50, seed=0)
    return prepare(decisions, drawn.frame[drawn.adverse].reset_index(drop=True)).run()


@pytest.fixture(scope="module")
def network() -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, 2)).double().eval()


@pytest.fixture(scope="module")
def found(network: nn.Module) -> Advice:
    return advised(network)


def of(found: Advice, rules: str, population: str = "near_cutoff", form: str = "members") -> Measured:
    (item,) = (
        one
        for one in found.measured
        if (one.choice.rules, one.choice.population, one.choice.representation) == (rules, population, form)
    )
    return item


def test_rules_that_conserve_lose_nothing_and_the_others_say_where(found: Advice) -> None:
    for rules in ("lrp0", "gamma"):
        assert of(found, rules).lost < 1e-9
        assert of(found, rules).losses == ()
    for rules in ("alpha-beta", "zplus"):
        item = of(found, rules)
        assert item.lost > 0.01
        assert item.losses
        assert all(0 <= loss.decisions <= 1 for loss in item.losses)
        assert any(loss.decisions > 0 and loss.lost > 0.01 for loss in item.losses)


def test_what_is_recommended_conserves_and_is_near_to_shapley_values(found: Advice) -> None:
    best = found.recommended
    assert best is not None
    assert best.choice.rules in ("lrp0", "epsilon", "gamma")
    assert best.choice.population == "near_cutoff"
    assert np.mean(best.same) > np.mean(of(found, "zplus").same)
    assert best.rank > 0.8
    assert all(math.isfinite(item.cost) for item in found.measured)


def test_a_linear_model_needs_one_pass_from_the_mean_applicant() -> None:
    frame = rows()
    outcome = np.where(frame["debt"] - frame["income"] > 0, "yes", "no")
    found = advised(make_pipeline(StandardScaler(), LogisticRegression()).fit(frame, outcome))
    assert found.recommended is not None
    assert found.recommended.choice.representation == "centroid"
    assert found.recommended.rank > 0.99
    assert any("Nothing but linear layers" in sentence for sentence in found.sentences)


def test_the_digest_repeats_and_leaves_cost_out(found: Advice, network: nn.Module) -> None:
    assert advised(network).sha256 == found.sha256
    assert found.sha256[:16] in found.evidence


def test_the_other_population_is_measured_and_never_recommended() -> None:
    choice = Choice("lrp0", "near_cutoff", "members", 64)
    own, other = (
        Measured(choice, lost=0.0, same=(0.5, 0.5)),
        Measured(Choice("lrp0", "all_applicants", "members", 64), lost=0.0, same=(1.0, 1.0)),
    )
    assert recommend([own, other], "near_cutoff", texts=False) is own


def test_a_cheaper_choice_wins_only_where_it_is_no_worse() -> None:
    dear = Measured(Choice("lrp0", "p", "coalitions", 128), lost=0.0, same=(1.0, 0.9, 1.0, 0.9))
    close = Measured(Choice("lrp0", "p", "members", 64), lost=0.0, same=(0.9, 1.0, 0.9, 1.0))
    worse = Measured(Choice("lrp0", "p", "centroid", 1), lost=0.0, same=(0.5, 0.4, 0.5, 0.4))
    leaky = Measured(Choice("zplus", "p", "members", 1), lost=0.5, same=(1.0, 1.0, 1.0, 1.0))
    broken = Measured(Choice("gamma", "p", "members", 1), error="cannot")
    assert recommend([dear, close, worse, leaky, broken], "p", texts=False) is close
    assert recommend([leaky, broken], "p", texts=False) is None
    assert digest([dear]) != digest([close])


def test_layers_and_activations_are_counted_and_spoken_to() -> None:
    smooth = nn.Sequential(nn.Linear(3, 4), nn.GELU(), nn.LayerNorm(4), nn.Linear(4, 2)).eval()
    parts = inventory(capture(smooth, torch.randn(3, 3)))
    assert parts["activation", "gelu"] == 1
    assert parts["linear", "linear"] == 2
    assert "1 gelu (activation)" in described(parts)
    sentences = " ".join(advice(parts, texts=False))
    assert "gelu" in sentences
    assert "Norms" in sentences


# --- audit.toml -------------------------------------------------------------------------------------------------------

CHOICE = {"explanation": {"rules": "lrp0"}, "reference": {"population": "near_cutoff", "representation": "members"}}


@pytest.mark.parametrize(
    "text",
    [
        "# mine\n[model]\nfile = 'm' # here\n",
        "[model]\nfile = 'm'\n\n[reference] # whom\nmembers = 12 # few\n\n[explanation]\nrules = 'gamma' # old\n",
        "reference = { members = 12 } # whom\nexplanation = { rules = 'zplus' }\n[model]\nfile = 'm'\n",
        "explanation.rules = 'gamma'\nreference.members = 12\n[model]\nfile = 'm'\n",
        "[explanation]\r\nrules = 'gamma'\r\n[model]\r\nfile = 'm'\r\n",
    ],
)
def test_a_choice_is_written_with_its_evidence_and_the_rest_stays(text: str) -> None:
    once = with_choice(text, CHOICE, "evidence: 1")
    twice = with_choice(once, CHOICE, "evidence: 2")
    settings = tomllib.loads(twice)
    assert settings["explanation"]["rules"] == "lrp0"
    assert settings["reference"]["representation"] == "members"
    assert settings["model"] == {"file": "m"}
    assert "evidence: 1" in once
    assert "evidence: 2" in twice
    assert "evidence: 1" not in twice
    for kept in ("# mine", "# here", "# few"):
        assert (kept in text) == (kept in twice)


def test_the_samples_settings_keep_every_line() -> None:
    text = (samples() / "audit.toml").read_text(encoding="utf-8")
    new = with_choice(text, CHOICE, "evidence")
    assert set(text.splitlines()) <= set(new.splitlines())


def test_a_file_that_cannot_be_changed_alone_is_left_to_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tomlkit.dumps", lambda document: "model = 3")
    with pytest.raises(ConfigError, match=r"set by hand: explanation.rules = 'lrp0'"):
        with_choice("[model]\nfile = 'm'\n", CHOICE, "evidence")


# --- texts and command ------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_texts_are_measured_word_by_word(tmp_path: Path) -> None:
    folder = samples() / "text"
    config = with_population(load(folder / "audit.toml"))
    frame = read_table(folder / "synthetic_validation.csv")
    decisions = open_decisions(config, folder, folder / "synthetic_model", frame)
    drawn = draw_sample(decisions, frame, size=50, seed=0)
    found = prepare(decisions, drawn.frame[drawn.adverse].reset_index(drop=True).head(12)).run()
    by_name = {item.choice.rules: item for item in found.measured}
    assert np.nanmean(by_name["attnlrp"].faithful) > 0.5
    assert by_name["attnlrp"].rank > by_name["zplus"].rank
    assert by_name["attnlrp"].lost == 0 < by_name["alpha-beta"].lost
    assert found.recommended is not None
    assert found.settings().keys() == {"explanation"}


def test_the_command_compares_writes_and_names_mistakes(command: Command, tmp_path: Path) -> None:
    frame = rows()
    outcome = np.where(frame["debt"] - frame["income"] > 0, "yes", "no")
    skops.io.dump(LogisticRegression().fit(frame, outcome), tmp_path / "model.skops")
    frame.to_csv(tmp_path / "table.csv", index=False)
    config = tmp_path / "audit.toml"
    config.write_text('[model]\nfile = "model.skops"\n[decision]\nadverse = "yes"\n', encoding="utf-8")
    arguments = [tmp_path / "model.skops", tmp_path / "table.csv", "--config", config, "--sample", 50]
    result = command("rules", *arguments, "--write")
    assert result.code == 0, result.err
    assert "Recommended: " in result.out
    assert load(config).reference.representation == "centroid"
    printed = json.loads(command("rules", *arguments, "--json").out)
    assert printed["recommended"]["representation"] == "centroid"
    frame.head(49).to_csv(tmp_path / "table.csv", index=False)
    few = command("rules", *arguments)
    assert (few.code, "49 rows" in few.err) == (2, True)
