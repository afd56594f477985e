"""A model directory is opened as data only, and every defect of it is one sentence."""

from __future__ import annotations

import json
import os
import shutil

import pytest
import torch
import transformers
from tiny_texts import bert, byte_bpe, save, wordpiece
from torch import nn

from lrp_audit.adapters import huggingface
from lrp_audit.errors import LrpAuditError, ModelFileError, UnsupportedModelError, UntrustedModelError


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    tokenizer = wordpiece()
    return save(tmp_path_factory.mktemp("models") / "bert", bert(tokenizer), tokenizer)


@pytest.fixture
def directory(original, tmp_path):
    return shutil.copytree(original, tmp_path / "bert")


def edit(path, **changes):
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | changes))


def as_pickle(directory):
    weights = transformers.AutoModelForSequenceClassification.from_pretrained(directory).state_dict()
    torch.save(weights, directory / "pytorch_model.bin")
    (directory / "model.safetensors").unlink()


def test_a_directory_opens_with_the_saved_weights_and_tokenizer(directory):
    opened = huggingface.open_directory(directory)
    model = bert(wordpiece())
    assert all(
        torch.equal(a, b) for a, b in zip(opened.model.state_dict().values(), model.state_dict().values(), strict=True)
    )
    assert opened.tokenizer("the loan")["input_ids"] == wordpiece()("the loan")["input_ids"]
    assert huggingface.is_model_directory(directory)
    assert not huggingface.is_model_directory(directory.parent)


def test_opening_leaves_the_librarys_logging_as_it_was(directory, capfd):
    before = transformers.logging.get_verbosity(), transformers.utils.logging.is_progress_bar_enabled()
    huggingface.open_directory(directory)
    assert (transformers.logging.get_verbosity(), transformers.utils.logging.is_progress_bar_enabled()) == before
    assert capfd.readouterr() == ("", "")


def remove(name):
    return lambda directory: (directory / name).unlink()


def truncate(directory):
    path = directory / "model.safetensors"
    path.write_bytes(path.read_bytes()[:5000])


def overwrite(name, content):
    return lambda directory: (directory / name).write_text(content)


def change(name, **changes):
    return lambda directory: edit(directory / name, **changes)


def shard_elsewhere(directory):
    (directory / "model.safetensors").rename(directory / "a.safetensors")
    (directory / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"x": "../b.safetensors"}}))


DEFECTS = {
    "no configuration": (remove("config.json"), ModelFileError, "config.json"),
    "damaged configuration": (overwrite("config.json", "{"), ModelFileError, "config.json.*JSON"),
    "bottomless configuration": (overwrite("config.json", "[" * 100_000), ModelFileError, "config.json.*JSON"),
    "a list for a configuration": (overwrite("config.json", "[]"), ModelFileError, "not a JSON object"),
    "no tokenizer": (remove("tokenizer.json"), ModelFileError, "tokenizer.json"),
    "damaged tokenizer": (overwrite("tokenizer.json", "{}"), ModelFileError, "tokenizer cannot be opened"),
    "no weights": (remove("model.safetensors"), ModelFileError, "model.safetensors"),
    "truncated weights": (truncate, ModelFileError, "damaged or truncated"),
    "missing shard": (shard_elsewhere, ModelFileError, "b.safetensors"),
    "weights of another size": (change("config.json", hidden_size=32), ModelFileError, "sizes"),
    "weights in pickles": (as_pickle, UntrustedModelError, "--trust-model"),
    "code of its own": (
        change("config.json", auto_map={"AutoModelForSequenceClassification": "m.M"}),
        UntrustedModelError,
        "auto_map",
    ),
    "tokenizer code of its own": (
        change("tokenizer_config.json", auto_map={"AutoTokenizer": ["t.T", None]}),
        UntrustedModelError,
        "auto_map",
    ),
    "kernel from a hub": (change("config.json", attn_implementation="them/kernel"), UntrustedModelError, "hub"),
    "nested kernel from a hub": (
        change("config.json", text_config={"_attn_implementation": "them/kernel"}),
        UntrustedModelError,
        "hub",
    ),
    "unknown architecture": (change("config.json", model_type="unheard"), UnsupportedModelError, "'unheard'"),
    "no architecture": (change("config.json", model_type=None), UnsupportedModelError, "architecture None"),
    "quantised": (change("config.json", quantization_config={"bits": 4}), UnsupportedModelError, "quantised"),
    "adapter only": (overwrite("adapter_config.json", "{}"), UnsupportedModelError, "adapter"),
}


@pytest.mark.parametrize("name", DEFECTS)
def test_every_defect_of_a_directory_is_one_sentence(directory, name):
    spoil, kind, sentence = DEFECTS[name]
    spoil(directory)
    with pytest.raises(kind, match=sentence) as raised:
        huggingface.open_directory(directory)
    assert isinstance(raised.value, LrpAuditError)
    assert str(raised.value).endswith(".")
    assert "\n" not in str(raised.value)


def test_pickled_weights_open_only_with_trust_and_even_then_run_nothing(directory):
    as_pickle(directory)
    assert isinstance(huggingface.open_directory(directory, trust=True).model, nn.Module)

    class Payload:
        def __reduce__(self):
            return os.mkdir, (str(directory / "ran"),)

    torch.save({"weight": Payload()}, directory / "pytorch_model.bin")
    with pytest.raises(ModelFileError):
        huggingface.open_directory(directory, trust=True)
    assert not (directory / "ran").exists()


