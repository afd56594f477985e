"""What a letter that explains says of one decision: what counted, what would have changed it, which data were used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from lrp_audit.judging.reasons import against, in_favour
from lrp_audit.judging.text_reasons import UNMAPPED
from lrp_audit.language.messages import Messages
from lrp_audit.records.record import ColumnContribution, FamilyContribution, Record, Variation
from lrp_audit.report.explanation_words import Words
from lrp_audit.report.slots import Slot, Slots
from lrp_audit.settings.config import AuditConfig
from lrp_audit.settings.sections import ColumnSection
from lrp_audit.settings.toml_errors import dotted

MOST_VALUES = 3  # values of one family beside its statement; the table of data holds all
MOST_VARIATIONS = 2


@dataclass(frozen=True)
class Elements:
    """EU-05: families of one direction with the applicant's values, strongest first, or the reasons supplied."""

    intro: Markup  # says the direction
    items: tuple[Markup, ...]


@dataclass(frozen=True)
class Alternatives:
    """EU-06: other values that lead to another result, or the statement that a search found none."""

    intro: Markup
    items: tuple[Markup, ...]
    limits: Markup


@dataclass(frozen=True)
class Datum:
    """EU-03: one item of personal data that was used."""

    item: Slot
    value: str
    source: Slot


@dataclass(frozen=True)
class Parts:
    """Makes the parts of one letter, and collects what is missing for them."""

    record: Record
    config: AuditConfig
    words: Words
    slots: Slots
    say: Messages  # for reviewers, who read what is missing

    def elements(self, *, adverse: bool) -> tuple[Elements, ...]:
        """What counted most, the side that prevailed first."""
        if self.record.decision.decided_by != "score":
            return (Elements(self.words("supplied"), self._supplied()),)
        most = self.config.documents.max_reasons
        columns = {item.column: item for item in self.record.contributions}
        statements: Mapping[str, Slot] = self._statements() if adverse else {}
        families = [item for item in self.record.families if item.family != UNMAPPED]
        sides = [
            Elements(
                self.words(name),
                tuple(self._element(item, columns, statements) for item in found[:most]),
            )
            for name, found in (("against", against(families)), ("favour", in_favour(families)))
        ]
        ordered = sides if adverse else sides[::-1]
        wordless = self.config.text is not None  # what decided may be words that no statement stands for
        if not ordered[0].items and (adverse or wordless or not ordered[1].items):
            gap = self.slots.miss(
                "families", self.say("main elements of the decision (see the internal audit)"), "EU-05"
            )
            ordered[0] = Elements(ordered[0].intro, (_strong(gap),))
        return tuple(side for side in ordered if side.items)

    def _supplied(self) -> tuple[Markup, ...]:
        found = tuple(_strong(self._wording(reason.text, reason.text_key)) for reason in self.record.reasons)
        gap = self.say("reasons of the rule or person that decided")
        return found or (_strong(self.slots.miss("facts.decided_reasons", gap, "EU-05")),)

    def _statements(self) -> dict[str, Slot]:
        """Family -> approved wording, of the principal reasons."""
        return {reason.family: self._wording(reason.text, reason.text_key) for reason in self.record.reasons}

    def _wording(self, text: str, key: str) -> Slot:
        return self.slots.need(text, key, self.say("wording of this reason"), "EU-05")

    def _element(
        self, family: FamilyContribution, columns: Mapping[str, ColumnContribution], statements: Mapping[str, Slot]
    ) -> Markup:
        used = [columns[name] for name in family.columns if name in columns]
        statement = statements.get(family.family) or self._label(family, used)
        if self.config.text is not None and all(item.column not in self.config.columns for item in used):
            return _detailed(statement, list(self._places(family.family)))  # words of a text have no value of their own
        if len(used) == 1 and statement == used[0].label:
            return self.words("value", label=_strong(statement), value=used[0].display)
        values = [self.words("value", label=item.label, value=item.display) for item in used[:MOST_VALUES]]
        return _detailed(statement, values)

    def _places(self, family: str) -> Iterator[Markup]:
        """The text that a stated reason was found in."""
        for place in (reason.place for reason in self.record.reasons if reason.family == family):
            if place is not None:
                label: Slot = place.label
                if place.date is not None:
                    label = self.words.shared("text-dated", label=label, date=self.words.date(place.date))
                if place.quote is not None:
                    label = self.words.shared("text-quoted", label=label, quote=place.quote)
                yield Markup(escape(label))

    def _label(self, family: FamilyContribution, used: Sequence[ColumnContribution]) -> Slot:
        """A family's name, which has to be for people: never that of a column or of a section of audit.toml."""
        section = self.config.families.get(family.family)
        if section is not None and section.label:
            return section.label
        if len(used) == 1 and self._named(used[0].column):
            return used[0].label
        key = dotted(("families", family.family, "label"))
        return self.slots.miss(key, self.say("name of this family, for applicants"), "EU-05")

    def _named(self, column: str) -> bool:
        return bool(self.config.columns.get(column, ColumnSection()).label)

    def alternatives(self, *, adverse: bool) -> Alternatives | None:
        """What would have changed the result; an approval needs no such statement, and shows one where there is one."""
        found, decided = self.record.variations, self.record.decision.dates.decision
        if found is None or not (found.tried or found.columns or self.record.text_evidence):
            if adverse:
                what = self.say("search for what would have changed the result, over columns that are mutable")
                gap = self.slots.miss("variations.search", what, "EU-06")
                return Alternatives(_strong(gap), (), Markup(""))
            return None
        shown = None if decided is None else self.words.date(decided)
        date = self.slots.need(shown, "facts.decision_date", self.say("decision date"), "EU-01")
        items = [self._changed(item) for item in found.found[:MOST_VARIATIONS]]
        if found.left_out:
            numbers = ", ".join(self.words.number(sentence + 1) for sentence in found.left_out)
            items.append(self.words("variation-sentences", numbers=numbers))
        if items:
            intro = self.words("variations-one" if len(items) == 1 else "variations")
            return Alternatives(intro, tuple(items), self.words("variations-limits", date=date))
        name = "variations-none" if found.tried else "variations-untried"  # others have none, or a text is one sentence
        intro = self.words(name, most=self.words.number(found.most_changes))
        return Alternatives(intro, (), self.words("variations-limits", date=date))

    def _changed(self, variation: Variation) -> Markup:
        first, *others = (
            self.words("variation", label=change.label, value=change.display, own=change.from_display)
            for change in variation.changes
        )
        for other in others:
            first = self.words("variation-and", label=first, value=other)
        return first

    def data(self) -> tuple[Datum, ...]:
        """Every column that the model read, in the order of audit.toml, and the texts."""
        if self.record.decision.decided_by != "score":
            return ()
        order = {name: place for place, name in enumerate(self.config.columns)}
        columns = [item for item in self.record.contributions if self.config.text is None or item.column in order]
        columns.sort(key=lambda item: (order.get(item.column, len(order)), item.column))
        return (*self._texts(), *(self._datum(item) for item in columns))

    def _texts(self) -> Iterable[Datum]:
        for text in self.record.text_evidence:
            source = None if self.config.text is None else self.config.text.source
            what = self.say("where '{item}' comes from", item=text.label)
            yield Datum(
                text.label, str(self.words("whole-text")), self.slots.need(source, "text.source", what, "EU-03")
            )

    def _datum(self, item: ColumnContribution) -> Datum:
        label = item.label if self._named(item.column) else None
        name = self.say("name of '{column}', for applicants", column=item.column)
        origin = self.say("where '{item}' comes from", item=item.label)
        return Datum(
            item=self.slots.need(label, dotted(("columns", item.column, "label")), name, "EU-03"),
            value=str(self.words("imputed", value=item.display)) if item.imputed else item.display,
            source=self.slots.need(item.source, dotted(("columns", item.column, "source")), origin, "EU-03"),
        )


def listed(items: Sequence[Slot]) -> Markup:
    """Items of one line, as markup."""
    return Markup(", ").join(map(escape, items))


def _detailed(statement: Slot, details: Sequence[Markup]) -> Markup:
    strong = _strong(statement)
    return Markup("{} ({})").format(strong, Markup(" · ").join(details)) if details else strong


def _strong(text: Slot) -> Markup:
    return Markup("<b>{}</b>").format(text)
