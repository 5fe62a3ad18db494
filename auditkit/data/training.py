"""Texts beside the audited ones, for probes to learn from: `--training-data`."""

from collections import Counter
from collections.abc import Callable, Sequence

import pandas as pd

from auditkit.data.annotate import Annotator
from auditkit.data.examples import Dataset, load_dataset
from auditkit.data.settings import DataSettings
from auditkit.errors import DataError
from auditkit.trace import TrainingAbout


def load_training(settings: DataSettings, label_names: Sequence[str]) -> Dataset | None:
    """The training file, read as a data set is, its labels matched as those of the audited data.

    Args:
        settings: Of the audited data; columns and labels that they name are those of the file too.
        label_names: The model's own classes.

    Returns:
        None where no file was given.

    Raises:
        DataError: As `load_dataset`.
    """
    if settings.training_data is None:
        return None
    given = {"dataset": str(settings.training_data), "split": "train", "limit": None, "groups": (),
             "unlabelled": False, "rationale_column": None}  # fmt: skip
    try:
        return load_dataset(settings.model_copy(update=given), label_names=label_names)
    except DataError as error:
        raise DataError(f"--training-data: {error}") from error


def about_training(training: Dataset, audited: Dataset) -> TrainingAbout:
    """What is told of the training file."""
    known = {example.text for example in training.examples}
    return TrainingAbout(
        name=training.name,
        sha256=training.sha256,
        text_column=training.text_column,
        label_column=training.label_column,
        rows_in=training.rows_in,
        refused=len(training.refused),
        audited=sum(example.text in known for example in audited.examples),
    )


def words_of(data: Dataset, annotator: Annotator, on_texts: Callable[[int], None]) -> pd.DataFrame:
    """Words of texts by class: columns label, lower, count.

    Args:
        data: The texts.
        annotator: Tells words.
        on_texts: Told how many texts more are done.
    """
    counts: Counter[tuple[int, str]] = Counter()
    texts = (example.text for example in data.examples)
    for example, keys in zip(data.examples, annotator.lexical_keys(texts), strict=True):
        counts.update((example.label, key) for key in keys)
        on_texts(1)
    rows = [(label, lower, count) for (label, lower), count in sorted(counts.items())]
    return pd.DataFrame(rows, columns=["label", "lower", "count"])
