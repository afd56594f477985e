"""Digests say whether two models are the same: equal fits agree everywhere, anything else differs."""

import copy
import subprocess
import sys
from pathlib import Path
from typing import Any

import adapter_tables as tables
import numpy as np
import pytest
import skops.io
import torch
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, KBinsDiscretizer, OneHotEncoder, QuantileTransformer

from lrp_audit.adapters.digests import preprocessing_sha256, weights_sha256
from lrp_audit.adapters.formats import open_model
from lrp_audit.adapters.tabular import adapt

HERE = Path(__file__).parent


def preprocessor(**settings: Any) -> Any:
    return make_column_transformer(
        (make_pipeline(SimpleImputer(), QuantileTransformer(n_quantiles=20, random_state=0)), ["income", "age"]),
        (OneHotEncoder(min_frequency=0.2, handle_unknown="infrequent_if_exist"), ["purpose"]),
        (KBinsDiscretizer(4, quantile_method="averaged_inverted_cdf", random_state=0), ["debt"]),
        (FunctionTransformer(np.log1p), ["months"]),
        (OneHotEncoder(), make_column_selector("housing")),
        **settings,
    )


def fitted(**settings: Any) -> Any:
    return preprocessor(**settings).fit(tables.loans())


def test_equal_fits_have_equal_digests() -> None:
    digest = preprocessing_sha256(fitted())
    assert digest == preprocessing_sha256(fitted())
    assert digest == preprocessing_sha256(copy.deepcopy(fitted()))
    assert digest == preprocessing_sha256(fitted(n_jobs=2, verbose=True)), "how to run does not matter"
    restored = skops.io.loads(
        skops.io.dumps(fitted()), trusted=skops.io.get_untrusted_types(data=skops.io.dumps(fitted()))
    )
    assert digest == preprocessing_sha256(restored)


def test_a_module_that_a_step_holds_counts_by_its_name_and_not_by_all_it_leads_to() -> None:
    """SciPy 1.18's splines hold their array library; walking through it took hours."""
    one, other = fitted(), fitted()
    one.library_, other.library_ = np, np
    assert preprocessing_sha256(one) == preprocessing_sha256(other)
    other.library_ = torch
    assert preprocessing_sha256(one) != preprocessing_sha256(other)


def test_another_process_finds_the_same_digest() -> None:
    code = "import test_digests as t; from lrp_audit.adapters.digests import *; print(preprocessing_sha256(t.fitted()))"
    found = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=HERE,
        env={"PYTHONHASHSEED": "77", "OMP_NUM_THREADS": "1", "PYTHONPATH": str(HERE.parents[1]), "PATH": ""},
    )
    assert found.stdout.strip() == preprocessing_sha256(fitted())


def changed_statistic(step: Any) -> None:
    values = step.named_transformers_["pipeline"][0].statistics_
    values[0] = np.nextafter(values[0], np.inf)


def changed_category(step: Any) -> None:
    step.named_transformers_["onehotencoder-1"].categories_[0][0] = "auto"


def changed_infrequent(step: Any) -> None:
    step.named_transformers_["onehotencoder-1"]._infrequent_indices[0] = np.array([0])


def changed_function(step: Any) -> None:
    step.named_transformers_["functiontransformer"].func = np.log10


@pytest.mark.parametrize("change", [changed_statistic, changed_category, changed_infrequent, changed_function])
def test_any_change_of_what_was_learned_changes_the_digest(change: Any) -> None:
    step = fitted()
    change(step)
    assert preprocessing_sha256(step) != preprocessing_sha256(fitted())


def test_functions_count_by_their_code() -> None:
    one, two = (FunctionTransformer(eval(f"lambda x: x * {factor}")) for factor in (2, 3))
    same = FunctionTransformer(eval("lambda x: x * 2"))
    assert preprocessing_sha256(one) == preprocessing_sha256(same)
    assert preprocessing_sha256(one) != preprocessing_sha256(two)


def test_weights_count_by_name_shape_type_and_value() -> None:
    one = {"a": torch.tensor([1.0, 2.0]), "b": torch.zeros(2, 3)}
    digest = weights_sha256(one)
    assert digest == weights_sha256(dict(reversed(one.items())))
    for other in (
        {"c": one["a"], "b": one["b"]},
        {**one, "b": torch.zeros(3, 2)},
        {**one, "a": one["a"].double()},
        {**one, "a": torch.tensor([1.0, 2.0000002])},
        {"a": one["a"]},
        {"a": one["b"], "b": one["a"]},
    ):
        assert weights_sha256(other) != digest
    assert weights_sha256({"b": torch.arange(6.0).reshape(2, 3).T}) == weights_sha256(
        {"b": torch.arange(6.0).reshape(2, 3).T.contiguous()}
    )


def test_a_model_keeps_its_digests_through_a_file(tmp_path: Path) -> None:
    user = tables.fit(make_pipeline(preprocessor(), tables.network()), tables.loans())
    skops.io.dump(user, tmp_path / "model.skops")
    before, after = adapt(user), adapt(open_model(tmp_path / "model.skops"))
    assert before.weights_sha256 == after.weights_sha256
    assert before.preprocessing_sha256 == after.preprocessing_sha256
    retrained = adapt(tables.fit(make_pipeline(preprocessor(), tables.network(random_state=1)), tables.loans()))
    assert retrained.weights_sha256 != before.weights_sha256
    assert retrained.preprocessing_sha256 == before.preprocessing_sha256
