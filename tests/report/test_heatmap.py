from __future__ import annotations

import datetime as dt
import io
import re
from itertools import groupby, pairwise

import pages
import pypdfium2
import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from lrp_audit.records.record import canonical
from lrp_audit.records.text_record import MappedSpan, SpecialContent, TextEvidence, TextWord
from lrp_audit.report.heatmap import (
    DRAWN,
    STRONGEST,
    bin_of,
    heatmap_html,
    heatmap_pdf,
    paragraphs,
    scale,
    style,
    text_view,
)
from lrp_audit.report.heatmap_terminal import heatmap_terminal, visible
from lrp_audit.report.render import Source
from lrp_audit.resources import templates
from lrp_audit.settings.config import AuditConfig
from lrp_audit.settings.sections import FamilySection, ModelSection

CONFIG = AuditConfig(model=ModelSection(file="x"), families={"debts": FamilySection(label="Debts <owed>")})
HOSTILE = (
    "<script>alert(1)</script> {{ 7*7 }} {% raw %} <img src=http://example.com/x> &lt;b&gt; \"quotes\" 'and' ]]>\n"
    "\u202egnihtyna\u202c \x1b[31mred\x1b[0m <link rel=attachment href=file:///etc/hostname> \u2028 "
    "שלום עולם 漢字 👩\u200d👩\u200d👧 e\u0301"
)


def evidence(text, relevance=None, **more):
    spans = [match.span() for match in regex.finditer(r"[\w\p{M}]+|[^\w\s\p{M}]", text)]
    values = relevance or [((7 * i) % 13 - 6) / 6 for i in range(len(spans))]
    words = [TextWord(start=s, end=e, relevance=v) for (s, e), v in zip(spans, values, strict=True)]
    return TextEvidence(column="narrative", label="Your message", text=text, words=tuple(words), **more)


SINK = "Softmax, what its linear form leaves out"
FULL = evidence(
    "I could not pay the debt. It was late.\n\nMy [health] is fine, thank you.",
    sentences=(TextWord(start=0, end=25, relevance=1.5), TextWord(start=26, end=38, relevance=-0.5)),
    special_tokens={"[CLS]": 0.5, "[SEP]": -0.25},
    sinks={"taylor": 0.125},
    windows=3,
    masked={"health": 1},
    special=(SpecialContent(category="health", rule="GDPR Art. 9(1)", protected="special", places=1, relevance=0.5),),
    mapped=(
        MappedSpan(family="debts", start=20, end=24, relevance=1.0, found_by="term", expression="debt*"),
        MappedSpan(family="debts", start=33, end=37, relevance=0.5, found_by="pattern", expression=r"\blate\b"),
    ),
    unmapped=-2.0,
)


@given(st.floats(-1, 1), st.floats(-1, 1))
def test_bins_are_symmetric_and_ordered_and_each_stands_for_twice_the_one_before(first, second):
    assert bin_of(-first, 1) == -bin_of(first, 1)
    assert (bin_of(first, 1) - bin_of(second, 1)) * (first - second) >= 0
    strength = abs(bin_of(first, 1))
    assert strength == 0 or 2.0 ** (strength - 5) <= abs(first)
    assert strength == STRONGEST or abs(first) < 2.0 ** (strength - 4)
    assert bin_of(first / 2, 1) == 0 or abs(bin_of(first / 2, 1)) == strength - 1 or abs(first) == 1


def test_the_scale_prints_nine_adjoining_bins_up_to_the_strongest_word():
    steps = scale(0.8)
    limits = [tuple(float(x.replace("−", "-")) for x in step.limits.split(" to ")) for step in steps]
    assert [step.style for step in steps] == [style(bin_) for bin_ in range(-4, 5)]
    assert len({step.style for step in steps}) == 9
    assert all(a[1] == b[0] for a, b in pairwise(limits))
    assert limits[0][0] == -limits[-1][1] == -0.8
    assert all(bin_of(sum(pair) / 2, 0.8) == bin_ for pair, bin_ in zip(limits, range(-4, 5), strict=True))


