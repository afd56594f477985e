"""What the aggregate functions find on real data, and on planted truth: every figure of docs/explanation/evidence.md.

    python benchmarks/evidence.py                  # all of it: about 20 minutes on one thread
    python benchmarks/evidence.py tables texts     # parts: tables, texts, refusals, nulls
    python benchmarks/evidence.py --quick          # tables alone

`--data` is the folder of the development data (its README tells what each is); without it only `nulls` run. On tables a
network of 64 and 32 units is trained on three quarters, and every decision of the last quarter, approvals too, is
explained against 64 of the 200 approvals nearest the cutoff among the rows that it was trained on. The group column is
kept out of the inputs. Texts are read by a transformer of two layers, 64 wide, trained here. `nulls` says how often
something is reported where there is nothing, over 200 or 1000 repeats, and how often what is planted is found.
"""

from __future__ import annotations

import argparse
import dataclasses
import re
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "real"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "data_samples" / "text"))
import generate
import kept  # the script beside this one
import lenders
from planted_decisions import additive, tabled

from lrp_audit.adapters.tabular import adapt
from lrp_audit.adapters.text import adapt as adapt_text
from lrp_audit.adapters.word_relevance import explainer
from lrp_audit.aggregate.drift import drift
from lrp_audit.aggregate.gather import gather
from lrp_audit.aggregate.groups import compare, usable
from lrp_audit.aggregate.membership import Grouping, grouping
from lrp_audit.aggregate.prototypes import prototypes
from lrp_audit.aggregate.proxies import screen
from lrp_audit.aggregate.strategies import strategies
from lrp_audit.aggregate.table import ExplainedTable
from lrp_audit.aggregate.words import ReadText, word_profiles
from lrp_audit.deciding.decision_model import score_all
from lrp_audit.deciding.tabular_decisions import tabular_decisions
from lrp_audit.explanation import explain
from lrp_audit.records.aggregates import SMALLEST_GROUP
from lrp_audit.settings.config import AuditConfig

REPEATS, MORE = 200, 1000
NUMBERS = np.ndarray[tuple[int, int], np.dtype[np.float64]]


# --- tables -----------------------------------------------------------------------------------------------------------


def without(lender: lenders.Lender, column: str) -> tuple[lenders.Lender, pd.Series]:
    """The lender without a column among its inputs, and that column."""
    kept = tuple(name for name in lender.categories if name != column)
    rest = lender.frame.drop(columns=column)
    return dataclasses.replace(lender, frame=rest, categories=kept), lender.frame[column]


def explained(lender: lenders.Lender) -> tuple[ExplainedTable, np.ndarray]:
    """Every decision of the last quarter, and their rows in the lender's table."""
    rows = np.random.default_rng(0).permutation(len(lender.frame))
    held = len(rows) // 4
    pipeline, test = lender.split()
    config = AuditConfig.model_validate(
        {"model": {"file": "model.skops"}, "decision": {"adverse": "denied", "cutoff": lender.cutoff}}
    )
    model = adapt(pipeline)
    ready = tabular_decisions(config, model, lender.frame.iloc[rows[held:]])
    found = ready.explainer.attribute(model.encode(test).inputs, ready.reference)
    outcomes = score_all(ready, test)
    ids = pd.Index([f"{lender.name}-{row}" for row in rows[:held]], name="id")
    table = ExplainedTable(
        relevance=pd.DataFrame(found.relevance, ids, list(model.columns)),
        adverse=pd.Series([item.adverse for item in outcomes], ids),
        score=pd.Series([item.margin for item in outcomes], ids),
        values=test.set_axis(ids)[list(model.columns)],
    )
    return table, rows[:held]


def report(lender: lenders.Lender, groups: pd.Series | None) -> None:
    """Prototypes, strategies, drift between halves, and groups of one lender."""
    table, rows = explained(lender)
    by = () if groups is None else (Grouping(str(groups.name), _labels(groups, rows, table)),)
    found = gather([table], by)
    print(f"\n{lender.name}: {found.decisions} decisions, {found.adverse} denied")
    total = found.spreads["all"].moments.strength.sum()
    strongest = ", ".join(
        f"{item.column} {item.summary.strength / total:.1%}" for item in prototypes(found).of("all")[:5]
    )
    print(f"  share of relevance: {strongest}")
    begun = time.process_time()
    groups_found = strategies(table)
    print(f"  strategies: {len(groups_found.strategies)} ({time.process_time() - begun:.1f} s)")
    for item in groups_found.strategies:
        print(
            f"    {item.name}: {item.decisions} decisions, {item.adverse_rate:.0%} denied, "
            f"{item.concentration:.0%} of relevance on the first (elsewhere {item.concentration_elsewhere:.0%})"
            f"{', suspicious' if item.suspicious else ''}"
        )
    half = np.arange(len(table)) < len(table) // 2
    changed = drift(gather([table.only(half)]), gather([table.only(~half)]))
    count = sum((item.adjusted_p or 1) < 0.05 for item in changed.columns)
    print(f"  drift between random halves: {count} of {len(changed.columns)} inputs")
    for whose in by:
        _print_groups(table, whose)
        labels = pd.Series(np.random.default_rng(1).permutation(whose.labels.to_list()), whose.labels.index)
        _print_groups(table, Grouping(f"{whose.name}, permuted", labels), most=0)


