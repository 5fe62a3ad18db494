"""Which words does the model go on reading?"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from auditkit.plugin import (
    PRUNING,
    Finding,
    Place,
    Positive,
    Rows,
    Trace,
    answer,
    not_applicable,
    word_cells,
)
from auditkit.probes._frequency import (
    Frequent,
    claim_of_words,
    cloud_charts,
    cloud_tables,
    populations,
    words_table,
)
from auditkit.probes._reader_words import CountTerms, ReaderWord, reader_words

CAVEATS = (
    "Words are told apart by their letters, whatever their case; numbers and years are one word "
    "each, and punctuation is none.",
    "What is kept most often follows from what is written most often. What pruning prefers is the "
    "lift: kept over what random keeping of as many pieces would keep. It knows nothing of where a "
    "word stands, and that the model reads a word on does not say that it leans on it.",
)


@dataclass(frozen=True)
class WordFrequency:
    """The most kept and most dropped words, and those kept far above and below chance, by class."""

    name: ClassVar[str] = "word_frequency"
    version: ClassVar[str] = "1"
    question: ClassVar[str] = "Which words are kept, and which more than chance would?"
    needs: ClassVar[frozenset[str]] = frozenset({"words", PRUNING})
    place: ClassVar[Place] = Place(1, 6)

    words: tuple[str, ...] = ()
    """Words to tell of whatever their rank, in every class and group that holds them."""
    top: Rows = 15
    """Words of each kind to tell of: most kept, most dropped, above chance, below chance."""
    most: Positive = 4000
    """Different words to count, the most frequent ones."""

    def analyse(self, trace: Trace, rng: np.random.Generator) -> Finding:
        """Words of all documents, of those answered rightly and wrongly, over all and by class."""
        counted: pd.DataFrame = trace.fold(CountTerms(), by=["term"])
        if counted.empty:
            return not_applicable(self, "the documents hold no words but punctuation")
        asked = frozenset(reader_words(list(self.words)))
        often = counted.sort_values(["words", "term"], ascending=[False, True], kind="stable")
        told = frozenset(often["term"].head(self.most).astype(str)) | asked
        rule = ReaderWord(tuple(sorted(told)))
        cells = word_cells(trace, rule, ["lower"], others=False)
        found = [Frequent.of(cells, who, at, asked, self.top) for who, at in populations(trace)]
        clouds = cloud_tables(trace, found)
        left = len(counted) - len(told & set(counted["term"].astype(str)))
        caveats = [f"Rarer words, {left:,} in number, are not told of."] if left else []
        return answer(
            self,
            claim_of_words(found[0]),
            tables=[words_table(trace, found, cells.reference), *clouds],
            charts=cloud_charts(clouds),
            caveats=(*CAVEATS, *caveats),
        )
