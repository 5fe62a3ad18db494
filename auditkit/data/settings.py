"""What is audited, as a user says it; and what settings of every room have in common."""

from typing import Any

from pydantic import BaseModel, ConfigDict, StrictBool, field_validator

from auditkit.data.labels import Sides, parse_labels
from auditkit.ranges import Name, Place, Positive


class Section(BaseModel):
    """Settings that one room takes as they are. No two sections of a run have a name in common."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class DataSettings(Section):
    """Which documents, and what tags their words."""

    dataset: Name
    """`agnews`, `imdb`, a hub id, or a path to a .csv, .tsv, .jsonl or .parquet file."""
    split: Name | None = None
    """None is `test`; for a file None, `train` and `all` are the file itself."""
    limit: Positive | None = None
    """At most so many documents, stratified by label (largest remainder), in their order."""
    text_column: Name | None = None
    """None: the first of `auditkit.data.columns.TEXT_COLUMNS` that is there. `title,body`: both,
    joined, where no column is called so."""
    label_column: Name | None = None
    """None: the first of `auditkit.data.columns.LABEL_COLUMNS` that is there."""
    unlabelled: StrictBool = False
    """There are no labels: what needs none is audited."""
    labels: tuple[Sides, ...] = ()
    """Which classes are which, `(model's names, data's names)`: several on a side are one class.
    What is left out is matched by name."""
    groups: tuple[Name, ...] = ()
    """Columns to carry along."""
    rationale_column: Name | None = None
    """What people marked in the texts as the reason for the label, as JSON: spans or words."""
    data_dir: Place | None = None
    """Where local copies are; None: the environment variable `AUDITKIT_DATA`."""
    training_data: Place | None = None
    """A file as `dataset` may be, whose texts probes may learn from; None: the data set's own
    training split, where it has one."""
    spacy_model: Name | None = None
    """None: en_core_web_sm where installed, else the small one that ships."""
    strict: StrictBool = False
    """Refused or truncated rows are an error."""

    @field_validator("labels", mode="before")
    @classmethod
    def _as_pairs(cls, value: Any) -> Any:
        if isinstance(value, str):
            return parse_labels(value)
        if isinstance(value, dict):
            sides = ([[k], v if isinstance(v, list) else [v]] for k, v in value.items())
            return tuple(tuple(tuple(map(str, side)) for side in pair) for pair in sides)
        return value

    @field_validator("groups", mode="before")
    @classmethod
    def _split_at_commas(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(filter(None, (part.strip() for part in value.split(","))))
        return value