@st.composite
def scored_texts(draw):
    pieces = draw(st.lists(st.sampled_from(["a", "bc", "é", "漢", "שלום", "👩‍👩‍👧", ".", "<b>"]), max_size=30))
    text, words = draw(st.sampled_from(["", " ", "\n"])), []
    for piece in pieces:
        relevance = draw(st.sampled_from([0.0, 0.0, 1.0, -1.0, 0.3, 0.5, -0.5]))
        words.append(TextWord(start=len(text), end=len(text) + len(piece), relevance=relevance))
        text += piece + draw(st.sampled_from(["", " ", "  ", "\n", "\n\n", "\t", "\r\n", " ? "]))
    return text, words


@given(scored_texts())
def test_runs_hold_every_character_once_and_every_word_in_its_bin(case):
    text, words = case
    lines = paragraphs(text, words, 1.0)
    drawn = "".join(run.text for line in lines for run in line)
    assert "".join(drawn.split()) == "".join(text.split())
    shades = [run.bin for line in lines for run in line for char in run.text if not char.isspace()]
    owner = {i: word for word in words for i in range(word.start, word.end)}
    wanted = [bin_of(owner[i].relevance, 1.0) if i in owner else 0 for i, c in enumerate(text) if not c.isspace()]
    assert shades == wanted
    for line in lines:
        assert all(a.bin != b.bin for a, b in pairwise(line))
        words_drawn = " ".join("".join(run.text for run in line).split())
        assert words_drawn in " ".join(text.split())  # white space between words is neither lost nor added


@given(scored_texts())
@settings(max_examples=30)
def test_a_shaded_run_does_not_end_in_a_space_before_neutral_words(case):
    for line in paragraphs(*case, 1.0):
        assert not any(a.bin and not b.bin and a.text.endswith(" ") and b.text.strip() for a, b in pairwise(line))


def test_strongest_words_and_sentences_come_with_number_side_and_place():
    view = text_view(FULL, CONFIG)
    values = [abs(float(row.number.replace("−", "-"))) for row in view.words]
    assert values == sorted(values, reverse=True)
    assert all((row.side == "against") == row.number.startswith("+") for row in view.words)
    flat = " ".join(FULL.text.split())
    for row in view.words:
        assert f"{row.before}{row.text}{row.after}".replace("… ", "").replace(" …", "") in flat
    assert [row.text for row in view.sentences] == ["I could not pay the debt.", "It was late."]


def test_special_tokens_and_sinks_stand_apart_and_all_parts_add_up():
    view = text_view(FULL, CONFIG)
    numbers = {row.text: float(row.number.replace("−", "-")) for row in view.apart}
    assert set(numbers) == {"All words", "Token [CLS]", "Token [SEP]", SINK, "Total"}
    assert numbers.pop("Total") == pytest.approx(sum(numbers.values()), abs=0.02)
    assert "[CLS]" not in "".join(run.text for line in view.paragraphs for run in line)


def test_families_say_what_they_rest_on():
    (debts, unmapped) = text_view(FULL, CONFIG).families
    assert (debts.text, debts.number, debts.details) == (
        "Debts <owed>",
        "+1.50",
        ("“debt”, “late”", r"term debt*, pattern \blate\b"),
    )
    assert unmapped.number == "−2.00"


def test_a_text_without_any_relevance_or_word_is_drawn_too():
    for item in (evidence("just words", [0.0, 0.0]), evidence("")):
        view = text_view(item, CONFIG)
        assert all(run.bin == 0 for line in view.paragraphs for run in line)
        assert heatmap_pdf(item, CONFIG).startswith(b"%PDF")


TAGS = {"head", "body", "html", "p", "h1", "h2", "h3", "div", "span", "b"}
TAGS |= {"table", "colgroup", "col", "thead", "tbody", "tr", "th", "td"}


def test_hostile_text_is_text():
    item = evidence(HOSTILE)
    html = heatmap_html(item, CONFIG)
    body = html.split("</style>")[1]
    tags = set(re.findall(r"<\s*/?\s*([a-zA-Z]+[0-9]?)", body))
    assert tags <= TAGS
    assert "\u202e" not in html
    assert "\x1b" not in html
    assert "{{ 7*7 }} {% raw %}" in re.sub(r"<[^>]*>", "", body)
    pdf = heatmap_pdf(item, CONFIG)
    with pypdfium2.PdfDocument(pdf) as document:
        text = "".join(item.get_textpage().get_text_bounded() for item in document)
        assert document.count_attachments() == 0
    assert "<script>" in text.replace("\r\n", "")
    assert "[U+202E]" in text.replace("\r\n", "")


