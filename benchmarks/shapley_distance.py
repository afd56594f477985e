"""How near relevance comes to Shapley values over the same population, on real loan decisions.

    python benchmarks/shapley_distance.py            # three tables, three networks: about two minutes on one thread
    python benchmarks/shapley_distance.py --quick    # one network, few decisions; not for quoting

Needs the development data (tests/real/lenders.py says which). A network is trained on three quarters of a table;
denials of the last quarter are explained against the 200 approvals nearest the cutoff. Truth is the Shapley value of
every column over all of these 200, by 20 pairs of opposite permutations for each; `repeat` holds the two halves of that
estimate against each other.

    top-4  share of a denial's four largest reasons that are also the truth's four largest,
    rank   Spearman's correlation over all columns,
    error  mean distance of a column's relevance from its Shapley value, over the mean size of these,

all means over denials and over two draws of the members. `cost` counts forward passes of one row for each decision; a
backward pass counts as two. Seconds are of the whole table of decisions, explained together.
"""

import argparse
import dataclasses
import sys
import time
from collections.abc import Callable
from pathlib import Path

import kept  # the script beside this one
import numpy as np
import torch
from scipy.stats import spearmanr
from sklearn.neural_network import MLPClassifier

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "real"))
import lenders

from lrp_audit.adapters.tabular import adapt
from lrp_audit.deciding.decision_model import score_all
from lrp_audit.deciding.tabular_decisions import TabularDecisions, tabular_decisions
from lrp_audit.explaining.coalitions import PAIRS
from lrp_audit.explaining.explainer import Explainer
from lrp_audit.explaining.reference import Reference, Representation
from lrp_audit.settings.config import AuditConfig

NETWORKS: dict[str, dict[str, object]] = {
    "relu 64-32": {"hidden_layer_sizes": (64, 32), "activation": "relu"},
    "tanh 64-32": {"hidden_layer_sizes": (64, 32), "activation": "tanh"},
    "relu 128-64-32": {"hidden_layer_sizes": (128, 64, 32), "activation": "relu"},
}
Inputs = dict[str, torch.Tensor]


