"""What arms say of texts: of documents of the run once more, and of texts that are none."""

from collections.abc import Callable, Mapping

import pandas as pd

from auditkit.bench.counting import Counting
from auditkit.bench.subjects import Bench


def asked(
    bench: Bench, arm: str, texts: Mapping[str, str], on_batch: Callable[[int], None]
) -> pd.DataFrame:
    """`BenchView.ask` of a bench in the precision asked for.

    Args:
        bench: Whose arm is asked.
        arm: One that runs on all documents.
        texts: By example id.
        on_batch: Told the number of documents after every batch.
    """
    answers = bench.answer(arm, bench.encode(list(texts.values())), on_batch=on_batch)
    return pd.DataFrame(
        {
            "example_id": list(texts),
            "predicted": [answer.predicted for answer in answers],
            "depths": [answer.depths.tolist() for answer in answers],
        }
    )


def read(bench: Bench, arm: str, texts: pd.DataFrame, counting: Counting) -> pd.DataFrame:
    """`BenchView.read`; texts of the same tokens are read once, such as those of other case.

    Args:
        bench: Whose arm is asked.
        arm: One that runs on all documents.
        texts: Column text.
        counting: Told how many texts there are, and how many of them are read.
    """
    once = list(dict.fromkeys(texts["text"]))
    documents = bench.encode(once)
    unlike = {tuple(document.token_ids): document for document in documents}
    said = bench.answer(arm, list(unlike.values()), on_batch=counting(len(texts), len(unlike)))
    known = dict(zip(unlike, said, strict=True))
    answers = [known[tuple(document.token_ids)] for document in documents]
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
