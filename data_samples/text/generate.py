"""Makes the synthetic narratives to decide, and the small transformer that decides on them.

    python data_samples/text/generate.py            # the table, scored by the model that is there
    python data_samples/text/generate.py --train    # make tokenizer and model anew first, about two minutes

Equal seeds give equal bytes of the table. Training anew gives the same model up to rounding.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from tokenizers import Tokenizer, normalizers, pre_tokenizers
from tokenizers.models import WordPiece
from tokenizers.processors import TemplateProcessing
from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

sys.path.insert(0, str(Path(__file__).resolve().parent))  # a script beside its module, wherever it is called from
from narratives import PAST, TO_DECIDE, Narrative, decisions, draw

HERE = Path(__file__).resolve().parent
MODEL = HERE / "synthetic_model"
SEED = 20261102
SPECIAL_TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
CLASSES = ["approved", "declined"]
VALIDATION = 120  # rows of the table that the model is validated on
GIVEN = ["Avery", "Blake", "Casey", "Dana", "Ellis", "Frankie", "Gray", "Harper"]
FAMILY = ["Sample", "Testwood", "Exampleton", "Placeholder", "Mockford", "Fictitia"]


def past() -> tuple[list[Narrative], np.ndarray]:
    """Narratives of past applications, and which of them were declined."""
    rng = np.random.default_rng(SEED)
    narratives = [draw(rng) for _ in range(PAST)]
    return narratives, decisions(narratives, rng)


def to_decide() -> list[Narrative]:
    """New narratives: most as the past ones, the last two much longer."""
    rng = np.random.default_rng(SEED + 1)
    narratives = [draw(rng) for _ in range(TO_DECIDE - 2)]
    return [*narratives, *(_joined([draw(rng) for _ in range(4)]) for _ in range(2))]


def _joined(parts: list[Narrative]) -> Narrative:
    return Narrative("\n\n".join(part.text for part in parts), ())


def vocabulary(texts: list[str], most_words: int) -> dict[str, int]:
    """Pieces for WordPiece: characters, the most frequent words, and frequent beginnings and endings of words.

    The library's own trainer breaks ties by chance, so that two runs give two vocabularies.
    """
    words = Counter(word for text in texts for word in re.findall(r"\w+|[^\w\s]", text.lower()))
    beginnings, endings = Counter[str](), Counter[str]()
    for word, count in words.items():
        for length in (2, 3, 4, 5):
            if length < len(word):
                beginnings[word[:length]] += count
                endings["##" + word[-length:]] += count
    characters = sorted(set("".join(words)))
    pieces = [*SPECIAL_TOKENS, *characters, *("##" + character for character in characters)]
    for counted, most in ((words, most_words), (beginnings, 120), (endings, 160)):
        pieces += sorted(counted, key=lambda piece: (-counted[piece], piece))[:most]
    return {piece: number for number, piece in enumerate(dict.fromkeys(pieces))}


def make_tokenizer(texts: list[str], words: int = 200) -> PreTrainedTokenizerFast:
    """A lower-casing WordPiece tokenizer as BERT's, with a vocabulary of these texts."""
    tokenizer = Tokenizer(WordPiece(vocabulary(texts, words), unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    marks = [(name, tokenizer.token_to_id(name)) for name in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = TemplateProcessing("[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1", marks)
    names = dict(zip(("pad_token", "unk_token", "cls_token", "sep_token", "mask_token"), SPECIAL_TOKENS, strict=True))
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=128, **names)


def train_model(
    tokenizer: PreTrainedTokenizerFast, texts: list[str], declined: np.ndarray
) -> BertForSequenceClassification:
    """A BERT of two layers, 64 wide."""
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=128,
        max_position_embeddings=128,
        id2label=dict(enumerate(CLASSES)),
        label2id={name: index for index, name in enumerate(CLASSES)},
        pad_token_id=tokenizer.pad_token_id,
    )
    encoded = tokenizer(texts, padding=True, truncation=True, return_tensors="pt")
    labels = torch.tensor(declined.astype(np.int64))
    with torch.random.fork_rng():
        torch.manual_seed(SEED)
        model = BertForSequenceClassification(config).train()
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.01)
        for _ in range(6):
            for rows in torch.randperm(len(texts)).split(32):
                width = int(encoded["attention_mask"][rows].sum(1).max())
                batch = {name: tensor[rows, :width] for name, tensor in encoded.items()}
                optimizer.zero_grad()
                model(**batch, labels=labels[rows]).loss.backward()
                optimizer.step()
    return model.eval()


def declined_probability(folder: Path, text: str) -> float | None:
    """Probability of being declined, by the library's own path; None for a text longer than the model reads at once."""
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    model = BertForSequenceClassification.from_pretrained(folder).eval()
    encoded = tokenizer(text, return_tensors="pt")
    if encoded["input_ids"].shape[1] > model.config.max_position_embeddings:
        return None
    with torch.no_grad():
        return float(model(**encoded).logits[0].softmax(0)[1])


def applications(folder: Path) -> pd.DataFrame:
    """The table to decide: who asks, what they wrote, and what the model said."""
    rng = np.random.default_rng(SEED + 2)
    narratives = to_decide()
    scores = [declined_probability(folder, narrative.text) for narrative in narratives]
    return pd.DataFrame(
        {
            "application_id": [f"T-{row + 1:03d}" for row in range(len(narratives))],
            "applicant_name": [f"{rng.choice(GIVEN)} {rng.choice(FAMILY)}" for _ in narratives],
            "applicant_address": [f"{rng.integers(1, 99)} Example Street; Sampletown, ZZ 00000" for _ in narratives],
            "product": "Personal loan",
            "application_date": "2026-10-20",
            "completion_date": "2026-10-21",
            "decision_date": "2026-11-02",
            "narrative": [narrative.text for narrative in narratives],
            "recorded_score": [None if score is None else f"{score:.4f}" for score in scores],
            "model_version": "2026.10",
        }
    )


def validation() -> pd.DataFrame:
    """Further past narratives with what was decided: a table to validate the model on."""
    rng = np.random.default_rng(SEED + 3)
    narratives = [draw(rng) for _ in range(VALIDATION)]
    declined = decisions(narratives, rng)
    return pd.DataFrame(
        {
            "application_id": [f"V-{row + 1:03d}" for row in range(VALIDATION)],
            "application_date": "2026-09-30",
            "narrative": [narrative.text for narrative in narratives],
            "decision": [CLASSES[int(outcome)] for outcome in declined],
        }
    )


def main(folder: Path, *, train: bool = False) -> None:
    """Write the table into a folder that holds the model, and train the model first if asked."""
    model = folder / MODEL.name
    if train:
        narratives, declined = past()
        texts = [narrative.text for narrative in narratives]
        tokenizer = make_tokenizer(texts)
        train_model(tokenizer, texts, declined).save_pretrained(model)
        tokenizer.save_pretrained(model)
    validation().to_csv(folder / "synthetic_validation.csv", index=False, lineterminator="\n")
    applications(model).to_csv(folder / "synthetic_narratives.csv", index=False, lineterminator="\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", action="store_true", help="make tokenizer and model anew first")
    main(HERE, train=parser.parse_args().train)
