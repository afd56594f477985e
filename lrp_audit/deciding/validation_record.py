"""The validation record that audit.toml names, once it is certain that it is about this very model (CA-03)."""

from __future__ import annotations

from pydantic import ValidationError

from lrp_audit.errors import ConfigError
from lrp_audit.records.record import ValidationFacts, canonical, digest
from lrp_audit.report.validation_report import ValidationReport
from lrp_audit.settings.config import AuditConfig


def cited(config: AuditConfig, weights_sha256: str, preprocessing_sha256: str | None) -> ValidationFacts | None:
    """What audits cite of it; None where audit.toml names none.

    Raises:
        ConfigError: the file cannot be read, is no validation record, was changed, is about another model, or dates
            otherwise than audit.toml.
    """
    name = config.model.validation
    if name is None:
        return None
    report = _read(config, name)
    if (report.model.weights_sha256, report.model.preprocessing_sha256) != (weights_sha256, preprocessing_sha256):
        what = "weights" if report.model.weights_sha256 != weights_sha256 else "pre-processing"
        raise ConfigError(
            f"model.validation: '{name}' is about another model, with other {what} than {config.model.file}; run "
            "`lrp-audit validate` on this one."
        )
    given = config.model.validation_date
    if given is not None and given != report.date:
        raise ConfigError(
            f"model.validation_date is {given}, but '{name}' was written for {report.date}; leave validation_date out."
        )
    return ValidationFacts(
        sha256=digest(report), date=report.date, data_sha256=report.data.sha256, rows=report.data.rows
    )


def _read(config: AuditConfig, name: str) -> ValidationReport:
    path = config.folder / name
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"model.validation: '{path}' cannot be read: {error.strerror}.") from None
    try:
        report = ValidationReport.model_validate_json(content)
    except ValidationError:
        raise ConfigError(
            f"model.validation: '{name}' is no validation record; `lrp-audit validate` writes one."
        ) from None
    if canonical(report) != content:
        raise ConfigError(
            f"model.validation: '{name}' was changed after it was written; write it again with `lrp-audit validate`."
        )
    return report
