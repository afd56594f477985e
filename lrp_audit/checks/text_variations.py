"""Verified variations of decisions by a model of texts (EU-06): sentences left out, and values of a table beside it.

The two are searched for one after the other and never combined. Of a pair of texts the first one is shortened.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from lrp_audit.checks.sentences import sentences_left_out, shortened
from lrp_audit.checks.variations import Searcher, varied
from lrp_audit.records.record import Variations
from lrp_audit.records.text_record import ScoredSpan

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]


@dataclass(frozen=True)
class TextSearcher:
    """Searches for variations of adverse decisions.

    Attributes:
        column: of the table, holds the text.
        searcher: for the columns beside it; its `score` confirms shorter texts too.
        margins: of rows of the table; infinite for one whose text the model cannot read.
    """

    column: str
    searcher: Searcher
    margins: Callable[[pd.DataFrame], FloatArray]

    def search(
        self, frame: pd.DataFrame, rows: Sequence[int], sentences: Sequence[Sequence[ScoredSpan]]
    ) -> dict[int, Variations]:
        """Variations of some rows of a table; `sentences` are those of every row's text, with their relevance."""

        def margin(row: int, choices: IntArray) -> FloatArray:
            table = frame.iloc[[row] * len(choices)]
            return self.margins(varied(table, self.searcher.columns, choices))

        found = self.searcher.search(frame, rows, margin)
        return {row: self._with_sentences(found[row], frame.iloc[[row]], sentences[row]) for row in rows}

    def _with_sentences(self, found: Variations, row: pd.DataFrame, sentences: Sequence[ScoredSpan]) -> Variations:
        text = str(row[self.column].iloc[0])
        left_out = sentences_left_out(
            lambda texts: self.margins(self._rewritten(row, texts)).tolist(),
            text,
            sentences,
            self.searcher.limit,
            most_changes=self.searcher.settings.max_changes,
        )
        found = found.model_copy(update={"tried": found.tried + left_out.tried})
        if not left_out.sentences:
            return found
        (new,) = self.searcher.score(self._rewritten(row, [shortened(text, sentences, left_out.sentences)]), [0], 1)
        if new.adverse or new.near_cutoff:
            return found
        return found.model_copy(update={"left_out": left_out.sentences, "left_out_score": new.score})

    def _rewritten(self, row: pd.DataFrame, texts: Sequence[str]) -> pd.DataFrame:
        table = row.iloc[[0] * len(texts)].reset_index(drop=True)
        return table.assign(**{self.column: pd.Series(list(texts), dtype=object)})
