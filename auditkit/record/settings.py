"""What a recording depends on besides models and data, as a user says it."""

from collections.abc import Mapping
from typing import Annotated, NamedTuple

from pydantic import Field

from auditkit.data.settings import Section
from auditkit.ranges import Name, Natural, Positive


class Sample(NamedTuple):
    """On how much of a data set an arm is run."""

    draws: int
    documents: int
    flags: str
    """What sets it, for readers of a run without the arm."""


class RecordingSettings(Section):
    """The controls that are recorded beside the models, and the seed of all that is drawn."""

    seed: Natural = 0
    """Of every sample and of every random draw."""
    random_draws: Annotated[int, Field(strict=True, ge=0, le=1000)] = 3
    """How often tokens are kept at random; 0: the arm `random` is not run."""
    random_documents: Natural = 2000
    """On how many documents, stratified; 0: the arm `random` is not run."""
    repeat_documents: Natural = 256
    """On how many documents the arm `repeat` is run, stratified; 0: it is not."""
    workers: Positive | None = None
    """Processes that record; None: this one, on a Ray cluster one for each CPU or GPU."""
    ray: Name | None = None
    """The address of a Ray cluster that records, or `local`; None: this machine does."""

    @property
    def samples(self) -> Mapping[str, Sample]:
        """By arm that is run on some documents only; no draws and no documents if it is not."""
        draws, documents = self.random_draws, self.random_documents
        if not (draws and documents):
            draws, documents = 0, 0
        return {
            "random": Sample(draws, documents, "--random-draws or --random-documents"),
            "repeat": Sample(1, self.repeat_documents, "--repeat-documents"),
        }
