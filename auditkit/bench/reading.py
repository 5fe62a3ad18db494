"""What arms say of texts that are no documents of the run."""

from collections.abc import Callable

import pandas as pd

from auditkit.bench.subjects import Bench


def read(
    bench: Bench, arm: str, texts: pd.DataFrame, counting: Callable[[int], Callable[[int], None]]
) -> pd.DataFrame:
    """`BenchView.read`; equal texts are read once.

    Args:
        bench: Whose arm is asked.
        arm: One that runs on all documents.
        texts: Column text.
        counting: Told how many texts there are, gives what is told the size of every batch.
    """
    once = list(dict.fromkeys(texts["text"]))
    documents = bench.encode(once)
    answers = bench.answer(arm, documents, on_batch=counting(len(once)))
    place = {text: at for at, text in enumerate(once)}
    at = [place[text] for text in texts["text"]]

    def column(values: list[object]) -> pd.Series:
        return pd.Series(values, index=texts.index, dtype=object)

    return texts.assign(
        predicted=[answers[i].predicted for i in at],
        probs=column([answers[i].probs.tolist() for i in at]),
        spans=column([documents[i].spans for i in at]),
        depths=column([answers[i].depths.tolist() for i in at]),
    )
