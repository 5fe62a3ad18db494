"""Whether classes that nothing but their order matches are in the model's order.

A model that was trained on the classes of the data is right more often than whoever always says the
largest of them; under another order it is hardly ever right.
"""

from collections import Counter
from collections.abc import Sequence

from auditkit.bench.subjects import Bench
from auditkit.data.classes import Matching
from auditkit.data.examples import Dataset, Example
from auditkit.errors import DataError

TRIED = 256
"""Documents on which the order is tried."""


def check_bench(bench: Bench, dataset: Dataset, seed: int) -> None:
    """Try the order on the unpruned model of a bench, the baseline if there is one.

    Raises:
        DataError: It cannot be the right one.
    """
    if dataset.matching.assumed:
        arm = "baseline" if "baseline" in bench.arms else "unpruned"
        tried = dataset.sample(TRIED, seed, 5)
        answers = bench.answer(arm, bench.read(tried))
        hits = [said.predicted == gold.label for said, gold in zip(answers, tried, strict=True)]
        _check(dataset.matching, f"the arm {arm}", sum(hits), tried)


def check_baseline(name: str, dataset: Dataset, seed: int, max_length: int) -> None:
    """Make sure that the classes of the data can be those of a baseline to prune.

    Args:
        name: Where it lies.
        dataset: To train on.
        seed: Of the sample.
        max_length: Tokens that are read of a document.

    Raises:
        CheckpointError: It cannot be opened.
        DataError: Several of its classes are one in the data, or the order cannot be the right one.
    """
    for one in dataset.matching.classes:
        if len(one.model) > 1:
            raise DataError(
                f"--labels makes one class {one.name} of several of {name}, which a training "
                "cannot; merge classes of the data alone, or train from a --backbone"
            )
    if dataset.matching.assumed:
        from auditkit.ltp.checkpoints import load_baseline
        from auditkit.ltp.inference import evaluate
        from auditkit.ltp.tokenizers import load_tokenizer
        from auditkit.ltp.tokenizing import tokenize

        tried = dataset.sample(TRIED, seed, 5)
        texts, labels = [e.text for e in tried], [e.label for e in tried]
        ids = [found.ids for found in tokenize(load_tokenizer(name), texts, max_length)]
        found = evaluate(load_baseline(name), ids, labels, pruning="off")
        _check(dataset.matching, name, round(found.accuracy * len(tried)), tried)


def _check(matching: Matching, model: str, right: int, tried: Sequence[Example]) -> None:
    (largest, most), *_ = Counter(example.label for example in tried).most_common(1)
    if right <= most:
        raise DataError(
            f"{matching.told}; so {model} is right in {right} of {len(tried)} documents, and "
            f"whoever always says {matching.classes[largest].name} in {most}: say which is which "
            "with --labels MODEL=DATA,…"
        )
