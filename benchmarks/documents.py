"""How long documents take to print, beside bare WeasyPrint, a straightforward template, and other engines.

    python benchmarks/documents.py             # about three minutes
    python benchmarks/documents.py --quick     # a minute, noisier
    python benchmarks/documents.py --memory 5000

Every document is made from its record: context, template, layout, tagged PDF; the audit is PDF/A-3a with the record
attached. `bare` is WeasyPrint alone on the finished page of the same document: the same style sheet and fonts, no tags,
no archive, no template. `straightforward` is the same page as one would write it first (peers/straightforward.py): a
span with its own colour for every word of the text, tables that find their own widths, labels in drawings, automatic
hyphens; printed as the same kind of PDF through the same shared objects. The audit shades a text of 200 words, few of
which matter, as is usual. The other engines print the same text, tables included, without drawings, and other data
in every call; only typst's file is tagged (PDF/UA-1). All take turns in one warm
process, in an order drawn anew for each round; the clock is the process's own time on the processor, except for
Chromium, which works in a process of its own. Its pages are timed on the wall. `--memory` prints letters and reports
how far the process grew.
"""

import argparse
import os
import random
import re
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import font_source_sans_pro
import kept  # the script beside this one
from peers.documents import ENGINES
from peers.straightforward import SHEET, straightforward
from weasyprint import CSS, HTML

from lrp_audit import report
from lrp_audit.records.record import canonical, digest
from lrp_audit.records.text_record import TextEvidence, TextWord
from lrp_audit.report.fonts import configuration, faces
from lrp_audit.report.render import Source, _attachment, _Finisher
from lrp_audit.report.specimens import Specimen, specimens
from lrp_audit.settings.config import AuditConfig

FONTS = Path(font_source_sans_pro.font_directory)
GOALS = {("notice", "lrp_audit", "bare"): 1.2, ("audit", "lrp_audit", "straightforward"): 0.7}
Maker = Callable[[], bytes]


def first(document: str) -> Specimen:
    return next(iter(specimens(document)))


def with_text(found: Specimen) -> Specimen:
    """The specimen with a text of 200 words whose relevance has a heavy tail."""
    drawn, names = random.Random(0), ("loan", "payment", "bank", "late", "the", "and", "account", "of", "told", "me")
    text = " ".join(drawn.choice(names) for _ in range(200))
    words = tuple(
        TextWord(start=word.start(), end=word.end(), relevance=drawn.gauss(0, 1) ** 3)
        for word in re.finditer(r"\S+", text)
    )
    evidence = TextEvidence(column="text", label="Message", text=text, words=words)
    return replace(found, record=found.record.model_copy(update={"text_evidence": (evidence,)}))


def notice_makers() -> dict[str, Maker]:
    found = first("us-notice")
    page = report.letter_html(found.record, found.addressee, found.config)
    return {
        "lrp_audit": lambda: report.letter_pdf(found.record, found.addressee, found.config),
        "bare": bare(page, found.config),
        **others(page),
    }


def audit_makers() -> dict[str, Maker]:
    found = with_text(first("audit"))
    page = report.audit_html(found.record, found.config)
    return {
        "lrp_audit": lambda: report.audit_pdf(found.record, found.config),
        "bare": bare(page, found.config),
        "straightforward": plainly(page, found),
        **others(page),
    }


def bare(page: str, config: AuditConfig, variant: str | None = None) -> Maker:
    """WeasyPrint alone; the page's own style element is taken out and made a shared sheet, as the package does.

    `variant` is a kind of PDF, such as the tagged one that letters are.
    """
    head, css, body = parts(page)
    shared, rules = configuration(faces(config))
    sheet = CSS(string=css)
    return lambda: HTML(string=head + body).write_pdf(
        stylesheets=[rules, sheet], font_config=shared, pdf_variant=variant
    )


def parts(page: str) -> tuple[str, str, str]:
    """What stands before, in and behind the style element of a page."""
    head, rest = page.split("<style>", maxsplit=1)
    css, body = rest.split("</style>", maxsplit=1)
    return head, css, body


