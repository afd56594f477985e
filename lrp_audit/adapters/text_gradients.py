"""Integrated gradients of texts, from where relevance of a text starts: zero in the place of every token's embedding.

Along the straight line from zero to the embeddings the gradient of the margin is averaged by Gauss-Legendre quadrature
(Sundararajan et al. 2017). Positions, segments and special tokens' places stay as they are, as they do for relevance;
special tokens' own embeddings start from zero too. Columns beside a text do so as well.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from lrp_audit.adapters.margins import Target
from lrp_audit.adapters.text import batches, logits_from
from lrp_audit.adapters.windows import Text, Window
from lrp_audit.adapters.word_relevance import Book, TextExplainer, TextRelevance

STEPS = 16
NOTHING_READ = "empty embeddings"
QUADRATURE = "quadrature"
_SAME = 1e-3  # relative, of logits from embeddings and from ids


def takes_embeddings(module: nn.Module) -> bool:
    """Whether a network reads embeddings in the place of token ids, so that they can be moved."""
    return hasattr(module, "get_input_embeddings") and "inputs_embeds" in inspect.signature(module.forward).parameters


def integrated_gradients(
    explainer: TextExplainer,
    texts: Sequence[Text],
    target: Target,
    tables: Mapping[str, Tensor] | None = None,
    *,
    steps: int = STEPS,
) -> tuple[TextRelevance, ...] | None:
    """Relevance of the words of every text; sinks hold the margin of empty embeddings and what quadrature missed.

    None where the network does not take embeddings, or not to the same effect as token ids.
    """
    model = explainer.model
    if not takes_embeddings(model.module):
        return None
    windows = model.encode(texts)
    weights, own = explainer.linear_part(target, texts, tables)
    books = [Book.empty(text) for text in texts]
    for positions in batches(windows, model.padding):
        group = [windows[i] for i in positions]
        seeds = weights[[window.text for window in group]].to(model.device)
        if not _book(explainer, books, group, (model.tensors(group, tables), seeds), steps):
            return None
    return tuple(book.close(float(rest)) for book, rest in zip(books, own, strict=True))


def _book(
    explainer: TextExplainer,
    books: Sequence[Book],
    group: Sequence[Window],
    given: tuple[dict[str, Tensor], Tensor],
    steps: int,
) -> bool:
    """Book some windows; False where embeddings in the place of ids change the margin."""
    model, (inputs, seeds) = explainer.model, given

    def margin(state: Mapping[str, Tensor]) -> Tensor:
        return (logits_from(model.module, {**inputs, **state}) * seeds).sum(1)

    ids = {model.inputs[0]: inputs.pop(model.inputs[0])}
    tables = {name: inputs.pop(name) for name in model.tables}
    with torch.no_grad():
        ends = {"inputs_embeds": model.module.get_input_embeddings()(*ids.values()), **tables}  # type: ignore[operator]
        nothing = margin({name: 0 * end for name, end in ends.items()})
        whole, read = margin(ends), margin({**ids, **tables})
    if not bool((whole - read).abs().max() <= _SAME * (1 + read.abs().max())):
        return False
    points, shares = np.polynomial.legendre.leggauss(steps)
    total = {name: torch.zeros_like(end, dtype=torch.float64) for name, end in ends.items()}
    for point, share in zip((points + 1) / 2, shares / 2, strict=True):
        state = {name: (float(point) * end).requires_grad_() for name, end in ends.items()}
        with torch.enable_grad():
            slopes = torch.autograd.grad(margin(state).sum(), list(state.values()))
        for (name, end), slope in zip(ends.items(), slopes, strict=True):
            total[name] += float(share) * (slope * end).double()
    tokens = total.pop("inputs_embeds").sum(2).cpu().numpy()
    columns = {name: value.cpu().numpy() for name, value in total.items()}
    for row, window in enumerate(group):
        book = books[window.text]
        book.add_row(window, tokens[row], model.padding)
        found = float(tokens[row].sum()) + sum(float(value[row].sum()) for value in columns.values())
        book.add(book.sinks, NOTHING_READ, float(nothing[row]))
        book.add(book.sinks, QUADRATURE, float(whole[row]) - float(nothing[row]) - found)
        for name, value in columns.items():
            book.tables[name] = book.tables.get(name, 0.0) + value[row]
        book.margin += float(whole[row])
        book.windows += 1
    return True
