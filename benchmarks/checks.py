"""What the checks of a decision cost, as a multiple of its explanation.

    python benchmarks/checks.py            # 1000 denials of the Taiwan data and the shipped texts: about three minutes
    python benchmarks/checks.py --quick    # 250 denials, two rounds; not for quoting

The first tables need the development data (tests/real/lenders.py says which); without them they are left out. Rows are
explained in one chunk, as a batch's are. The unit is attribution alone, for a reference of 64 members and for
one of coalitions; each check is timed by itself on the processor's own clock. Times are medians of rounds in which
everything runs once; a multiple is the median over rounds of the time divided by the unit's of that round. The search
for variations is none of them: it has a test that prints its cost (tests/real/test_real_variations.py). `letter` is
what runs for every letter, `full` all checks together.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import kept  # the script beside this one
import numpy as np
import pandas as pd
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "real"))
import lenders

from lrp_audit.adapters.huggingface import open_directory
from lrp_audit.adapters.tabular import adapt
from lrp_audit.checks import evidence, full
from lrp_audit.checks.agreement import largest
from lrp_audit.checks.evidence import Families, Subjects
from lrp_audit.checks.near_ties import sampled_ties
from lrp_audit.checks.putback import put_back
from lrp_audit.deciding.decision_model import explain_all
from lrp_audit.deciding.facts import text_columns
from lrp_audit.deciding.session import adapted, decision_model
from lrp_audit.deciding.tabular_decisions import TabularDecisions, tabular_decisions
from lrp_audit.deciding.text_decisions import TextDecisions
from lrp_audit.explaining.methods.integrated_gradients import integrated_gradients
from lrp_audit.records.record import Addressee
from lrp_audit.resources import samples
from lrp_audit.settings.config import AuditConfig, load
from lrp_audit.tables import read_table

CHUNK, ROUNDS, FEW = 1000, 9, 2
Table = dict[str, tuple[float, float]]  # what -> seconds for all rows, and the multiple of the explanation's
Check = Callable[[TabularDecisions, Subjects, Families], object]


def _directions(ready: TabularDecisions, some: Subjects, families: Families) -> object:
    return evidence._directions(ready.explainer, some, families, ready.reference, ready.explainer.model.encoding.listed)


def _put_back(ready: TabularDecisions, some: Subjects, families: Families) -> object:
    draws = ready.config.checks.random_families
    given = ready.explainer, some.encoded.inputs, ready.reference, families.of_column, some.stated
    return put_back(*given, draws=draws, seed=0)


def _near_ties(ready: TabularDecisions, some: Subjects, families: Families) -> object:
    """Of families 4 and 5, where they are as near as the settings say."""
    values = families.sums(some.relevance)
    order = np.argsort(-values, axis=1)
    four, five = (np.take_along_axis(values, order[:, place : place + 1], 1)[:, 0] for place in (3, 4))
    rows = np.flatnonzero((five > 0) & (four - five <= ready.config.checks.near_tie * four)).tolist()
    names = [(families.names[order[row, 3]], families.names[order[row, 4]]) for row in rows]
    return sampled_ties(ready.explainer, some.encoded.inputs, rows, names, families, ready.reference, seed=0)


def _second_reference(ready: TabularDecisions, some: Subjects, _: Families) -> object:
    assert ready.second is not None
    return ready.attribute(some.encoded.inputs, ready.second)


LETTER: dict[str, Check] = {
    "near-ties": _near_ties,
    "put-back": _put_back,
    "direction": _directions,
    "second reference": _second_reference,
}
FULL: dict[str, Check] = {
    "integrated gradients": lambda ready, some, _: integrated_gradients(
        ready.explainer, some.encoded.inputs, ready.reference, steps=full.GRADIENT_STEPS
    ),
    "all of level full": lambda ready, some, families: full.gather_full(
        ready.explainer, ready.attribute, some, families, ready.reference, ready.config
    ),
}


def measured(works: dict[str, Callable[[], object]], count: int, sums: dict[str, list[str]] | None = None) -> Table:
    """What each takes over so many rounds; the first is the unit. `sums` are taken of parts, round by round."""
    for work in works.values():
        work()
    rounds = [{name: _seconds(work) for name, work in works.items()} for _ in range(count)]
    for one in rounds:
        for name, parts in (sums or {}).items():
            one[name] = sum(one[part] for part in parts)
    unit = next(iter(works))
    return {
        name: (
            statistics.median(one[name] for one in rounds),
            statistics.median(one[name] / one[unit] for one in rounds),
        )
        for name in rounds[0]
    }


def _seconds(work: Callable[[], object]) -> float:
    before = time.process_time()
    work()
    return time.process_time() - before


def of_table(rows: int, representation: str, rounds: int) -> Table:
    """Of denials; `explanation` is the unit."""
    lender = lenders.taiwan()
    pipeline, held_out = lender.split()
    config = AuditConfig.model_validate(
        {
            "model": {"file": "model.skops"},
            "decision": {"adverse": "denied", "cutoff": lender.cutoff},
            "reference": {"representation": representation},
        }
    )
    denied = held_out[pipeline.predict_proba(held_out)[:, 1] >= lender.cutoff].head(rows)
    others = held_out.drop(index=denied.index)  # nobody is compared with themselves
    ready, denied = tabular_decisions(config, adapt(pipeline), others), denied.reset_index(drop=True)
    families = Families.of([column.family for column in ready.column_facts])
    chunks = [subjects(ready, denied.iloc[start : start + CHUNK], families) for start in range(0, len(denied), CHUNK)]
    works: dict[str, Callable[[], object]] = {
        "explanation": lambda: [ready.attribute(some.encoded.inputs, ready.reference) for some in chunks]
    }
    for name, check in (LETTER | FULL).items():
        works[name] = lambda check=check: [check(ready, some, families) for some in chunks]
    return measured(works, rounds, {"letter": [*LETTER], "full": [*LETTER, "all of level full"]})


def subjects(ready: TabularDecisions, frame: pd.DataFrame, families: Families) -> Subjects:
    model = ready.explainer.model
    encoded = model.encode(frame)
    relevance = ready.attribute(encoded.inputs, ready.reference).relevance
    return Subjects(encoded, relevance, largest(families.sums(relevance), 4))


def of_texts(rounds: int) -> Table:
    """Of the shipped texts: explanation alone, and explained with the checks of each level, judged and masked."""
    folder = samples() / "text"
    config = load(folder / "audit.toml")
    frame = read_table(folder / "synthetic_narratives.csv", text=text_columns(config.facts))
    pretrained = open_directory(folder / "synthetic_model")
    people = [Addressee()] * len(frame)

    def ready(level: str) -> TextDecisions:
        settings = config.model_copy(update={"checks": config.checks.model_copy(update={"level": level})})
        found = decision_model(settings, adapted(settings, pretrained), frame)
        assert isinstance(found, TextDecisions)
        return found

    plain, in_full = ready("letter"), ready("full")
    texts = frame[plain.section.column].tolist()
    return measured(
        {
            "explanation": lambda: plain.explainer.explain(texts, plain.target),
            "letter": lambda: explain_all(plain, frame, people),
            "full": lambda: explain_all(in_full, frame, people),
        },
        rounds,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="250 denials, few rounds")
    parser.add_argument("--threads", type=int, default=1)
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    rows, rounds = (250, FEW) if chosen.quick else (1000, ROUNDS)
    tables = {}
    if lenders.DATA.exists():
        for representation in ("members", "coalitions"):
            tables[f"table, {representation}, {rows} rows"] = of_table(rows, representation, rounds)
    tables["texts"] = of_texts(rounds)
    for title, found in tables.items():
        print(f"\n{title}\n{'':24}{'s':>8}{'multiple':>10}")
        for name, (took, multiple) in found.items():
            print(f"{name:24}{took:8.3f}{multiple:10.2f}")
    lines = [
        {"decisions": title, "what": name, "seconds": took, "multiple": multiple}
        for title, found in tables.items()
        for name, (took, multiple) in found.items()
    ]
    facts = kept.environment("torch", "transformers", "scikit-learn", threads=chosen.threads)
    kept.keep("checks", facts, {"rows": lines}, quick=chosen.quick)


if __name__ == "__main__":
    main()
