"""What documents call the things that records name by identifiers, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from lrp_audit.judging.text_reasons import UNMAPPED
from lrp_audit.language.messages import Messages, message

_NAMES: Mapping[str, str] = MappingProxyType({
    # reference populations and how they are represented
    "near_cutoff": message("near cutoff"),
    "all_applicants": message("all applicants"),
    "zero": message("zero"),
    "members": message("members"),
    "centroid": message("centroid"),
    "coalitions": message("coalitions with members"),
    # protected columns
    "prohibited": message("prohibited basis"),
    "special": message("special category"),
    "age": message("age"),
    # who decided
    "score": message("score"),
    "rule": message("rule"),
    "human": message("person"),
    # checks
    "performed": message("performed"),
    "not performed": message("not performed"),
    "stated": message("stated"),
    "random": message("random"),
    "confirmed": message("confirmed"),
    "tested": message("tested"),
    "kept": message("kept"),
    "rank_correlation": message("rank correlation"),
    "same_sign": message("same sign"),
    "completeness_error": message("completeness error"),
    "largest_change": message("largest change"),
    "lipschitz": message("Lipschitz estimate"),
    "others": message("all others"),
    "deletion": message("deletion"),
    "insertion": message("insertion"),
    "words": message("words"),
    "special_tokens": message("special tokens"),
    "constants": message("constants"),
    "found": message("found"),
    "tried": message("tried"),
    # what was masked in a text
    "e-mail": message("e-mail"),
    "link": message("link"),
    "IBAN": message("IBAN"),
    "card number": message("card number"),
    "social security number": message("social security number"),
    "national insurance number": message("national insurance number"),
    "internet address": message("internet address"),
    "date of birth": message("date of birth"),
    "address": message("address"),
    "number": message("number"),
    "phone": message("phone"),
    "handle": message("handle"),
    "name": message("name"),
    # where a text's reason was found
    "term": message("term"),
    "pattern": message("pattern"),
    "label": message("label"),
    # the ledger's sinks, by the engine's names
    "bias": message("biases of the network's layers"),
    "constant": message("constants of the network, such as position embeddings"),
    "taylor": message("softmax, what its linear form leaves out"),
    "stabiliser": message("stabiliser of the rules"),
    "stopped": message("paths that the rules stop"),
    "quadrature": message("steps of the integral, what they miss"),
    "remainder": message("lost or doubled by the rules"),
})  # fmt: skip


def name_of(identifier: str, say: Messages) -> str:
    """The words for an identifier; one without words of its own is a message itself.

    Raises:
        ReportError: the language has no words for it.
    """
    return say(_NAMES.get(identifier, identifier.replace("_", " ")))


def sink_name(name: str, say: Messages) -> str:
    """The words for where relevance went that reached no word or column: a sink, or a token that the model adds."""
    token = name.removeprefix("token ")
    return say("token {token}", token=token) if token != name or token.startswith(("[", "<")) else name_of(name, say)


def column_name(column: str, say: Messages) -> str:
    """A column by its own name; of a text's words, the text's column and what the words are."""
    return column.replace(UNMAPPED, say(UNMAPPED))
