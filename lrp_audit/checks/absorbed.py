"""How much of a text's relevance reached no word: whether the model's constants outweigh what a person wrote.

Position and segment embeddings, biases, stabilisers and special tokens ([CLS], the template of a prompt) get relevance
as words do, and no statement about words covers it. Amounts are compared without their signs, since constants that
cancel each other still decide. The constant that the linear form of softmax leaves out is not among them: AttnLRP drops
it whatever the model (Achtibat et al. 2024, Prop. 3.1), so it says nothing about this text. The books list it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from lrp_audit.language.messages import ENGLISH, Messages
from lrp_audit.records.record import Check

OF_THE_RULE = frozenset({"taylor"})


def absorbed(
    inputs: Iterable[float],
    special: Mapping[str, float],
    sinks: Mapping[str, float],
    *,
    limit: float,
    say: Messages = ENGLISH,
) -> Check:
    """The shares of what a person wrote, of special tokens and of constants; flagged where the latter two pass `limit`.

    Args:
        inputs: relevance of every word, and of every column beside the text.
        special: relevance of tokens that are nobody's words, by name.
        sinks: relevance that reached no token, by the engine's names.
        limit: share from 0 to 1.
        say: the reviewers' language.
    """
    amounts = {
        "words": math.fsum(map(abs, inputs)),
        "special_tokens": math.fsum(map(abs, special.values())),
        "constants": math.fsum(abs(value) for name, value in sinks.items() if name not in OF_THE_RULE),
    }
    total = math.fsum(amounts.values())
    shares = {name: value / total if total > 0 else 0.0 for name, value in amounts.items()}
    return Check(
        id="absorbed",
        title=say("Relevance that reached no word"),
        status="performed",
        flag=shares["special_tokens"] + shares["constants"] > limit,
        measured=dict(shares),
        threshold=limit,
        statement=say(
            "Shares of words, of tokens that are nobody's words, and of constants such as position embeddings and "
            "biases; the last two together against the threshold."
        ),
    )


def warnings(check: Check, say: Messages = ENGLISH) -> tuple[str, ...]:
    """What a reviewer is told where the check is flagged."""
    if not check.flag:
        return ()
    return (
        say(
            "Of the relevance {share} is in what the person wrote or supplied, and the rest in constants and special "
            "tokens of the model: the decision may rest on little of the text.",
            share=say.percent(float(check.measured["words"])),
        ),
    )
