"""Errors that a user can act on.

    AuditError                     exit code 2
    ├── SettingsError              a flag, a config file, an option
    ├── DataError                  a data set, a column, labels, a glossary
    ├── CheckpointError            a model directory or hub name
    ├── AnnotationError            the spaCy pipeline
    ├── TraceError                 a run directory
    └── ProbeError                 a probe: unknown, broken, or at odds with its contract

Every message is one line: what, the value seen, what was expected, what to do, and the names that
are available. The command line prints it without a traceback; `--debug` shows the stack.
"""


class AuditError(Exception):
    """Base of all errors that auditkit raises on purpose."""

    exit_code = 2


class SettingsError(AuditError):
    """A flag, a config file or a probe's option is not usable."""


class DataError(AuditError):
    """A data set cannot be read as examples with labels."""


class CheckpointError(AuditError):
    """A model directory or hub name cannot be opened as what is needed."""


class AnnotationError(AuditError):
    """The spaCy pipeline cannot be loaded or lacks what is needed."""


class TraceError(AuditError):
    """A run directory is missing, unfinished, or of another schema."""


class ProbeError(AuditError):
    """A probe is unknown, cannot be loaded, or breaks the probe contract."""
