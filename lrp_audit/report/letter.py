"""Letters to applicants: record, addressee and settings in, PDF/UA-1 or HTML out. Which letter, audit.toml says.

A letter that lacks anything is not written (G-02); a draft, which is an internal document, shows what is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Protocol

from lrp_audit.errors import ReportError
from lrp_audit.judging import guard
from lrp_audit.language.messages import for_reviewers
from lrp_audit.records.record import Addressee, Record, Refusal, digest
from lrp_audit.report import explanation_letter, us_notice
from lrp_audit.report.carried import Carried, carried
from lrp_audit.report.fonts import code_points, faces, unprintable, with_code_points
from lrp_audit.report.limits import LETTER_PAGES
from lrp_audit.report.look import look
from lrp_audit.report.plain_text import plain_text
from lrp_audit.report.render import to_html, to_pdf
from lrp_audit.report.slots import Gap
from lrp_audit.settings.config import AuditConfig


class LetterContext(Protocol):
    """What every letter's template prints, besides its own fields."""

    @property
    def refusals(self) -> tuple[Refusal, ...]: ...
    @property
    def gaps(self) -> tuple[Gap, ...]: ...


@dataclass(frozen=True)
class LetterType:
    """A kind of letter: its folder under `templates/`, where it is called `letter`, and what makes its context.

    `file` is what its files are called, without their ending.
    """

    folder: str
    context: Callable[..., LetterContext]
    file: str


LETTERS: Mapping[str, LetterType] = MappingProxyType({
    "us-notice": LetterType(us_notice.FOLDER, us_notice.context, "notice"),
    "eu-letter": LetterType("eu-letter", explanation_letter.context, "letter"),
    "uk-letter": LetterType("uk-letter", explanation_letter.context, "letter"),
})  # fmt: skip


def letter_file(config: AuditConfig) -> str:
    """What files of the letter that audit.toml names are called, without their ending."""
    return LETTERS[config.documents.letter].file


def letter_pdf(
    record: Record,
    addressee: Addressee,
    config: AuditConfig,
    *,
    draft: bool = False,
    signable: bool = False,
    sha256: str | None = None,
) -> bytes:
    """The letter as PDF/UA-1.

    Args:
        record: the decision.
        addressee: the applicant's name and address.
        config: settings, wording and contacts; `[documents] letter` says which letter.
        draft: render whatever is missing: gaps become boxes that name what to fill in, and every page says that it is
            a draft, not for the applicant.
        signable: leave an empty signature field, and say in a box that the letter is signed.
        sha256: the record's digest, where it is known.

    Raises:
        ReportError: not a draft, and the record has refusals, something required is missing, or a character cannot be
            printed.
        ConfigError: there are no texts in the configured language.
    """
    extra = carried(record, config, signable=signable)
    html = _page(record, addressee, config, extra, draft=draft, styled=False)
    folder = LETTERS[config.documents.letter].folder
    return to_pdf(
        html,
        folder,
        faces(config),
        identifier=sha256 or digest(record),
        most_pages=LETTER_PAGES,
        signature=None if extra.signature is None else extra.signature.striptags(),
        look=look(config),
    )


def letter_html(record: Record, addressee: Addressee, config: AuditConfig, *, draft: bool = False) -> str:
    """The letter as one page of HTML with its style inside. Raises as `letter_pdf` does."""
    return _page(record, addressee, config, carried(record, config, signable=False), draft=draft, styled=True)


def letter_text(record: Record, addressee: Addressee, config: AuditConfig, *, draft: bool = False) -> str:
    """The letter as plain text. Raises as `letter_pdf` does."""
    return plain_text(
        _page(record, addressee, config, carried(record, config, signable=False), draft=draft, styled=False)
    )


def _page(
    record: Record, addressee: Addressee, config: AuditConfig, extra: Carried, *, draft: bool, styled: bool
) -> str:
    kind, say = LETTERS[config.documents.letter], for_reviewers(config)
    found = kind.context(record, addressee, config, draft=draft)
    if not draft:
        _require_complete(found)
    page = to_html(kind.folder, {"letter": found, "carried": extra}, say=say, styled=styled, look=look(config))
    if not draft:
        _require_sayable(page, record, addressee, config)
    missing = unprintable(page, config)
    if not missing:
        return page
    gap = Gap("documents.extra_fonts", say("a font that has {characters}", characters=code_points(missing)))
    if not draft:
        raise ReportError(f"UNPRINTABLE_TEXT: the letter needs {gap}; --draft shows the place.")
    with_gap = replace(found, gaps=(*found.gaps, gap))  # type: ignore[type-var]
    page = to_html(kind.folder, {"letter": with_gap, "carried": extra}, say=say, styled=styled, look=look(config))
    return with_code_points(page, config)


def _require_sayable(page: str, record: Record, addressee: Addressee, config: AuditConfig) -> None:
    """2.6, G-03 to G-06."""
    if faults := guard.faults(page, record, addressee, config):
        raise ReportError(f"The letter {'; it '.join(faults)}. Correct that wording, or the template that holds it.")


def _require_complete(letter: LetterContext) -> None:
    """G-02."""
    if letter.refusals:
        first = letter.refusals[0]
        raise ReportError(f"{first.state}: no letter may go out; {first.next_step} --draft writes a marked draft.")
    if letter.gaps:
        listed = "; ".join(map(str, letter.gaps))
        raise ReportError(f"The letter lacks {listed}; supply it, or use --draft to see the letter with its gaps.")