def trained(lender: lenders.Lender, network: dict[str, object]) -> tuple[TabularDecisions, Inputs]:
    """A network of this kind with its settings, and the encoded denials among the rows it was not trained on."""
    pipeline, held_out = lender.split()
    if network != NETWORKS["relu 64-32"]:  # the network that `split` trains
        rows = np.random.default_rng(0).permutation(len(lender.frame))[len(lender.frame) // 4 :]
        prepared = pipeline[0].transform(lender.frame.iloc[rows])
        outcome = np.where(lender.adverse, "denied", "approved")[rows]
        pipeline.steps[-1] = (
            "network",
            MLPClassifier(**network, random_state=0, max_iter=60, early_stopping=True).fit(prepared, outcome),
        )
    config = AuditConfig.model_validate(
        {
            "model": {"file": "model.skops"},
            "decision": {"adverse": "denied", "cutoff": lender.cutoff},
            "reference": {"representation": "coalitions", "members": 200},
        }
    )
    model = adapt(pipeline)
    ready = tabular_decisions(config, model, held_out)
    adverse = np.array([outcome.adverse for outcome in score_all(ready, held_out)])
    return ready, model.encode(held_out[adverse]).inputs


def permutation_values(explainer: Explainer, rows: Inputs, population: Inputs, orders: int, seed: int) -> np.ndarray:
    """Shapley values (N, C) over the population's rows, by pairs of opposite orders drawn anew for each of them."""
    (name, x), (base,) = next(iter(rows.items())), population.values()
    owners, columns = explainer.model.owners[name], len(explainer.model.columns)
    generator = np.random.default_rng(seed)
    total = np.zeros((len(x), columns))
    for _ in range(orders):
        order = generator.permuted(np.tile(np.arange(columns), (len(base), 1)), axis=1)
        for places in (order.argsort(1), columns - 1 - order.argsort(1)):
            states = [torch.from_numpy((places < size)[:, owners]) for size in range(columns + 1)]
            for row, values in enumerate(x):
                mixed = torch.cat([torch.where(mask, values, base) for mask in states])
                steps = np.diff(explainer.margin({name: mixed}).reshape(columns + 1, len(base)), axis=0)
                total[row] += np.take_along_axis(steps.T, places, axis=1).mean(0)
    return total / (2 * orders)


def agreement(found: np.ndarray, truth: np.ndarray) -> tuple[float, float, float]:
    """Means over rows: the share of the four largest in common, the rank correlation, and the relative error."""
    largest = [set(np.argsort(-values)[:4]) for values in found], [set(np.argsort(-values)[:4]) for values in truth]
    top = np.mean([len(a & b) / 4 for a, b in zip(*largest, strict=True)])
    rank = np.mean([spearmanr(a, b)[0] for a, b in zip(found, truth, strict=True)])
    error = np.mean(np.abs(found - truth).mean(1) / np.abs(truth).mean(1))
    return float(top), float(rank), float(error)


def drawn(reference: Reference, members: int, representation: Representation, seed: int) -> Reference:
    """The same population, represented by other members."""
    (name, everyone), count = next(iter(reference.everyone.items())), len(reference.frame)
    rows = np.sort(np.random.default_rng(seed).choice(count, min(members, count), replace=False))
    return dataclasses.replace(
        reference, members={name: everyone[torch.from_numpy(rows)]}, representation=representation, seed=seed
    )


def methods(ready: TabularDecisions) -> dict[str, tuple[int, Callable[[Inputs, int], np.ndarray]]]:
    """Name -> cost in forward passes, and (rows, seed) -> relevance (N, C)."""
    explainer, population = ready.explainer, ready.reference.everyone
    columns = len(explainer.model.columns)

    def over(representation: Representation, members: int) -> Callable[[Inputs, int], np.ndarray]:
        return lambda rows, seed: (
            explainer.attribute(rows, drawn(ready.reference, members, representation, seed)).relevance
        )

    def sampled(members: int) -> Callable[[Inputs, int], np.ndarray]:
        def values(rows: Inputs, seed: int) -> np.ndarray:
            few = dict(drawn(ready.reference, members, "members", seed).members)
            return permutation_values(explainer, rows, few, 1, seed)

        return values

    count = len(next(iter(population.values())))
    return {
        "LRP, 64 members": (3 * 64, over("members", 64)),
        "LRP, 122 members": (3 * 122, over("members", 122)),
        "LRP, all members": (3 * count, over("members", 200)),
        "LRP, 64 members, pairs": (3 * 64 + 3 * 4 * PAIRS, over("coalitions", 64)),
        "LRP, all members, pairs": (3 * count + 3 * 4 * PAIRS, over("coalitions", 200)),
        "permutations, 8 pairs": (2 * 8 * (columns + 1), sampled(8)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one network and eight denials")
    parser.add_argument("--threads", type=int, default=1)
    chosen = parser.parse_args()
    if not lenders.DATA.exists():
        print(f"skipped: it needs the public tables, and there is no {lenders.DATA}")
        return
    torch.set_num_threads(chosen.threads)
    lines = []
    for lender in (lenders.taiwan(), lenders.south_german(), lenders.hmda()):
        for name, network in list(NETWORKS.items())[: 1 if chosen.quick else None]:
            lines += compared(lender, name, network, decisions=8 if chosen.quick else 40)
    facts = kept.environment("torch", "scikit-learn", threads=chosen.threads)
    kept.keep("shapley_distance", facts, {"rows": lines}, quick=chosen.quick)


def compared(lender: lenders.Lender, name: str, network: dict[str, object], decisions: int) -> list[dict[str, object]]:
    ready, rows = trained(lender, network)
    rows = {key: value[:decisions] for key, value in rows.items()}
    population = dict(ready.reference.everyone)
    first, second = (permutation_values(ready.explainer, rows, population, 10, seed) for seed in (0, 1))
    truth = (first + second) / 2
    top, rank, error = agreement(first, second)
    print(f"\n{lender.name}, {name}: {len(truth)} denials, repeat {top:.3f} {rank:.3f} {error:.3f}")
    lines = []
    for method, (cost, values) in methods(ready).items():
        before = time.process_time()
        found = [agreement(values(rows, seed), truth) for seed in (0, 1)]
        seconds = (time.process_time() - before) / 2
        top, rank, error = np.mean(found, axis=0)
        print(f"{method:24}{cost:6}{top:8.3f}{rank:8.3f}{error:8.3f}{seconds:8.2f} s", flush=True)
        lines.append(
            {"table": lender.name, "network": name, "method": method, "cost": cost, "top_4": top, "rank": rank}
            | {"error": error, "seconds": seconds, "denials": len(truth)}
        )
    return lines


if __name__ == "__main__":
    main()
