"""Do kept tokens, and documents, lie together by class?"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from auditkit.plugin import (
    ENGINE,
    GOLD,
    PRUNING,
    BenchView,
    Finding,
    Place,
    Positive,
    Rows,
    Trace,
    answer,
    not_applicable,
)
from auditkit.probes._clusters import (
    CHARTS,
    claim_of_clusters,
    cluster_rows,
    clusters_table,
    conclusions_of_clusters,
)
from auditkit.probes._maps import maps
from auditkit.probes._others import generator
from auditkit.probes._points import DOCUMENT, INPUT, KEPT, SETS, STATE
from auditkit.probes._spread import spread_rows, spread_table
from auditkit.stats.cells import reference_layer

MEASURED = ("example_id", "position", "word", "set", "space", "arm", "vector")
READ = ("example_id", "position", "word", "special", "depth")
FEWEST_TOKENS = 50

CAVEATS = (
    "A t-SNE shows who is whose neighbour, and little else: how far apart clusters lie, how large "
    "and how dense they look, and that there are any at all follows from its settings too. Claims "
    "rest on the space that it was made of.",
    "Tokens are compared in the states after the reference layer with nothing dropped: of a "
    "dropped token the pruned model has none. Input embeddings are the control: what classes "
    "differ by there is the choice of words, not the model's doing.",
    "Nearness is the cosine; a token of the same document is nobody's neighbour, as it has its "
    "class by construction.",
)


@dataclass(frozen=True)
class Cluster:
    """Purity of neighbourhoods, silhouettes and spread by class, and t-SNE pictures beside them."""

    name: ClassVar[str] = "cluster"
    version: ClassVar[str] = "2"
    question: ClassVar[str] = "Do kept tokens lie together by class, more than others?"
    needs: ClassVar[frozenset[str]] = frozenset({ENGINE, GOLD, PRUNING})
    place: ClassVar[Place] = Place(1, 5)

    documents: Rows = 500
    """How many to ask about, each class with its share."""
    tokens: Positive = 4
    """Tokens of a document at most: kept, dropped and random ones, as many of each."""
    neighbours: Positive = 10

    def measure(self, bench: BenchView) -> pd.DataFrame | None:
        """Hidden states of the sampled documents and of some of their tokens.

        Returns:
            Columns `MEASURED`: set is kept, dropped, random or document; space is state (after the
            reference layer, after the last of a document) or input; vector a list of float32.
        """
        sample = bench.stratified_sample(self.documents)
        if not sample:
            return None
        (audited,) = bench.about.in_role("audited")
        unpruned = bench.about.unpruned[0]
        layer = reference(bench)
        chosen = pd.DataFrame(
            place
            for tokens in bench.scan("tokens", READ, sample)
            for example_id, own in tokens[~tokens["special"]].groupby("example_id", sort=True)
            for place in self._chosen(bench.about.seed, str(example_id), own, layer)
        )
        spaces = ((STATE, layer), (INPUT, 0)) if len(chosen) else ()
        arms = (audited, *bench.about.in_role("reference"))
        there = chosen["example_id"].nunique() if len(chosen) else 0
        bench.expect(len(spaces) * there + len(arms) * len(sample))
        frames = []
        for space, depth in spaces:
            states = bench.token_states(unpruned, chosen[["example_id", "position"]], depth)
            frames.append(chosen.assign(space=space, arm=unpruned, vector=list(states)))
        of_documents = {
            "example_id": sample, "position": 0, "word": -1, "set": DOCUMENT, "space": STATE,
        }  # fmt: skip
        for arm in arms:
            vectors = list(bench.document_states(arm, sample))
            frames.append(pd.DataFrame(of_documents).assign(arm=arm, vector=vectors))
        return pd.concat(frames, ignore_index=True)[list(MEASURED)]

    def _chosen(
        self, seed: int, example_id: str, tokens: pd.DataFrame, layer: int
    ) -> Iterator[dict[str, Any]]:
        """As many kept, dropped and random tokens of a document; none where all went or stayed."""
        kept = tokens["depth"].to_numpy() >= layer
        count = min(self.tokens, int(kept.sum()), int((~kept).sum()))
        rng = generator(seed, example_id, "cluster")
        everyone = np.ones(len(kept), dtype=bool)
        for name, there in zip(SETS, (kept, ~kept, everyone), strict=True):
            for row in np.sort(rng.permutation(np.flatnonzero(there))[:count]):
                at = tokens.iloc[row]
                yield {
                    "example_id": example_id, "position": int(at["position"]),
                    "word": int(at["word"]), "set": name,
                }  # fmt: skip

    def analyse(self, trace: Trace, rng: np.random.Generator) -> Finding:
        """Purity and silhouette of each set against chance and random tokens; spread by class."""
        measured = trace.measured(self.name)
        if measured is None or measured.empty:
            return not_applicable(self, "no states were measured in this run")
        kept = int(((measured["set"] == KEPT) & (measured["space"] == STATE)).sum())
        enough = kept >= FEWEST_TOKENS
        rows = cluster_rows(trace, measured, self.neighbours, enough=enough)
        spreads = spread_rows(trace, measured, enough=enough)
        pictures = maps(trace, measured, int(rng.integers(2**31)), enough=enough)
        told = [] if enough else [
            f"Fewer than {FEWEST_TOKENS} kept tokens ({kept}) in documents that also drop some: "
            "nothing is said of tokens."
        ]  # fmt: skip
        return answer(
            self,
            claim_of_clusters(rows, spreads),
            tables=[clusters_table(rows, self.neighbours), spread_table(spreads), *pictures],
            conclusions=conclusions_of_clusters(rows),
            charts=[chart for chart in CHARTS if chart.table in {p.name for p in pictures}],
            caveats=(*told, *CAVEATS),
        )


def reference(bench: BenchView) -> int:
    """The reference layer of the run."""
    return reference_layer(bench.documents.pieces, bench.documents.kept)
