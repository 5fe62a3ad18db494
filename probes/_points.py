"""The points of a part of what `Cluster.measure` gives."""

import numpy as np
import pandas as pd

from auditkit.plugin import Trace
from auditkit.stats.clusters import Points

SETS = KEPT, DROPPED, RANDOM = ("kept tokens", "dropped tokens", "random tokens")
DOCUMENT = "documents"
"""The set of points that are whole documents."""
STATE, INPUT = ("state", "input")


def points_of(trace: Trace, measured: pd.DataFrame) -> Points:
    """The points of a part of the measured table, classes those of the gold labels."""
    documents = trace.documents
    code, ids = pd.factorize(measured["example_id"], sort=True)
    label = np.array([int(documents.label[documents.row_of(str(one))]) for one in ids])
    vectors = np.stack(measured["vector"].to_list()).astype(np.float32)
    return Points.of(vectors, code.astype(np.int64), label[code])
