"""The trace: what the models did to every token, as columns. The contract of the project.

Models write it once; probes read columns and never need a model again. `Trace.open` opens one,
`trace.documents` holds its documents, `scan` and `fold` go through everything else.
"""

from auditkit.trace.about import SAVED, SCHEMA_VERSION, About, ArmAbout, BudgetAbout, ModelAbout
from auditkit.trace.about_data import (
    TAGS,
    AnnotatorAbout,
    Class,
    DatasetAbout,
    LanguageFit,
    Refused,
    TrainingAbout,
)
from auditkit.trace.arms import ARMS, Arm, Kind, arm, arms_of, keys
from auditkit.trace.documents import NO_LABEL, Answers, Documents
from auditkit.trace.reading import Shard, Step, Trace
from auditkit.trace.tables import OPTIONAL, TABLES, conform, documents_schema, validate
from auditkit.trace.writing import finish, finished_shards, write_shard

__all__ = [
    "ARMS",
    "NO_LABEL",
    "OPTIONAL",
    "SAVED",
    "SCHEMA_VERSION",
    "TABLES",
    "TAGS",
    "About",
    "AnnotatorAbout",
    "Answers",
    "Arm",
    "ArmAbout",
    "BudgetAbout",
    "Class",
    "DatasetAbout",
    "Documents",
    "Kind",
    "LanguageFit",
    "ModelAbout",
    "Refused",
    "Shard",
    "Step",
    "Trace",
    "TrainingAbout",
    "arm",
    "arms_of",
    "conform",
    "documents_schema",
    "finish",
    "finished_shards",
    "keys",
    "validate",
    "write_shard",
]