def _labels(groups: pd.Series, rows: np.ndarray, table: ExplainedTable) -> pd.Series:
    return pd.Series(groups.iloc[rows].astype(str).to_numpy(dtype=object), table.ids)


def _print_groups(table: ExplainedTable, by: Grouping, most: int = 5) -> None:
    found = gather([table], [by])
    compared = compare(found, by)
    for line in compared.outcomes:
        if line.decisions is None:
            print(f"  {by.name} {line.group}: suppressed")
        elif line.approval_ratio is not None:
            print(
                f"  {by.name} {line.group}: {line.decisions} decisions, {line.approval_rate:.1%} approved, ratio "
                f"{line.approval_ratio:.3f} ({line.ratio_lower:.3f} to {line.ratio_upper:.3f}), score "
                f"{line.standardised_difference:+.2f} deviations"
            )
    telling = [item for item in compared.differences if (item.adjusted_p or 1) < 0.05]
    print(f"    inputs whose relevance differs: {len(telling)} of {len(compared.differences)}")
    for item in compared.differences[:most]:
        print(
            f"      {item.group}: {item.column} {item.difference:+.3f} ({item.lower:+.3f} to {item.upper:+.3f}), "
            f"{item.share:.0%} of the gap, adjusted p {item.adjusted_p:.2g}"
        )
    screened = screen(table, by, usable(found, by.name))
    proxies = [item for item in screened.proxies if item.familywise_p < 0.05]
    print(f"    proxies: {len(proxies)} of {len(screened.proxies)}; highest AUC {screened.proxies[0].auc:.3f}")
    for proxy in proxies[:most]:
        print(
            f"      {proxy.column} ({proxy.read}) tells {proxy.group}: AUC {proxy.auc:.3f}, p {proxy.familywise_p:.3f}"
        )


def tables() -> None:
    report(*without(lenders.taiwan(), "SEX"))
    report(*without(lenders.south_german(), "famges"))
    hmda = lenders.hmda()
    african_american = pd.read_csv(lenders.DATA / "hmda_boston_1990" / "hmda_boston_1990.csv")["afam"]
    report(hmda, african_american)


# --- texts ------------------------------------------------------------------------------------------------------------


def read_by_transformer(texts: list[str], adverse: np.ndarray, learn: int) -> list[ReadText]:
    """A small transformer learns from the first texts; the words of the others, with their relevance."""
    tokenizer = generate.make_tokenizer(texts[:learn], words=4000)
    network = generate.train_model(tokenizer, texts[:learn], adverse[:learn])
    model = adapt_text((network, tokenizer), long_texts="truncate")
    asked = explainer(model)
    target = model.margin_target("declined")
    rest, right = texts[learn:], 0
    found: list[ReadText] = []
    for start in range(0, len(rest), 100):
        for text, item in zip(rest[start:], asked.explain(rest[start : start + 100], target), strict=False):
            words = tuple(
                (text[word.start : word.end].casefold(), word.relevance)
                for passage in item.passages
                for word in passage.words
                if re.search(r"\w", text[word.start : word.end])
            )
            right += (item.margin > 0) == bool(adverse[learn + len(found)])
            found.append(ReadText(item.margin > 0, words))
    print(f"\n  {len(found)} texts, accuracy {right / len(found):.3f}")
    return found


def print_words(title: str, read: list[ReadText], least: int = SMALLEST_GROUP) -> None:
    found = word_profiles(lambda: read, least=least)
    print(title)
    for outcome in ("adverse", "favourable"):
        lines = [line for line in found.lines if line.outcome == outcome][:8]
        print(f"  {outcome}: " + ", ".join(f"{line.word} {line.mean:+.2f} ({line.people})" for line in lines))
    flagged = sorted({line.word for line in found.lines if line.suspicious})
    print(f"  suspicious words: {', '.join(flagged) or 'none'}")