def test_code_is_refused_even_with_trust(directory):
    edit(directory / "config.json", auto_map={"AutoConfig": "m.C"})
    with pytest.raises(UntrustedModelError, match="never run"):
        huggingface.open_directory(directory, trust=True)


def test_a_generation_model_without_a_classification_head_is_refused(tmp_path):
    tokenizer = byte_bpe()
    config = transformers.GPT2Config(vocab_size=len(tokenizer), n_embd=16, n_layer=1, n_head=2)
    save(tmp_path, transformers.GPT2LMHeadModel(config), tokenizer)
    with pytest.raises(UnsupportedModelError, match=r"score\.weight.*classification head"):
        huggingface.open_directory(tmp_path)


def test_a_pair_and_a_pipeline_are_copied(original):
    opened = huggingface.open_directory(original)
    pipeline = transformers.pipeline(
        "text-classification", model=opened.model, tokenizer=opened.tokenizer, device="cpu"
    )
    for given in ((opened.model, opened.tokenizer), pipeline):
        unpacked = huggingface.unpack(given)
        assert unpacked.model is not opened.model
        assert torch.equal(unpacked.model.classifier.weight, opened.model.classifier.weight)
    assert huggingface.unpack(nn.Linear(2, 2)) is None
    assert huggingface.unpack((nn.Linear(2, 2), "tokenizer")) is None


def test_a_pipeline_of_another_kind_is_refused(original):
    model = transformers.AutoModelForTokenClassification.from_pretrained(original)
    tokenizer = huggingface.open_directory(original).tokenizer
    pipeline = transformers.pipeline("token-classification", model=model, tokenizer=tokenizer, device="cpu")
    with pytest.raises(UnsupportedModelError, match="TokenClassificationPipeline"):
        huggingface.unpack(pipeline)


def test_the_copied_tokenizer_gives_the_ids_of_the_original_and_leaves_its_settings_alone():
    original = wordpiece()
    original.backend_tokenizer.enable_truncation(5)
    own = huggingface.backend_tokenizer(original)
    text = "The loan was denied because of two late payments"
    assert len(own.encode(text)) > 5
    assert original.backend_tokenizer.truncation["max_length"] == 5
    assert own.encode(text).ids == wordpiece()(text)["input_ids"]


def test_a_slow_tokenizer_is_refused():
    class Slow(transformers.PreTrainedTokenizerBase):
        is_fast = False

    with pytest.raises(UnsupportedModelError, match="slow tokenizer"):
        huggingface.backend_tokenizer(Slow())


def test_a_vocabulary_larger_than_the_model_is_refused():
    tokenizer = wordpiece()
    model = bert(tokenizer, vocab_size=100)
    with pytest.raises(UnsupportedModelError, match=r"go up to \d+, and the model has 100"):
        huggingface.require_vocabulary(model, huggingface.backend_tokenizer(tokenizer))


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"id2label": {0: "ham", 1: "spam"}}, (("ham", "spam"), "softmax")),
        ({"id2label": {1: "b", 0: "a", 2: "c"}}, (("a", "b", "c"), "softmax")),
        ({"id2label": {0: "spam"}}, (("not spam", "spam"), "logit")),
        ({"num_labels": 1, "problem_type": "regression"}, ((), "identity")),
        (
            {"id2label": {0: "fee", 1: "fraud"}, "problem_type": "multi_label_classification"},
            (("fee", "fraud"), "sigmoid-multilabel"),
        ),
    ],
)
def test_classes_and_link_are_those_of_the_librarys_own_pipeline(settings, expected):
    assert huggingface.labels(transformers.BertConfig(**settings)) == expected


def test_several_regressions_at_once_are_no_decision():
    with pytest.raises(UnsupportedModelError, match="2 values"):
        huggingface.labels(transformers.BertConfig(num_labels=2, problem_type="regression"))


def roberta(tokenizer, positions):
    config = transformers.RobertaConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=positions,
        pad_token_id=1,
        type_vocab_size=1,
    )
    return transformers.RobertaForSequenceClassification(config)


def test_the_length_limit_leaves_out_positions_that_are_reserved():
    tokenizer = byte_bpe()
    model = roberta(tokenizer, 20)
    limit = huggingface.length_limit(model, tokenizer)
    assert limit == 18
    ids = torch.full((1, limit), 5)
    model(input_ids=ids)
    with pytest.raises((IndexError, RuntimeError), match="out of"):
        model(input_ids=torch.cat([ids, ids[:, :1]], 1))


@pytest.mark.parametrize(("stated", "positions", "expected"), [(48, 48, 48), (30, 48, 30), (10**30, 48, 48)])
def test_the_length_limit_is_the_smaller_of_what_model_and_tokenizer_state(stated, positions, expected):
    tokenizer = wordpiece(model_max_length=stated)
    model = bert(tokenizer, max_position_embeddings=positions)
    assert huggingface.length_limit(model, tokenizer) == expected
    assert huggingface.length_limit(nn.Linear(2, 2), wordpiece(model_max_length=10**30)) is None
