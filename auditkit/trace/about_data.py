"""What `about.json` says of the data and of what tagged its words."""

from dataclasses import dataclass
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from auditkit.ranges import Share


class Frozen(BaseModel):
    """A part of `about.json`: no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Refused(Frozen):
    """An input row that was not audited. `row` counts the data rows of the file from 1."""

    row: int
    reason: str


@dataclass(frozen=True, slots=True)
class Class:
    """One class as it is audited."""

    __pydantic_config__: ClassVar = ConfigDict(extra="forbid")

    name: str
    data: tuple[str, ...] = ()
    """The data's names for it, as they are written there; none where no row is of it."""
    model: tuple[int, ...] = ()
    """Indices of the model's classes that stand for it; their probabilities are added."""


class DatasetAbout(Frozen):
    """The audited data: `rows_in == audited + len(refused)`."""

    name: str
    split: str
    sha256: str
    text_column: str
    label_column: str
    """"" where the data have no labels."""
    labels: tuple[str, ...]
    matched: str = ""
    """How the data's classes were matched with the model's, for people."""
    classes: tuple[Class, ...] = ()
    group_columns: tuple[str, ...] = ()
    rationale_column: str = ""
    """"" where none was given; the trace then has no table `rationales`."""
    rows_in: int
    audited: int
    refused: tuple[Refused, ...] = ()
    trained_on: int | None = None
    """Audited documents that the model under audit learned from; None: not known."""
    truncated: int = 0
    words_cut: int = 0
    """Words past the model's length in truncated documents; they are in no count."""

    @property
    def labelled(self) -> bool:
        """Whether documents have gold classes; else their `label` is `NO_LABEL`."""
        return bool(self.label_column)


class TrainingAbout(Frozen):
    """The texts of `--training-data`."""

    name: str
    sha256: str
    """Of what is used, as that of the audited data."""
    text_column: str
    label_column: str
    rows_in: int
    """Those used and those refused together."""
    refused: int
    audited: int
    """Audited documents whose text is one of them."""

    @property
    def reading(self) -> str:
        """What was read, as a sentence."""
        return (
            f"Training texts: {self.name}, {self.rows_in:,} rows in = "
            f"{self.rows_in - self.refused:,} used + {self.refused:,} refused; {self.audited:,} of "
            "the audited documents are among them."
        )


TAGS = {"pos": "parts of speech", "stop_words": "stop words", "entities": "entities"}
"""What a pipeline says of a word, as probes need it."""


class LanguageFit(Frozen):
    """How a sample of the audited texts reads to one who expects the pipeline's language."""

    documents: int
    """How many were looked at."""
    told: int
    """Of these: whose language can be told."""
    foreign: int
    """Of these: that are of another script, or have too few of the language's stop words."""
    script_share: Share | None
    """Of all letters, those of the language's scripts; None: there are no letters."""
    stop_share: Share | None
    """Of all words, the language's stop words; None: there are no words, or none are known."""
    stop_share_at_large: Share | None
    """The same in the language at large; None: it is not known."""


class AnnotatorAbout(Frozen):
    """The spaCy pipeline that tagged the words."""

    name: str
    version: str
    source: str
    """`installed`, `path`, or `shipped` (the small fallback inside the package)."""
    language: str = ""
    """Its code, such as `en`; `xx` for several."""
    fit: LanguageFit | None = None
    """Of its language to the texts; None: that was not looked at."""
    lacks: dict[str, str] = {}
    """Of `TAGS`, those that the words do not have, and why."""
    accuracy: dict[str, float] = {}
    """As the pipeline's authors measured it; keys such as `upos`, `entity_f`, `name_f`."""
    entity_f_by_type: dict[str, float] = {}
    """As they measured it: F by type of entity."""
    entity_types_reliable: bool = False
    """By these figures. False: the unit for entities is "name or not"."""
    advice: str = ""

    @property
    def tags(self) -> frozenset[str]:
        """Of `TAGS`, those that the words have."""
        return frozenset(TAGS) - self.lacks.keys()

    @property
    def reading(self) -> str:
        """How the texts read to it, as a sentence; "" where that was not looked at."""
        if self.fit is None:
            return ""
        if not self.fit.told:
            return f"Whether texts are in the pipeline's language ({self.language}) cannot be told."
        return (
            f"{self.fit.foreign} of {self.fit.told} texts that are long enough to tell do not read "
            f"like the pipeline's language ({self.language})."
        )