def texts() -> None:
    tweets = pd.read_csv(lenders.DATA / "tweet_sentiment_spans" / "tweets.csv.gz", keep_default_na=False, dtype=str)
    tweets = tweets[tweets["sentiment"].isin(["negative", "positive"])].sample(frac=1, random_state=0)[:8000]
    written, negative = tweets["text"].tolist(), (tweets["sentiment"] == "negative").to_numpy()
    print_words("  tweets, negative against positive", read_by_transformer(written, negative, 6000))
    planted = np.flatnonzero(negative)[::10]
    marked = [f"{text} branch" if row in set(planted) else text for row, text in enumerate(written)]
    print_words("  the same, “branch” added to one in ten negative ones", read_by_transformer(marked, negative, 6000))
    complaints = pd.read_csv(lenders.DATA / "cfpb_complaints" / "complaints_5products.csv", dtype=str)
    complaints = complaints.sort_values("split", ascending=False, kind="stable")  # train before test
    collection = (complaints["product"] == "debt_collection").to_numpy()
    learn = int((complaints["split"] == "train").sum())
    read = read_by_transformer(complaints["narrative"].tolist(), collection, learn)
    print_words("  complaints, debt collection against four other products", read, least=20)


SPAM = {
    "prize": ["win", "won", "winner", "prize*", "claim", "award*", "guaranteed", "cash", "reward*", "selected", "free",
              "bonus", "voucher*", "offer*"],
    "contact": ["call", "txt", "text", "reply", "mobile", "sms", "stop", "send", "msg", "urgent", "tone*", "chat",
                "www", "com", "co", "uk", "landline", "customer", "service"],
    "pressure": ["now", "today", "only", "new", "last", "latest", "week", "please", "your"],
}  # fmt: skip
SADNESS = {
    "loss": ["sad", "miss*", "sorry", "lost", "cry*", "alone", "lonely", "gone", "without", "wish", "poor", "bye"],
    "anger": ["hate*", "stupid", "suck*", "damn", "ugh", "annoy*", "angry", "mad", "wtf", "hell", "worst", "awful"],
    "trouble": ["sick", "tired", "hurt*", "pain", "headache", "bad", "fail*", "broke*", "not", "no", "can", "don", "t",
                "work", "late", "hard", "bored", "boring", "never", "scared", "ill", "cold"],
}  # fmt: skip


def refusals() -> None:
    """How many real texts that a network holds against their writer are refused or flagged as unfaithful."""
    lines = (lenders.DATA / "sms_spam" / "SMSSpamCollection").read_text(encoding="utf-8").splitlines()
    messages = pd.DataFrame([line.split("\t", 1) for line in lines], columns=["kind", "text"])
    tweets = pd.read_csv(lenders.DATA / "tweet_sentiment_spans" / "tweets.csv.gz", keep_default_na=False, dtype=str)
    tweets = tweets[tweets["sentiment"].isin(["negative", "positive"])]
    _refused("SMS, spam", messages["text"], messages["kind"] == "spam", SPAM)
    _refused("tweets, negative", tweets["text"], tweets["sentiment"] == "negative", SADNESS)


def _refused(title: str, texts: pd.Series, adverse: pd.Series, terms: dict[str, list[str]]) -> None:
    order = np.random.default_rng(0).permutation(len(texts))[:5400]
    written, against = texts.iloc[order].tolist(), adverse.to_numpy()[order]
    tokenizer = generate.make_tokenizer(written[:4400], words=4000)
    network = generate.train_model(tokenizer, written[:4400], against[:4400])
    config = AuditConfig.model_validate(
        {
            "model": {"file": "", "name": title, "version": "1"},
            "decision": {"adverse": "declined"},
            "reference": {"population": "zero"},
            "text": {"column": "text", "reasons": {name: {"terms": words} for name, words in terms.items()}},
            "families": {name: {"label": name, "text": {"en": name}} for name in terms},
        }
    )
    records = [
        item.record for item in explain((network, tokenizer), pd.DataFrame({"text": written[4400:]}), config=config)
    ]
    denied = [record for record in records if record.outcome is not None and record.outcome.adverse]
    states = Counter(item.state for record in denied for item in record.refusals)
    flagged = sum(any(check.flag for check in record.checks if check.id == "put-back") for record in denied)
    print(
        f"  {title}: {len(denied)} of {len(records)} adverse, "
        f"{states['UNFAITHFUL_EXPLANATION']} refused as unfaithful, "
        f"put-back flagged in {flagged}; all states {dict(states)}"
    )


# --- planted truth and its absence ------------------------------------------------------------------------------------


def _correlated_binary(generator: np.random.Generator, n: int) -> NUMBERS:
    common = generator.normal(size=(n, 1))
    high = common[:, 0] + generator.normal(size=n) > 0
    return np.column_stack([generator.normal(size=(n, 5)) + common, 4 * high])


def _product(values: NUMBERS) -> NUMBERS:
    shared = values[:, 0] * values[:, 1] / 2
    return np.column_stack([shared + values[:, 0], shared, values[:, 2:]])