def plainly(page: str, found: Specimen) -> Maker:
    """The same words in a page as one would write it first, printed as the same kind of PDF with the shared objects."""
    head, css, body = parts(page)
    evidence, written = found.record.text_evidence[0], found.record.decision.dates.notice
    assert written is not None
    plain = straightforward(head + body, evidence.text, [word.relevance for word in evidence.words])
    shared, rules = configuration(faces(found.config))
    sheet = CSS(string=css + SHEET)
    families = frozenset(face.family for face in faces(found.config))
    source = Source(canonical(found.record), "Record", written)
    return lambda: HTML(string=plain).write_pdf(
        stylesheets=[rules, sheet], font_config=shared, pdf_variant="pdf/a-3a",
        pdf_identifier=digest(found.record).encode(), attachments=[_attachment(source)],
        finisher=_Finisher(families, True, 0, None),
    )  # fmt: skip


def others(page: str) -> dict[str, Maker]:
    makers = {}
    for name, engine in ENGINES.items():
        try:
            makers[name] = engine(FONTS)(page)
        except ImportError as error:
            print(f"{name} is left out: {error}.")
    return makers


def measured(makers: dict[str, Maker], rounds: int) -> dict[str, list[float]]:
    for make in makers.values():
        make()
        make()
    order = list(makers)
    times: dict[str, list[float]] = {name: [] for name in makers}
    shuffle = random.Random(0)
    for _ in range(rounds):
        shuffle.shuffle(order)
        for name in order:
            clock = time.perf_counter if name == "Chromium" else time.process_time
            start = clock()
            makers[name]()
            times[name].append(clock() - start)
    return times


def rows(document: str, times: dict[str, list[float]]) -> list[dict[str, object]]:
    """A line per way: median time, and median ratio of the package's time to it in the same round."""
    found = []
    for name, seconds in times.items():
        ratio = statistics.median(own / other for own, other in zip(times["lrp_audit"], seconds, strict=True))
        goal = GOALS.get((document, "lrp_audit", name))
        found.append(
            {"document": document, "way": name, "ms": statistics.median(seconds) * 1e3, "ours / this": ratio,
             "goal": goal}
        )  # fmt: skip
    return found


def resident() -> float:
    """Memory of this process in MiB (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def growth(documents: int) -> dict[str, float]:
    """MiB before and after many letters of different people, after the first 50."""
    found = first("us-notice")
    start = 0.0
    for number in range(documents + 50):
        if number == 50:
            start = resident()
        person = found.addressee.model_copy(update={"name": f"Applicant {number}"})
        report.letter_pdf(found.record, person, found.config)
    end = resident()
    return {"documents": documents, "before": start, "after": end, "KiB each": (end - start) * 1024 / documents}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--memory", type=int, default=0, metavar="LETTERS")
    options = parser.parse_args()
    table = [
        *rows("notice", measured(notice_makers(), 7 if options.quick else 41)),
        *rows("audit", measured(audit_makers(), 3 if options.quick else 15)),
    ]
    print(f"{'document':10}{'way':18}{'ms':>8}{'ours / this':>14}{'goal':>8}")
    for row in table:
        goal = "" if row["goal"] is None else f"{row['goal']:.1f}"
        print(f"{row['document']:10}{row['way']:18}{row['ms']:8.1f}{row['ours / this']:14.2f}{goal:>8}")
    memory = growth(options.memory or (100 if options.quick else 1000))
    print(f"Memory: {memory['before']:.0f} MiB, {memory['after']:.0f} MiB after {memory['documents']} letters more "
          f"({memory['KiB each']:.1f} KiB each).")  # fmt: skip
    facts = kept.environment("lrp_audit", "weasyprint", "pydyf", "typst", "reportlab", "playwright")
    kept.keep("documents", facts, {"table": table, "memory": memory}, quick=options.quick)


if __name__ == "__main__":
    main()
