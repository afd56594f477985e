"""Records of approvals that others were judged for: what was said of those, with numbers and facts of their own.

Byte for byte what judging each by itself comes to. The record of one that was judged is a form for all that are like
it; what differs is written by column.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel

from lrp_audit.deciding.alike import OWN_FACTS, Alike
from lrp_audit.deciding.alike_reasons import AlikeReasons
from lrp_audit.deciding.assembly import conservation
from lrp_audit.deciding.decisions import Judged
from lrp_audit.deciding.facts import RowFacts
from lrp_audit.deciding.written import Writer
from lrp_audit.judging.refusals.deciding import approved_side
from lrp_audit.language.messages import for_reviewers
from lrp_audit.records import canonical
from lrp_audit.records.record import Ranking, Record, Refusal
from lrp_audit.settings.config import AuditConfig

FloatArray = npt.NDArray[np.float64]
_own_facts = attrgetter(*OWN_FACTS)
_OF_REASON = ("columns", "rank", "relevance")  # what a reason differs in from row to row, in the order of RFC 8785


@dataclass(frozen=True)
class AlikeRecords:
    """M rows of a chunk that others were judged for.

    Attributes:
        alike: which.
        reasons: what counts against them.
        judged: those others, by their place in the chunk.
        config: the settings.
        facts: of every row of the chunk.
        writer: what wrote the records of those others.
    """

    alike: Alike
    reasons: AlikeReasons
    judged: Mapping[int, Judged]
    config: AuditConfig
    facts: Sequence[RowFacts]
    writer: Writer

    def written(self) -> Iterator[bytes]:
        """The canonical records, in the order of the rows."""
        rows, written = self.alike.rows.tolist(), self.alike.explained.table.written
        if not rows:
            return
        own: dict[str, Iterable[str]] = {
            "checks": map(self.writer.checks, self.alike.checks),
            "conservation": self._conservation(),
            "contributions": map(written.contributions, rows),
            "decision": self._decisions(),
            "evidence": self._evidence(),
            "families": map(written.families, rows),
            "near tie": map(canonical.text, self.reasons.near_tie_flags()),
            "outcome": self._outcome(),
            "ranking": self._ranking(),
            "reasons": self._reasons(),
            "reference": (self.writer.shared(self.alike.explained.compared(row)) for row in rows),
        }
        forms = {place: self._form(judged, own) for place, judged in self.judged.items()}
        for judged, *values in zip(self.alike.judged.tolist(), *own.values(), strict=True):
            yield (forms[judged] % dict(zip(own, values, strict=True))).encode()

    def _form(self, judged: Judged, own: Iterable[str]) -> str:
        """The record of a row that was judged, with a hole for everything in which those that are like it differ."""
        holes = {name: f"%({name})s" for name in own}
        said = {name: text.replace("%", "%%") for name, text in self.writer.fields(judged).items()}
        said["flags"] = canonical.listed(_forms_of_flags(judged.outline, holes["near tie"]))
        said["refusals"] = canonical.listed(_form_of_refusal(item, holes) for item in judged.outline.refusals)
        return canonical.joined({name: holes.get(name, text) for name, text in said.items()})

    def _decisions(self) -> Iterator[str]:
        holes = dict.fromkeys(OWN_FACTS, "%s")
        forms = {place: canonical.form(judged.outline.decision, holes) for place, judged in self.judged.items()}
        for row, judged in zip(self.alike.rows.tolist(), self.alike.judged.tolist(), strict=True):
            yield forms[judged] % tuple(map(canonical.text, _own_facts(self.facts[row].decision)))

    def _conservation(self) -> Iterator[str]:
        books = self.alike.explained.relevance
        columns = {name: getattr(books, name) for name in ("explained", "attributed", "residual", "tolerance")}
        fields = self._numbers(columns if books.moved is None else columns | {"moved": books.moved})
        if books.sinks:
            each = zip(*self._numbers(books.sinks).values(), strict=True)
            fields["sinks"] = [canonical.joined(dict(zip(books.sinks, values, strict=True))) for values in each]
        return _filled(conservation(books, int(self.alike.rows[0])), fields)

    def _evidence(self) -> Iterator[str]:
        say = for_reviewers(self.config)
        outcomes = map(self.alike.scores.outcome, self.alike.rows.tolist())
        return (canonical.text(approved_side(outcome, say)) for outcome in outcomes)

    def _outcome(self) -> Iterator[str]:
        scores = self.alike.scores
        return _filled(scores.outcome(int(self.alike.rows[0])), self._numbers(scores.numbers()))

    def _ranking(self) -> Iterator[str]:
        found = self.reasons
        columns: dict[str, Sequence[Any]] = {"covered": found.covered, "gap": found.gap, "next_family": found.following}
        columns["near_tie"] = found.near_ties.tolist()
        return _filled(Ranking(), {name: [*map(canonical.text, values)] for name, values in columns.items()})

    def _reasons(self) -> Iterator[str]:
        found, table = self.reasons, self.alike.explained.table
        forms = [canonical.form(reason, dict.fromkeys(_OF_REASON, "%s")) for reason in found.worded]
        alone = [canonical.text(columns) if columns else None for columns in table.alone]
        arrays = (self.alike.rows, found.families, found.words, found.sums, found.stated)
        for row, families, words, sums, stated in zip(*map(np.ndarray.tolist, arrays), strict=True):
            reasons = list[str]()
            for rank, (f, word, relevance) in enumerate(zip(families[:stated], words, sums, strict=False), start=1):
                columns = alone[f] or canonical.text(table.family_columns(row, f))
                reasons.append(forms[word] % (columns, rank, canonical.number(relevance)))
            yield canonical.listed(reasons)

    def _numbers(self, columns: Mapping[str, FloatArray]) -> dict[str, Sequence[str]]:
        """Columns of a chunk, written for these rows."""
        return {name: canonical.numbers(values[self.alike.rows].tolist()) for name, values in columns.items()}


def _forms_of_flags(outline: Record, near_tie: str) -> Iterator[str]:
    """Sentences for reviewers, of which the first names the numbers of a near-tie, if there is one."""
    for place, flag in enumerate(outline.flags):
        yield near_tie if outline.ranking.near_tie and not place else canonical.text(flag).replace("%", "%%")


def _form_of_refusal(refusal: Refusal, holes: Mapping[str, str]) -> str:
    """A refusal, whose evidence names the score where that is why there is no letter."""
    return canonical.form(refusal, {"evidence": holes["evidence"]} if refusal.state == "NOT_ADVERSE" else {})


def _filled(part: BaseModel, columns: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """A part of a record, written once for every row: fields of their own, and the others as they are."""
    names = sorted(columns)  # the order of RFC 8785
    form = canonical.form(part, dict.fromkeys(names, "%s"))
    return map(form.__mod__, zip(*(columns[name] for name in names), strict=True))
