"""Every error a user can cause, under one base. The message is one sentence: what, where, and what to do."""


class LrpAuditError(Exception):
    """Base of all errors raised on purpose; the command line prints the message and exits with 2."""


# --- engine -----------------------------------------------------------------------------------------------------------


class EngineError(LrpAuditError):
    """Base of what the engine raises."""


class CaptureError(EngineError):
    """The model cannot be exported as one static graph (control flow on data, a static batch, an unsafe archive)."""


class TrainingModeError(EngineError):
    """The model, or a node of its graph, is in training mode, so its output would be random."""


class UnsupportedOperatorError(EngineError):
    """An operator on the relevance path has no rule; names operator, module path, source line and shape."""


class RuleError(EngineError):
    """A rule or composite is unknown, has a parameter out of range, or does not apply to the node it was given."""


class InputError(EngineError):
    """Inputs, target or reference do not fit the model (name, shape, dtype, guard)."""


class NonFiniteError(EngineError):
    """NaN or infinity in inputs, weights, output or relevance; names the tensor and the first rows."""


# --- adapters ---------------------------------------------------------------------------------------------------------


class ModelFileError(LrpAuditError):
    """A model file is missing, truncated or of another kind than its name says."""


class UntrustedModelError(ModelFileError):
    """Opening the file could run code it contains; needs `--trust-model`."""


class UnsupportedModelError(LrpAuditError):
    """The model has no differentiable graph, or a step cannot be traced back to input columns; names the step."""


class DataError(LrpAuditError):
    """The table cannot be read, or lacks what the model needs (a column, a type, rows)."""


# --- decisions and documents ------------------------------------------------------------------------------------------


class ConfigError(LrpAuditError):
    """audit.toml is wrong; names the file, line, key, and the nearest valid key."""


class ReferenceDataError(LrpAuditError):
    """The reference population cannot be built (too few rows, overlap, missing columns)."""


class ReportError(LrpAuditError):
    """A document cannot be written (output folder, template, font, disk)."""


class EventLogError(LrpAuditError):
    """The event log of a decision is damaged, or cannot be read or written."""


class SigningError(LrpAuditError):
    """A document cannot be signed (extra, key, passphrase, certificate, token, time stamp)."""
