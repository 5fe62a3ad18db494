"""The documents of one shard on their way to the tables of the trace.

Shapes: B documents of the shard, n tokens of one, L layers.
"""

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from auditkit.bench.context import tagged, words_past
from auditkit.bench.subjects import Answer, Bench
from auditkit.data.annotate import Annotator, align
from auditkit.data.examples import Example
from auditkit.record.plan import Plan
from auditkit.trace import OPTIONAL, TABLES, arm, keys
from auditkit.trace.tables import COSTED

if TYPE_CHECKING:
    from auditkit.ltp.cost import Cost

_SAME_COST = {"baseline": "unpruned", "pruned": "pruned"}
"""By arm whose MACs are counted: the arm that has its shape, and is run whether it is or not."""

OnBatch = Callable[[int], None]
"""Told how many documents an arm has answered."""


@dataclass(frozen=True, slots=True)
class Said:
    """What one draw of an arm said of the documents that it was run on."""

    arm: str
    draw: int
    rows: Sequence[int]
    """Which of the part's documents."""
    answers: Sequence[Answer]


class Part:
    """Some documents, what the models say of them, and the words that they are made of."""

    def __init__(
        self,
        bench: Bench,
        annotator: Annotator,
        examples: Sequence[Example],
        plan: Plan,
    ) -> None:
        """Tokenize and annotate the documents.

        Args:
            bench: The models.
            annotator: What tags the words.
            examples: The documents.
            plan: Which arms are run on which documents of the data set.
        """
        self.bench, self.examples, self.plan = bench, examples, plan
        texts = [example.text for example in examples]
        self.ids = np.array([example.example_id for example in examples], dtype=object)
        self.documents = bench.read(examples)
        self.words = list(annotator.annotate(map(tagged, texts, self.documents)))
        self.words_cut = [
            words_past(annotator, text, words, document)
            for text, words, document in zip(texts, self.words, self.documents, strict=True)
        ]
        self.of_word = [
            np.asarray(align(words, document.spans))
            for words, document in zip(self.words, self.documents, strict=True)
        ]

    def tables(self, on_documents: Callable[[int], None]) -> dict[str, pd.DataFrame]:
        """All tables; `on_documents` is told how far the part is, in documents."""
        said = self._asked(on_documents)
        depths = [answer.depths for answer in said[self.plan.audited].answers]
        costs = {name: cost for name, same in _SAME_COST.items() if same in said
                 and (cost := self.bench.cost(same, said[same].answers))}  # fmt: skip
        return {
            "documents": self._documents(said, depths, costs),
            "texts": pd.DataFrame(
                {"example_id": self.ids, "text": [e.text for e in self.examples]}
            ),
            "tokens": self._tokens(depths),
            "depths": self._depths(said),
            "words": self._words(depths),
            "costs": self._costs(said, costs),
            **({"rationales": self._rationales()} if self.plan.rationales else {}),
        }

    def _asked(self, on_documents: Callable[[int], None]) -> dict[str, Said]:
        """Every draw of every arm, by what its columns end in."""
        count, said = len(self.examples), dict[str, Said]()
        rows = {run.name: self.plan.rows(run.name, self.ids.tolist()) for run in self.plan.runs}
        work = sum(run.draws * len(rows[run.name]) for run in self.plan.runs)
        seen = 0

        def on_batch(documents: int) -> None:
            nonlocal seen
            seen += documents
            on_documents(seen * count // (work + 1))  # the last one is done when all is written

        for run in self.plan.runs:
            for draw, key in enumerate(keys(run.name, run.draws)):
                mine, depths = rows[run.name], None
                if arm(run.name).pruning == "follow":
                    audited = said[self.plan.audited].answers
                    depths = [self._dealt(i, audited[i], draw) for i in mine]
                documents = [self.documents[i] for i in mine]
                answers = self.bench.answer(run.name, documents, depths=depths, on_batch=on_batch)
                said[key] = Said(run.name, draw, mine, answers)
        return said

    def _dealt(self, row: int, audited: Answer, draw: int) -> np.ndarray:
        """(n,) int8: the depths of a document's tokens dealt anew, other ones in every draw."""
        from auditkit.bench.ltp_subject import random_depths

        document = self.documents[row]
        seed = (self.plan.seed, draw, zlib.crc32(document.example_id.encode()))
        return random_depths(document, audited.depths, seed)

    def _documents(
        self, said: Mapping[str, Said], depths: Sequence[np.ndarray], costs: Mapping[str, "Cost"]
    ) -> pd.DataFrame:
        special = [document.special for document in self.documents]
        groups = [dict(example.groups) for example in self.examples]
        return pd.DataFrame(
            {
                "example_id": self.ids,
                "label": [e.label for e in self.examples],
                "tokens": [len(d.token_ids) for d in self.documents],
                "truncated": [d.truncated for d in self.documents],
                "words_cut": self.words_cut,
                "pieces": [int((~ends).sum()) for ends in special],
                "kept": self._alive(depths, [~ends for ends in special]),
                "special_kept": self._alive(depths, special),
                **{
                    f"group:{column}": [group.get(column, "") for group in groups]
                    for column in self.plan.group_columns
                },
                **{name: values for key in said for name, values in self._told(key, said[key])},
                **{
                    f"macs_{name}": costs[name].total if name in costs else 0  # 0: not counted
                    for name in COSTED
                },
            }
        )

    def _told(self, key: str, said: Said) -> list[tuple[str, pd.Series]]:
        """Columns of an arm's predictions, null where it was not run."""
        by_row = dict(zip(said.rows, said.answers, strict=True))
        answers = list(map(by_row.get, range(len(self.examples))))
        predicted = [None if answer is None else answer.predicted for answer in answers]
        probs = [None if answer is None else answer.probs for answer in answers]
        return [
            (f"predicted_{key}", pd.Series(predicted, dtype=object)),
            (f"probs_{key}", pd.Series(probs, dtype=object)),
        ]

    def _alive(self, depths: Sequence[np.ndarray], among: Sequence[np.ndarray]) -> list[np.ndarray]:
        """By document (L,) int32: how many of these tokens are alive after each layer."""
        after = np.arange(1, self.bench.model.about.layers + 1)[:, None]
        both = zip(depths, among, strict=True)
        return [(depth[mine] >= after).sum(axis=1, dtype=np.int32) for depth, mine in both]

    def _rationales(self) -> pd.DataFrame:
        rows = [(e.example_id, *span) for e in self.examples for span in e.rationale]
        return pd.DataFrame(rows, columns=OPTIONAL["rationales"].names)

    def _tokens(self, depths: Sequence[np.ndarray]) -> pd.DataFrame:
        documents = self.documents
        return pd.DataFrame(
            {
                **self._positions(range(len(documents))),
                "token_id": np.concatenate([d.token_ids for d in documents]),
                "char_start": [start for d in documents for start, _ in d.spans],
                "char_end": [end for d in documents for _, end in d.spans],
                "word": np.concatenate(self.of_word),
                "special": np.concatenate([d.special for d in documents]),
                "depth": np.concatenate(depths),
            }
        )

    def _depths(self, said: Mapping[str, Said]) -> pd.DataFrame:
        """Of the arms that are run on a sample."""
        frames = [
            pd.DataFrame(
                {
                    **self._positions(one.rows),
                    "arm": one.arm,
                    "draw": one.draw,
                    "depth": np.concatenate([answer.depths for answer in one.answers]),
                }
            )
            for one in said.values()
            if one.arm in self.plan.samples and one.rows
        ]
        return pd.concat(frames) if frames else pd.DataFrame(columns=TABLES["depths"].names)

    def _positions(self, rows: Sequence[int]) -> dict[str, Any]:
        """Columns example_id and position of all tokens of these documents."""
        sizes = [len(self.documents[row].token_ids) for row in rows]
        return {
            "example_id": np.repeat(self.ids[list(rows)], sizes),
            "position": np.concatenate([np.arange(size) for size in sizes]),
        }

    def _words(self, depths: Sequence[np.ndarray]) -> pd.DataFrame:
        """Words that the model read a piece of; a word is there while any of its pieces is."""
        rows: list[dict[str, Any]] = []
        for example_id, words, owners, depth in zip(
            self.ids, self.words, self.of_word, depths, strict=True
        ):
            inside = owners >= 0
            pieces = np.bincount(owners[inside], minlength=len(words))
            longest = np.zeros(len(words), dtype=np.int8)
            np.maximum.at(longest, owners[inside], depth[inside])
            for i in map(int, np.flatnonzero(pieces)):
                word = words[i]
                rows.append(
                    {"example_id": example_id, "word": i, "text": word.text, "lower": word.lower,
                     "char_start": word.char_start, "char_end": word.char_end, "upos": word.upos,
                     "is_stop": word.is_stop, "entity": word.entity, "pieces": int(pieces[i]),
                     "depth": int(longest[i])}
                )  # fmt: skip
        return pd.DataFrame(rows, columns=TABLES["words"].names)

    def _costs(self, said: Mapping[str, Said], costs: Mapping[str, "Cost"]) -> pd.DataFrame:
        frames = []
        for name, cost in costs.items():
            lengths = np.stack([answer.lengths for answer in said[_SAME_COST[name]].answers])
            layers = len(cost.attention)
            frames.append(
                pd.DataFrame(
                    {
                        "example_id": np.repeat(self.ids, layers),
                        "arm": name,
                        "layer": np.tile(np.arange(1, layers + 1), len(self.ids)),
                        "tokens_in": lengths[:, :-1].ravel(),  # of (B, L + 1)
                        "tokens_out": lengths[:, 1:].ravel(),
                        "macs_attention": cost.attention.T.ravel(),
                        "macs_ffn": cost.ffn.T.ravel(),
                    }
                )
            )
        return pd.concat(frames) if frames else pd.DataFrame(columns=TABLES["costs"].names)
