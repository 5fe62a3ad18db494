"""The one table that the probe `domain_term` measures, which holds three kinds of rows."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

TERM = ("term", "label", "source", "z", "weirdness", "fold")
"""Columns of a term of a class."""

HOLDER = ("example_id", "words")
"""Columns of a document that holds terms to intervene on: how many of its words belong to them."""

ANSWER = ("example_id", "do", "draw", "pieces", "predicted", "p_gold")
"""Columns of what the model says where something is done to some words of a document."""

KINDS: Mapping[str, tuple[str, ...]] = {"term": TERM, "holder": HOLDER, "answer": ANSWER}

_EMPTY: Mapping[str, str | int | float] = {
    "kind": "", "term": "", "label": -1, "source": "", "z": np.nan, "weirdness": np.nan,
    "fold": -1, "example_id": "", "words": 0, "do": "", "draw": -1, "pieces": 0, "predicted": -1,
    "p_gold": np.nan,
}  # fmt: skip
"""What stands in a column that is none of the row's kind; its type is that of the column."""


def joined(**parts: pd.DataFrame) -> pd.DataFrame:
    """Tables by kind as one, with the column `kind`."""
    frames = []
    for kind, part in parts.items():
        frame = part[list(KINDS[kind])].copy()
        frame["kind"] = kind
        for column in _EMPTY.keys() - set(frame.columns):
            frame[column] = _EMPTY[column]
        frames.append(frame[list(_EMPTY)])
    types = {c: type(v) for c, v in _EMPTY.items() if not isinstance(v, str)}
    return pd.concat([f for f in frames if len(f)] or frames[:1], ignore_index=True).astype(types)


def of_kind(measured: pd.DataFrame, kind: str) -> pd.DataFrame:
    """The rows of one kind, with its columns alone."""
    rows = measured.loc[measured["kind"] == kind, list(KINDS[kind])]
    return rows.reset_index(drop=True)
