"""Full checks of texts that do not stand alone: pairs of texts, and texts beside columns of a table."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from test_text_decisions import Mixed, config, frame, pretrained  # noqa: F401 (fixtures)
from torch import nn

from lrp_audit.adapters.text_masks import masked_text
from lrp_audit.adapters.words import words
from lrp_audit.checks.text_full import edits
from lrp_audit.deciding.decisions import decide
from lrp_audit.deciding.session import adapted, decision_model, new_session
from lrp_audit.settings.config import AuditConfig

pytestmark = pytest.mark.rule("CA-08")
FULL = ("integrated-gradients", "sufficiency", "stability", "curves")
ANSWERS = ["I always paid on time.", "I LOST MY JOB and fell behind with the rent.", "the car broke down", "no"]


def full(config: AuditConfig, **changes) -> AuditConfig:  # noqa: F811
    checks = config.checks.model_copy(update={"level": "full"})
    return config.model_copy(update={"checks": checks, **changes})


def decided(settings, model, table):
    return [item.record for item in decide(new_session(settings, model, bytes(32)), table)]


def measured(record):
    return {check.id: check.measured for check in record.checks if check.id in FULL and check.status == "performed"}


def agree(one, other):
    """Whether two records' checks measured the same, to the precision of float32."""
    return one.keys() == other.keys() and all(one[name] == pytest.approx(other[name], abs=1e-4) for name in one)


@pytest.fixture(scope="module")
def pairs(config, pretrained, frame):  # noqa: F811
    """Narratives with an applicant's answer to a question, both read by the model at once."""
    plain = config.variations.model_copy(update={"search": False})
    settings = full(config, text=config.text.model_copy(update={"pair": "answer"}), variations=plain)
    table = frame.iloc[:4].assign(answer=ANSWERS)
    return settings, decision_model(settings, adapted(settings, pretrained), table), table


def test_everything_is_checked_of_a_pair_and_does_not_depend_on_its_neighbours(pairs):
    settings, model, table = pairs
    together = decided(settings, model, table)
    assert any(record.reasons for record in together)
    for row, record in enumerate(together):
        found = measured(record)
        if not record.ranking.covered:
            assert not found
            continue
        assert set(found) >= {"integrated-gradients", "stability", "curves"}
        assert found["integrated-gradients"]["completeness_error"] < 1e-3
        assert agree(found, measured(decided(settings, model, table.iloc[[row]])[0]))


def test_masks_reach_the_words_of_both_texts_of_a_pair(pairs):
    _, model, table = pairs
    texts, _ = model.as_read(table)
    for first, second in texts:
        masked = masked_text(model.model, model.target, (first, second), {})
        count = len(words(first))
        assert masked.words == count + len(words(second))
        place = np.arange(masked.words)
        whole, no_first, no_second = masked.margins(np.array([place < 0, place < count, place >= count]))
        assert whole == pytest.approx(model._margins([(first, second)], {})[0], abs=1e-5)
        assert no_first == pytest.approx(masked.margins((place < count)[None])[0], abs=1e-5)
        assert len({round(float(one), 4) for one in (whole, no_first, no_second)}) == 3


def test_what_an_answer_says_is_found_in_the_answer(pairs):
    """The same words, moved from the second text to nowhere: what their reason stood on is gone."""
    settings, model, table = pairs
    said = table.iloc[:1].assign(narrative="I want new windows.", answer="I lost my job, and I was laid off twice.")
    (record,) = decided(settings, model, said)
    assert "employment" in [reason.family for reason in record.reasons]
    carried = measured(record)["sufficiency"]
    assert carried["others"] < carried["random"]
    (silent,) = decided(settings, model, said.assign(answer="Thank you."))
    assert "employment" not in {family.family for family in silent.families}


def test_a_pair_is_edited_alike_also_where_an_edit_changes_one_text_alone():
    first, second = "The \u201cLoan\u201d\u2014please", "plain already"
    found = edits((first, second))
    assert found
    for one, other in found:
        assert len(one) == len(first)
        assert (one, other) != (first, second)
        assert other in {second, *edits(second)}
    assert edits(("plain", "plain")) == []
    both = edits(("It's", "A\tB"))
    assert ("it's", "a\tb") in both  # the same edit of both, never one of one and another of the other
    assert ("It\u2019s", "A\tB") in both
    assert ("It\u2019s", "A B") not in both