def test_hostile_text_does_not_steer_a_terminal():
    console = Console(file=io.StringIO(), width=100, force_terminal=True, color_system="truecolor")
    console.print(heatmap_terminal(evidence(HOSTILE), CONFIG))
    written = console.file.getvalue()
    sequences = set(re.findall(r"\x1b\[([0-9;]*)m", written))
    assert written.count("\x1b") == len(re.findall(r"\x1b\[[0-9;]*m", written))
    assert "31" not in sequences  # the text's own "red"
    assert "\u202e" not in written
    assert visible("a\u200db\u2069\x07\ud800") == "a\u200db[U+2069][U+0007][U+D800]"


def test_the_terminal_tells_sides_apart_without_colour():
    console = Console(file=io.StringIO(), width=100, force_terminal=True, no_color=True, color_system="truecolor")
    console.print(heatmap_terminal(evidence("good bad plain", [-1.0, 1.0, 0.0]), CONFIG))
    underlined = re.findall(r"\x1b\[(?:\d+;)*4m([^\x1b]*)", console.file.getvalue())
    assert "bad" in {text.strip() for text in underlined}
    assert "good" not in {text.strip() for text in underlined}


def test_the_sheet_has_a_style_for_every_bin_and_pairs_of_equal_lightness():
    css = (templates() / "heatmap" / "heatmap.css").read_text(encoding="utf-8")
    tints = dict(re.findall(r"\.([af][1-4]) \{ background: (#[0-9a-f]{6})", css))
    assert set(tints) == {style(bin_) for bin_ in range(-4, 5)} - {""}
    for strength in "1234":
        assert abs(lightness(tints[f"a{strength}"]) - lightness(tints[f"f{strength}"])) < 1.5
        assert contrast(tints[f"a{strength}"], "#1b1f24") > 4.5
    assert all(lightness(tints[f"a{n}"]) - lightness(tints[f"a{n + 1}"]) > 8 for n in range(1, 4))


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def lightness(colour):
    return 116 * luminance(colour) ** (1 / 3) - 16


def contrast(first, second):
    high, low = sorted((luminance(first), luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


LONG = evidence(" ".join(f"word{i % 37} and then." for i in range(220)) + "\n" + FULL.text)


@pytest.mark.parametrize("item", [FULL, LONG, evidence(HOSTILE)], ids=["full", "long", "hostile"])
def test_pages_are_valid_tagged_pdf(item):
    source = Source(canonical(item), "Text evidence", dt.date(2026, 3, 3))
    assert pages.failures(heatmap_pdf(item, CONFIG), "PDF_UA_1") == []
    assert pages.failures(heatmap_pdf(item, CONFIG, source=source), "PDF_UA_1", "PDF_A_3A") == []


def test_six_hundred_words_take_few_elements_and_the_same_bytes_come_out_twice():
    html = heatmap_html(LONG, CONFIG, styled=False)
    view = text_view(LONG, CONFIG)
    shaded = [run for line in view.paragraphs for run in line if run.bin]
    assert html.count("<span") == len(shaded)
    assert len(shaded) < sum(1 for _ in groupby(LONG.words, lambda w: bin_of(w.relevance, 1)))
    assert heatmap_pdf(LONG, CONFIG) == heatmap_pdf(LONG, CONFIG)


def test_of_a_very_long_text_the_beginning_is_drawn_and_the_page_says_so():
    count = DRAWN + 50
    item = evidence("a " * count, [0.0] * (count - 1) + [1.0])
    view = text_view(item, CONFIG)
    assert sum(len(run.text.split()) for line in view.paragraphs for run in line) == DRAWN
    assert any(f"{DRAWN:,} of {count:,} words" in note for note in view.notes)
    assert [row.number for row in view.words] == ["+1.00"]


@pytest.mark.real
def test_published_complaints_can_all_be_drawn():
    import real_texts

    for text in sorted(real_texts.complaints(), key=len)[::10]:
        assert heatmap_pdf(evidence(text), CONFIG).startswith(b"%PDF")
