"""What turns documents into shards of a trace, in this process or in another one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from auditkit.bench.settings import ModelSettings
from auditkit.bench.subjects import Bench
from auditkit.data.annotate import Annotator, load_annotator
from auditkit.data.examples import Example
from auditkit.files import Folder
from auditkit.record.part import Part
from auditkit.record.plan import Plan
from auditkit.trace import AnnotatorAbout, Class, documents_schema, write_shard

if TYPE_CHECKING:
    from auditkit.bench.dropper import Chosen


class Lot(NamedTuple):
    """The documents of one shard."""

    number: int
    """Of the shard, from 0."""
    examples: Sequence[Example]


@dataclass(frozen=True, slots=True)
class Recorder:
    """Models, words and a plan: recording is a function of one lot."""

    bench: Bench
    annotator: Annotator
    plan: Plan
    folder: Folder
    """The trace."""

    @property
    def recipe(self) -> "Recipe":
        """How another process opens the same."""
        bench, annotator = self.bench, self.annotator
        return Recipe(
            bench.settings, bench.chosen, bench.classes, annotator.place, annotator.about,
            self.plan, self.folder,
        )  # fmt: skip

    def __call__(self, lot: Lot, on_documents: Callable[[int], None]) -> None:
        """Record a lot; `on_documents` is told how many of its documents are done."""
        part = Part(self.bench, self.annotator, lot.examples, self.plan)
        schema = documents_schema(self.plan.group_columns, self.plan.arm_keys)
        write_shard(self.folder, lot.number, part.tables(on_documents), schema)


@dataclass(frozen=True, slots=True)
class Recipe:
    """How another process opens the same recorder."""

    models: ModelSettings
    chosen: "Chosen | None"
    """A method that drops tokens, where it was handed over as an object."""
    classes: tuple[Class, ...]
    pipeline: str
    """Where that of the words lies."""
    annotator: AnnotatorAbout
    """How it reads, which all texts decide together."""
    plan: Plan
    folder: Folder

    def opened(self) -> Recorder:
        """The recorder.

        Raises:
            AuditError: Models or pipeline cannot be opened, as they could by who wrote the recipe.
        """
        from auditkit.bench.opening import open_bench
        from auditkit.ltp.checkpoints import quiet

        quiet()
        bench = open_bench(self.models, self.chosen).grouped(self.classes)
        annotator = load_annotator(self.pipeline).reading(self.annotator)
        return Recorder(bench, annotator, self.plan, self.folder)


def record_in_turn(
    recorder: Recorder, lots: Sequence[Lot], on_documents: Callable[[int], None]
) -> None:
    """Record lots one after the other; `on_documents` is told how many documents are done."""
    before = 0
    for lot in lots:
        recorder(lot, lambda count, before=before: on_documents(before + count))  # type: ignore[misc]
        before += len(lot.examples)
        on_documents(before)