SHAPES: dict[str, Callable[[np.random.Generator, int], NUMBERS]] = {
    "Gaussian": lambda g, n: g.normal(size=(n, 6)),
    "exponential": lambda g, n: g.exponential(size=(n, 6)),
    "uniform": lambda g, n: g.uniform(size=(n, 6)),
    "Student's t, 3 degrees": lambda g, n: g.standard_t(3, size=(n, 6)),
    "correlated Gaussian": lambda g, n: g.normal(size=(n, 6)) + g.normal(size=(n, 1)),
    "one input of two values": lambda g, n: np.column_stack([g.normal(size=(n, 5)), 4 * (g.random(n) < 0.5)]),
    "the same, correlated": _correlated_binary,
    "a product of two inputs": lambda g, n: _product(g.normal(size=(n, 6))),
    "three strong inputs of two values": lambda g, n: np.column_stack(
        [g.normal(size=(n, 3)) * [1, 0.8, 0.6], 3 * (g.random((n, 3)) < [0.5, 0.3, 0.2])]
    ),
    "one strong and rare input (5 %)": lambda g, n: np.column_stack([g.normal(size=(n, 5)), 4 * (g.random(n) < 0.05)]),
}


def hans(generator: np.random.Generator, n: int, *, alone: bool) -> NUMBERS:
    """In 3 % of the decisions much rests on the last input; `alone`: and little on the others."""
    rows = generator.normal(size=(n, 4)) * [1, 0.8, 0.6, 0.4]
    few = int(0.03 * n)
    if alone:
        rows[:few, :3] *= 0.2
    rows[:few, 3] += 4
    return rows


def rate(make: Callable[[np.random.Generator, int], NUMBERS], n: int, repeats: int) -> str:
    """How often strategies are reported, and how often one is called suspicious."""
    reported = suspicious = 0
    for seed in range(repeats):
        rows = make(np.random.default_rng(seed), n)
        found = strategies(tabled(rows, rows), seed=seed).strategies
        reported, suspicious = reported + bool(found), suspicious + any(item.suspicious for item in found)
    return f"{reported / repeats:.3f} (suspicious {suspicious / repeats:.3f})"


def nulls() -> None:
    print(f"\nstrategies reported, {REPEATS} repeats of 200 decisions")
    for name, make in SHAPES.items():
        print(f"  {name}: {rate(make, 200, REPEATS)}", flush=True)
    print("strategies reported of 1200 decisions with a planted 3 %, 50 repeats")
    print(f"  one input has it all: {rate(lambda g, n: hans(g, n, alone=True), 1200, 50)}")
    print(f"  one input is added: {rate(lambda g, n: hans(g, n, alone=False), 1200, 50)}")
    print(f"\nany input reported at 5 %, {MORE} repeats without anything to find")
    alarms = Counter[str]()
    for seed in range(MORE):
        table = additive(200, seed)
        labels = np.random.default_rng(1000 + seed).choice(["m", "w"], 200)
        by = grouping(pd.DataFrame({"id": table.relevance.index, "group": labels}), "group")
        found = gather([table], [by])
        alarms["groups"] += any((item.adjusted_p or 1) < 0.05 for item in compare(found, by, resamples=20).differences)
        screened = screen(table, by, usable(found, by.name), permutations=39, seed=seed).proxies
        alarms["proxies"] += any(item.familywise_p < 0.05 for item in screened)
        other = gather([additive(200, 5000 + seed, prefix="e")])
        alarms["drift"] += any((item.adjusted_p or 1) < 0.05 for item in drift(found, other, resamples=199).columns)
    for name, count in alarms.items():
        print(f"  {name}: {count / MORE:.3f}")


PARTS = {"tables": tables, "texts": texts, "refusals": refusals, "nulls": nulls}
NEED_DATA = {"tables", "texts", "refusals"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help="tables, texts, refusals or nulls; default: all")
    parser.add_argument("--data", type=Path, default=lenders.DATA, help="folder of the development data")
    parser.add_argument("--quick", action="store_true", help="tables alone")
    chosen = parser.parse_args()
    parts = chosen.parts or (["tables"] if chosen.quick else [*PARTS])
    if unknown := {*parts} - {*PARTS}:
        parser.error(f"{min(unknown)} is none of {', '.join(PARTS)}.")
    lenders.DATA = chosen.data.resolve()
    torch.set_num_threads(1)
    for part in parts:
        if part in NEED_DATA and not lenders.DATA.is_dir():
            print(f"{part} skipped: it needs the development data, and there is no {lenders.DATA}")
        else:
            PARTS[part]()
    print(f"\nevidence took {kept.took()}")


if __name__ == "__main__":
    main()
