"""The documents of one shard on their way to the tables of the trace."""

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from auditkit.bench.subjects import Answer, Bench, random_depths
from auditkit.data.annotate import Annotator, Word, align
from auditkit.data.examples import Example
from auditkit.trace.tables import TABLES


@dataclass(frozen=True, slots=True)
class RandomControl:
    """Which documents of the shard the arm `random` runs on, and how often."""

    seed: int
    draws: int
    sample: Sequence[int]


class Shard:
    """Documents, what the models say of them, and the words that they are made of."""

    def __init__(
        self,
        bench: Bench,
        annotator: Annotator,
        examples: Sequence[Example],
        control: RandomControl,
    ) -> None:
        self.bench, self.examples, self.control = bench, examples, control
        self.sample = control.sample
        texts = [example.text for example in examples]
        self.documents = bench.encode(texts)
        self.words = list(annotator.annotate(texts))

    def tables(self, on_documents: Callable[[int], None]) -> dict[str, pd.DataFrame]:
        """All tables; `on_documents` is told how far the shard is, in documents."""
        arms = self.bench.arms
        work = len(arms) * len(self.examples) + self.control.draws * len(self.sample)
        seen = 0

        def on_batch(count: int) -> None:
            nonlocal seen
            seen += count
            on_documents(seen * len(self.examples) // work)

        answers = {
            arm: self.bench.answer(arm, self.documents, on_batch=on_batch) for arm in sorted(arms)
        }
        pruned = answers["pruned"]
        draws = [self._draw(draw, pruned, on_batch) for draw in range(self.control.draws)]
        of_word = [
            align(words, document.spans)
            for words, document in zip(self.words, self.documents, strict=True)
        ]
        return {
            "examples": self._examples(of_word),
            "groups": self._groups(),
            "predictions": self._predictions(answers, draws),
            "tokens": self._tokens(of_word, pruned),
            "random": self._random(draws),
            "words": self._words(of_word, pruned),
            "costs": self._costs(answers),
        }

    def _draw(
        self, draw: int, pruned: Sequence[Answer], on_batch: Callable[[int], None]
    ) -> list[Answer]:
        """One random draw on the sampled documents: the tokens' fates shuffled, then followed."""
        documents = [self.documents[i] for i in self.sample]
        depths = [
            random_depths(
                self.documents[i],
                pruned[i].depths,
                (self.control.seed, draw, zlib.crc32(self.examples[i].example_id.encode())),
            )
            for i in self.sample
        ]
        return self.bench.answer("random", documents, depths=depths, on_batch=on_batch)

    def _examples(self, of_word: Sequence[Sequence[int]]) -> pd.DataFrame:
        return pd.DataFrame(
            {
                "example_id": [e.example_id for e in self.examples],
                "text": [e.text for e in self.examples],
                "label": [e.label for e in self.examples],
                "tokens": [len(d.token_ids) for d in self.documents],
                "truncated": [d.truncated for d in self.documents],
                "words_cut": [
                    sum(word.char_start >= max(end for _, end in document.spans) for word in words)
                    if document.truncated
                    else 0
                    for words, document in zip(self.words, self.documents, strict=True)
                ],
            }
        )

    def _groups(self) -> pd.DataFrame:
        rows = [(e.example_id, column, value) for e in self.examples for column, value in e.groups]
        return pd.DataFrame(rows, columns=["example_id", "column", "value"], dtype=object)

    def _predictions(
        self, answers: Mapping[str, Sequence[Answer]], draws: Sequence[Sequence[Answer]]
    ) -> pd.DataFrame:
        rows = [
            (example.example_id, arm, 0, answer.probs, answer.predicted)
            for arm, of_arm in answers.items()
            for example, answer in zip(self.examples, of_arm, strict=True)
        ]
        rows += [
            (self.examples[i].example_id, "random", draw, answer.probs, answer.predicted)
            for draw, of_draw in enumerate(draws)
            for i, answer in zip(self.sample, of_draw, strict=True)
        ]
        return pd.DataFrame(rows, columns=["example_id", "arm", "draw", "probs", "predicted"])

    def _tokens(self, of_word: Sequence[Sequence[int]], pruned: Sequence[Answer]) -> pd.DataFrame:
        documents = self.documents
        return pd.DataFrame(
            {
                **self._keys(range(len(documents))),
                "token_id": np.concatenate([d.token_ids for d in documents]),
                "char_start": [start for d in documents for start, _ in d.spans],
                "char_end": [end for d in documents for _, end in d.spans],
                "word": np.concatenate(of_word),
                "special": np.concatenate([d.special for d in documents]),
                "depth": np.concatenate([answer.depths for answer in pruned]),
            }
        )

    def _random(self, draws: Sequence[Sequence[Answer]]) -> pd.DataFrame:
        frames = [
            pd.DataFrame(
                {
                    **self._keys(self.sample),
                    "draw": draw,
                    "depth": np.concatenate([answer.depths for answer in of_draw]),
                }
            )
            for draw, of_draw in enumerate(draws)
            if of_draw
        ]
        empty = pd.DataFrame({"example_id": [], "position": [], "draw": [], "depth": []})
        return pd.concat(frames) if frames else empty.astype({"example_id": object})

    def _keys(self, indices: Sequence[int]) -> dict[str, Any]:
        """Columns example_id and position of all tokens of these documents."""
        sizes = [len(self.documents[i].token_ids) for i in indices]
        ids = np.array([self.examples[i].example_id for i in indices], dtype=object)
        return {
            "example_id": np.repeat(ids, sizes),
            "position": np.concatenate([np.arange(size) for size in sizes]),
        }

    def _words(self, of_word: Sequence[Sequence[int]], pruned: Sequence[Answer]) -> pd.DataFrame:
        """Words that the model read a piece of; a word is there while any of its pieces is."""
        rows: list[tuple[Any, ...]] = []
        for example, words, owner, answer in zip(
            self.examples, self.words, of_word, pruned, strict=True
        ):
            owners = np.asarray(owner)
            inside = owners >= 0
            pieces = np.bincount(owners[inside], minlength=len(words))
            depth = np.zeros(len(words), dtype=np.int8)
            np.maximum.at(depth, owners[inside], answer.depths[inside])
            rows += [
                _word_row(example.example_id, int(i), words[int(i)], int(pieces[i]), int(depth[i]))
                for i in np.flatnonzero(pieces)
            ]
        return pd.DataFrame(rows, columns=TABLES["words"].names)

    def _costs(self, answers: Mapping[str, Sequence[Answer]]) -> pd.DataFrame:
        frames = []
        for arm, like in (("baseline", "unpruned"), ("pruned", "pruned")):
            of_arm = answers[like]
            cost = self.bench.cost(like, of_arm)
            layers = len(cost.attention)
            lengths = np.stack([answer.lengths for answer in of_arm])  # (B, L + 1)
            frames.append(
                pd.DataFrame(
                    {
                        "example_id": np.repeat([e.example_id for e in self.examples], layers),
                        "arm": arm,
                        "layer": np.tile(np.arange(1, layers + 1), len(of_arm)),
                        "tokens_in": lengths[:, :-1].ravel(),
                        "tokens_out": lengths[:, 1:].ravel(),
                        "macs_attention": cost.attention.T.ravel(),
                        "macs_ffn": cost.ffn.T.ravel(),
                    }
                )
            )
        return pd.concat(frames)


def _word_row(example_id: str, index: int, word: Word, pieces: int, depth: int) -> tuple[Any, ...]:
    return (
        example_id, index, word.text, word.lower, word.char_start, word.char_end, word.upos,
        word.is_stop, word.entity, pieces, depth,
    )  # fmt: skip
