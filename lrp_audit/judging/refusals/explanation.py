"""What stands against a letter that explains a decision to a person in the EU or the UK, and not against a US notice.

What such a letter lacks, it finds itself (`report.explanation_letter`); here is what it may not say.
"""

from __future__ import annotations

from lrp_audit.judging.refusals.completeness import missing_hashes
from lrp_audit.judging.refusals.findings import Findings
from lrp_audit.judging.refusals.influence import stopped
from lrp_audit.records.record import Refusal


def another_action(findings: Findings) -> Refusal | None:
    """INVALID_INPUT: a counteroffer, or an application that was not decided; these letters explain decisions."""
    say, action = findings.say, findings.case.decision.action
    if action == "denied":
        return None
    return Refusal(
        state="INVALID_INPUT",
        rule="EU-01",
        evidence=say("Invalid: facts.action is '{action}', which only a US notice is written about.", action=action),
        next_step=say("Correct the value in the data, or the column in [facts] of audit.toml, and run again."),
    )


def special_data_listed(findings: Findings) -> Refusal | None:
    """SPECIAL_CATEGORY_INFLUENTIAL: the model reads such data, and the letter would have to list them."""
    columns = [item for item in findings.protected("special") if item.column in findings.config.columns]
    evidence = [findings.say("the letter would have to list '{label}'", label=item.label) for item in columns]
    return stopped(findings, "SPECIAL_CATEGORY_INFLUENTIAL", "3.4, EU-03", evidence)


def protected_in_favour(findings: Findings) -> Refusal | None:
    """PROHIBITED_BASIS_INFLUENTIAL: protected data are among the main elements in the applicant's favour (G-04)."""
    favoured = [item for item in findings.favoured if item.family in findings.guarded_families]
    evidence = [
        findings.say("'{label}' would be named in the applicant's favour", label=item.label) for item in favoured
    ]
    return stopped(findings, "PROHIBITED_BASIS_INFLUENTIAL", "G-04, EU-05", evidence)


def nothing_counts(findings: Findings) -> Refusal | None:
    """NO_ADVERSE_CONTRIBUTION of an approval: nothing counts for or against the applicant in this comparison."""
    if findings.favoured or findings.stated:
        return None
    say = findings.say
    return Refusal(
        state="NO_ADVERSE_CONTRIBUTION",
        rule="EU-05",
        evidence=say("No family counts for or against the applicant."),
        next_step=say("Compare with another population in reference.population."),
    )


def hashes_missing(findings: Findings) -> Refusal | None:
    """PROVENANCE_INCOMPLETE: the version of the model, or a hash that its record rests on, is not known (G-08)."""
    say, missing = findings.say, tuple(missing_hashes(findings))
    if not missing:
        return None
    return Refusal(
        state="PROVENANCE_INCOMPLETE",
        rule="G-02, G-08",
        evidence=say("Missing: {listed}.", listed=", ".join(what for what, _ in missing)),
        next_step=f"{say('Supply: {listed}.', listed=', '.join(how for _, how in missing))} {findings.draft}",
    )
