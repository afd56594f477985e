"""BA-05: how often reasons are stated, and whether one of them says what none may."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from lrp_audit.language import phrasebook
from lrp_audit.language.messages import Messages
from lrp_audit.language.wording import fault
from lrp_audit.report.batch_report import PhraseHit, Reasons, RunFacts, StatedReason
from lrp_audit.report.counting.parts import Spread, ready

_MOST_TEXTS = 10_000  # told apart; people may write reasons of their own, as many as decisions

_Key = tuple[str, str, str]  # language, family, text


@dataclass
class ReasonsTally:
    """Of decisions without a refusal."""

    columns: ClassVar[tuple[str, ...]] = ("id", "state", "failure", "language", "reasons", "covered")
    run: RunFacts
    say: Messages
    stated: Counter[_Key] = field(default_factory=Counter)
    first: Counter[_Key] = field(default_factory=Counter)
    examples: dict[_Key, str] = field(default_factory=dict)  # the first decision of a reason
    total: int = 0
    other: int = 0
    covered: Spread = field(default_factory=Spread)

    def add(self, part: pa.Table) -> None:
        part = part.filter(ready(part))
        self.covered.add(part["covered"].drop_null().to_numpy())
        found = pc.list_flatten(part["reasons"])
        decisions = part.select(["id", "language"]).take(pc.list_parent_indices(part["reasons"]))
        fields = {name: pc.struct_field(found, name) for name in ("rank", "family", "text", "code")}
        rows = pa.table({**fields, **{name: decisions[name] for name in decisions.column_names}})
        self.total += rows.num_rows
        if self.run.other_codes:
            self.other += pc.sum(pc.is_in(rows["code"], pa.array(self.run.other_codes))).as_py() or 0
        self._add_texts(rows.append_column("leads", pc.equal(rows["rank"], 1).cast(pa.int64())))

    def _add_texts(self, rows: pa.Table) -> None:
        sums = [([], "count_all"), ("leads", "sum"), ("id", "first")]
        grouped = rows.group_by(["language", "family", "text"], use_threads=False).aggregate(sums)
        for found in grouped.to_pylist():
            key = (found["language"], found["family"], found["text"])
            if key not in self.stated and len(self.stated) >= _MOST_TEXTS:
                key = (key[0], key[1], "…")
            self.stated[key] += found["count_all"]
            self.first[key] += found["leads_sum"]
            self.examples.setdefault(key, found["id_first"])

    def found(self) -> Reasons:
        stated: Counter[tuple[str, str]] = Counter()
        first: Counter[tuple[str, str]] = Counter()
        for (language, family, text), count in self.stated.items():
            stated[family, text] += count
            first[family, text] += self.first[language, family, text]
        ordered = sorted(stated.items(), key=lambda item: (-item[1], item[0]))
        hits = self._forbidden()
        return Reasons(
            stated=tuple(
                StatedReason(family=key[0], text=key[1], count=count, first=first[key]) for key, count in ordered
            ),
            total=self.total,
            other=self.other if self.run.other_codes else None,
            forbidden=hits,
            phrases=sum(hit.count for hit in hits),
            covered=self.covered.distribution("covered"),
        )

    def _forbidden(self) -> tuple[PhraseHit, ...]:
        """Texts that hold a forbidden phrase, with how often each is stated."""
        hits = []
        for (language, family, text), count in self.stated.items():
            columns = self.run.columns.get(family, (family,))
            if why := fault(text, columns, phrasebook.load(language), self.say):
                hits.append(PhraseHit(id=self.examples[language, family, text], text=text, fault=why, count=count))
        return tuple(sorted(hits, key=lambda hit: (-hit.count, hit.text, hit.fault)))