class Beside(nn.Module):
    """A narrative beside income and debts, which count linearly: every method then gives them the same relevance."""

    def __init__(self, text, weight):
        super().__init__()
        self.text, self.numbers = text, nn.Linear(2, 2, bias=False)
        with torch.no_grad():
            self.numbers.weight.copy_(torch.tensor([[-1.0, -1.0], [1.0, 1.0]]) * weight / 2)

    def get_input_embeddings(self):
        return self.text.get_input_embeddings()

    def forward(self, input_ids=None, attention_mask=None, numbers=None, inputs_embeds=None):
        given = {"input_ids": input_ids} if inputs_embeds is None else {"inputs_embeds": inputs_embeds}
        return self.text(**given, attention_mask=attention_mask).logits + self.numbers(numbers)


@pytest.fixture(scope="module", params=[0.2, 20.0], ids=["words count", "numbers count"])
def mixed(request, config, pretrained, frame):  # noqa: F811
    inputs = {"inputs": {"numbers": ("income", "debts")}, "classes": ("approved", "declined")}
    plain = config.variations.model_copy(update={"search": False})
    settings = full(config, model=config.model.model_copy(update=inputs), variations=plain)
    table = frame.iloc[:4].assign(income=[1.5, -0.5, 1.0, 2.0], debts=[2.0, 2.0, 1.0, -1.5])
    both = adapted(settings, (Beside(pretrained.model, request.param).eval(), pretrained.tokenizer))
    return settings, decision_model(settings, both, table), table, request.param


def test_everything_is_checked_of_a_text_beside_a_table(mixed):
    settings, model, table, weight = mixed
    together = decided(settings, model, table)
    assert any(record.ranking.covered for record in together)
    for row, record in enumerate(together):
        columns = {item.column: item.relevance for item in record.contributions}
        for name in ("income", "debts"):
            assert columns[name] == pytest.approx(weight * table[name].iloc[row], rel=1e-5)
        found = measured(record)
        if not record.ranking.covered:
            assert not found
            continue
        assert set(found) >= {"integrated-gradients", "stability", "curves"}
        gradients = found["integrated-gradients"]
        assert gradients["completeness_error"] < 1e-3
        numbers = sum(columns[name] > 0 for name in ("income", "debts"))
        assert gradients["kept"] >= (min(numbers, gradients["stated"]) if weight > 1 else 0)
        assert agree(found, measured(decided(settings, model, table.iloc[[row]])[0]))


def test_a_network_without_embeddings_has_no_integrated_gradients_and_every_other_check(config, pretrained, frame):  # noqa: F811
    inputs = {"inputs": {"numbers": ("income", "debts")}, "classes": ("approved", "declined")}
    plain = config.variations.model_copy(update={"search": False})
    settings = full(config, model=config.model.model_copy(update=inputs), variations=plain)
    table = frame.iloc[:4].assign(income=1.0, debts=2.0)
    model = decision_model(settings, adapted(settings, (Mixed(pretrained.model).eval(), pretrained.tokenizer)), table)
    for record in decided(settings, model, table):
        if record.ranking.covered:
            assert {"stability", "curves"} <= set(measured(record)) <= {"sufficiency", "stability", "curves"}


def test_masks_leave_the_numbers_beside_a_text_as_they_are(mixed):
    _, model, table, weight = mixed
    texts, tables = model.as_read(table)
    for row, text in enumerate(texts):
        own = {name: value[row : row + 1] for name, value in tables.items()}
        zero = {name: torch.zeros_like(value) for name, value in own.items()}
        states = np.array([[False] * len(words(text)), [True] * len(words(text))])
        beside, alone = (masked_text(model.model, model.target, text, given).margins(states) for given in (own, zero))
        numbers = weight * float(table[["income", "debts"]].iloc[row].sum())
        np.testing.assert_allclose(beside - alone, numbers, rtol=1e-4, atol=1e-4)


def test_sufficiency_is_that_of_words_and_is_left_out_where_numbers_alone_are_stated(mixed):
    settings, model, table, _ = mixed
    seen = set()
    for record in decided(settings, model, table):
        if not record.ranking.covered:
            continue
        stated = {reason.family for reason in record.reasons}
        of_words = bool(stated - {"income", "debts"})
        everything = stated >= {item.family for item in record.families if item.family not in {"income", "debts"}}
        assert ("sufficiency" in measured(record)) is (of_words and not everything)
        seen.add(of_words)
    assert seen


def test_an_edit_of_the_text_does_not_move_what_the_numbers_carry(mixed):
    settings, model, table, weight = mixed
    for record in decided(settings, model, table):
        stability = measured(record).get("stability")
        if stability is not None and weight > 1:
            assert stability["largest_change"] < 0.05  # of all relevance, most of which is the numbers'
            assert stability["kept"] == stability["stated"]
