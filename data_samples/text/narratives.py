"""Synthetic loan narratives: what invented applicants write about the loan they want, and what was decided.

A narrative is a few sentences in random order. Some carry a planted signal of one reason family, for or against; the
rest mean nothing for the decision, and some of them name personal data or a special category, so that masks and scans
have something to find. The past decisions follow the sum of the planted signals, with noise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

PAST, TO_DECIDE = 6000, 24

# family -> (weight, sentences). A weight above 0 counts against. "[...]" marks the words that carry the signal.
SIGNALS: dict[str, list[tuple[float, tuple[str, ...]]]] = {
    "employment": [
        (
            2.2,
            (
                "I [lost my job] {time} and am still looking.",
                "I was [laid off] {time}.",
                "At the moment I am [out of work].",
                "My [contract ends] {soon} and it will [not be renewed].",
                "I only get [seasonal work] and no fixed hours.",
                "I have been [unemployed] since {month}.",
            ),
        ),
        (
            -1.8,
            (
                "I have worked for the [same employer] for {years} years.",
                "My position is [permanent] and full time.",
                "I was [promoted] {time} and my [salary went up].",
                "I have a [steady income] as a {trade}.",
            ),
        ),
    ],
    "obligations": [
        (
            2.0,
            (
                "My credit cards are [maxed out].",
                "I already [owe three other lenders] about {amount}.",
                "Most of my pay [goes to other loans].",
                "I need it to pay the [minimum payments] on my cards.",
                "My [debts are larger] than what I earn in a year.",
                "I [borrowed from a payday lender] {time}.",
            ),
        ),
        (
            -1.6,
            (
                "I have [no other debts].",
                "My car is [paid off] and my rent is low.",
                "I could [put down {amount} myself].",
                "I have [savings for {years} months] of expenses.",
            ),
        ),
    ],
    "payment_history": [
        (
            2.4,
            (
                "I [missed two payments] on my last loan.",
                "I [fell behind] with the rent {time}.",
                "An old bill went to [collections] in {month}.",
                "My account was [overdrawn] for most of {month}.",
                "I could [not pay] the card bill {time}.",
                "The court entered a [judgment against me] over an unpaid bill.",
            ),
        ),
        (
            -1.9,
            (
                "I have [never missed a payment].",
                "I [paid back] my last loan [early].",
                "My bills are always [paid on time].",
                "I have been a customer in [good standing] for {years} years.",
            ),
        ),
    ],
    "purpose": [
        (
            1.7,
            (
                "I want to put the money into a [crypto] fund that doubles every year.",
                "A friend has a [sure bet] and I want to take part.",
                "It is for a [business idea] that I cannot tell you about.",
                "I would lend it on to my {relative}, who [promised high returns].",
            ),
        ),
        (
            -1.2,
            (
                "The money is for [new windows] and insulation.",
                "It is for a [used car] that I need to get to work.",
                "The loan would [replace a dearer one].",
                "I have a [written quote] from the builder.",
            ),
        ),
    ],
}
NEUTRAL = (
    "Dear Sir or Madam,",
    "Hello,",
    "I am writing about my application of {month}.",
    "I would like to borrow {amount} over {years} years.",
    "I found your offer on the internet.",
    "The branch in town told me to write this down.",
    "Please let me know if you need anything else.",
    "Thank you for your time.",
    "I live here with my {relative}.",
    "The forms were easy to fill in.",
    "I would prefer to pay on the first of the month.",
    "My {relative} has an account with you as well.",
    "I look forward to your answer.",
    "I have read the terms and agree to them.",
    "Could you tell me how long it will take?",
    "We moved to Sampletown in {month}.",
    "It would help us a lot.",
    "I sent the papers you asked for {time}.",
)
PRIVATE = (
    "You can reach me at (212) 555-01{two}.",
    "My e-mail is applicant{two}@example.com.",
    "My account number is 4455-{four}.",
    "I live at {two} Example Street, Sampletown.",
    "Mr. Mockford at the branch knows me.",
)
SPECIAL = (
    "I was in hospital {time}.",
    "I help out at my church every week.",
    "My union dues are paid by my employer.",
)

SLOTS: dict[str, tuple[str, ...]] = {
    "time": ("last month", "two months ago", "in the spring", "last year", "a few weeks ago"),
    "soon": ("next month", "in June", "at the end of the year"),
    "month": ("January", "March", "May", "July", "September", "November"),
    "years": ("two", "three", "four", "five", "six", "eight"),
    "amount": ("$1,500", "$3,000", "$4,200", "$7,500", "$9,000", "$12,000"),
    "trade": ("nurse", "bus driver", "teacher", "welder", "cook", "clerk"),
    "relative": ("brother", "sister", "cousin", "uncle", "family"),
}


@dataclass(frozen=True)
class Planted:
    """Words that carry a signal: `[start, end)` in characters, and what they add to the decision."""

    start: int
    end: int
    family: str
    weight: float


@dataclass(frozen=True)
class Narrative:
    """A text with its planted signals. `score` is their sum; above 0 the applicant is more often declined."""

    text: str
    planted: tuple[Planted, ...]

    @property
    def score(self) -> float:
        weights = {(item.family, item.weight) for item in self.planted}
        return 0.1 + sum(weight for _, weight in weights)


def draw(rng: np.random.Generator, *, private: float = 0.25, special: float = 0.06) -> Narrative:
    """One narrative: signals of up to three families, neutral sentences, and perhaps what must be masked."""
    families = rng.choice(list(SIGNALS), size=rng.integers(1, 4), replace=False)
    sentences = [_signal(str(family), rng) for family in families]
    sentences += [(_text(_pick(NEUTRAL[2:], rng), rng), "", 0.0) for _ in range(rng.integers(2, 7))]
    if rng.random() < private:
        sentences.append((_text(_pick(PRIVATE, rng), rng), "", 0.0))
    if rng.random() < special:
        sentences.append((_text(_pick(SPECIAL, rng), rng), "", 0.0))
    order = rng.permutation(len(sentences))
    greeting = [(_pick(NEUTRAL[:2], rng), "", 0.0)] if rng.random() < 0.5 else []
    return _assembled([*greeting, *(sentences[i] for i in order)])


def decisions(narratives: list[Narrative], rng: np.random.Generator) -> np.ndarray:
    """Past decisions as booleans (N,), declined or not: logistic draws, so that the best guess errs at times."""
    scores = np.array([narrative.score for narrative in narratives])
    return np.asarray(rng.random(len(scores)) < 1 / (1 + np.exp(-2.0 * scores)))


def _signal(family: str, rng: np.random.Generator) -> tuple[str, str, float]:
    weight, sentences = SIGNALS[family][int(rng.integers(2))]
    return _text(_pick(sentences, rng), rng), family, weight


def _text(sentence: str, rng: np.random.Generator) -> str:
    chosen = {name: _pick(values, rng) for name, values in SLOTS.items()}
    return sentence.format(**chosen, two=f"{rng.integers(10, 100)}", four=f"{rng.integers(1000, 10000)}")


def _pick(values: tuple[str, ...], rng: np.random.Generator) -> str:
    return values[int(rng.integers(len(values)))]


def _assembled(sentences: list[tuple[str, str, float]]) -> Narrative:
    text, planted = "", []
    for sentence, family, weight in sentences:
        text += " " if text else ""
        for position, piece in enumerate(sentence.replace("]", "[").split("[")):
            if position % 2:
                planted.append(Planted(len(text), len(text) + len(piece), family, weight))
            text += piece
    return Narrative(text, tuple(planted))
