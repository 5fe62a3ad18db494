"""Documents made by chance, many at a time, as the tables of a trace: for benchmarks.

`auditkit.testing.synthetic_trace` makes small traces for tests, token by token; this makes half a
thousand documents in a tenth of a second.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from auditkit.testing.words import HIDDEN, INTERMEDIATE
from auditkit.trace import keys

LAYERS, CLASSES, TYPES, DRAWS = 6, 4, 4000, 3
SAMPLES = {"random": 2000, "repeat": 256}
"""By arm: on how many documents it is run."""
ACCURACY = {"baseline": 0.93, "unpruned": 0.92, "pruned": 0.9, "random": 0.8}


def evenly(total: int, size: int) -> np.ndarray:
    """`size` of 0..total − 1 (or all), evenly spread."""
    return np.linspace(0, total - 1, min(size, total)).astype(int)


class Vocabulary:
    """Word types: some everywhere, some that mark a class."""

    def __init__(self, rng: np.random.Generator) -> None:
        syllables = [a + b for a in "bdfgklmnprst" for b in "aeiou"]
        names = {"".join(rng.choice(syllables, rng.integers(2, 5))) for _ in range(3 * TYPES)}
        self.text = np.array(sorted(names), dtype=object)[:TYPES]
        assert len(self.text) == TYPES
        rng.shuffle(self.text)
        self.stop = np.arange(TYPES) < 60
        tags = ["NOUN", "VERB", "ADJ", "PROPN", "ADV", "NUM"]
        content = rng.choice(tags, TYPES, p=[0.4, 0.2, 0.15, 0.15, 0.05, 0.05])
        function = rng.choice(["DET", "ADP", "PRON", "AUX", "CCONJ"], TYPES)
        self.upos = np.where(self.stop, function, content).astype(object)
        kinds = rng.choice(["PERSON", "ORG", "GPE"], TYPES)
        self.entity = np.where(self.upos == "PROPN", kinds, "").astype(object)
        self.pieces = np.where(self.stop, 1, rng.choice([1, 2, 3], TYPES, p=[0.7, 0.2, 0.1]))
        self.length = np.array([len(text) for text in self.text])
        often = 1 / (np.arange(TYPES) + 8.0)
        self.share = often / often.sum()

    def draw(self, rng: np.random.Generator, label: np.ndarray) -> np.ndarray:
        """A type for each word; one in ten is of the fifty that mark its document's class."""
        types = rng.choice(TYPES, len(label), p=self.share)
        marks = 1000 + 50 * label + rng.integers(50, size=len(label))
        return np.where(rng.random(len(label)) < 0.1, marks, types)


class Block:
    """Some documents, as arrays: B documents, W words, P pieces that are not special."""

    def __init__(self, vocabulary: Vocabulary, start: int, count: int, total: int) -> None:
        self.rng = rng = np.random.default_rng([1, start])
        self.vocabulary = vocabulary
        self.numbers = np.arange(start, start + count)
        self.ids = np.array([f"d{number:07d}" for number in self.numbers], dtype=object)
        self.label = self.numbers % CLASSES
        self.samples = {
            arm: np.flatnonzero(np.isin(self.numbers, evenly(total, size)))
            for arm, size in SAMPLES.items()
        }
        words = rng.integers(10, 41, size=count)
        self.owner = np.repeat(np.arange(count), words)  # (W,) the document
        self.word = _within(words)  # (W,) its number there
        self.types = vocabulary.draw(rng, self.label[self.owner])
        pieces = vocabulary.pieces[self.types]
        self.of_word = np.repeat(np.arange(len(pieces)), pieces)  # (P,) the word
        self.piece = _within(pieces)
        self.pieces = np.bincount(self.owner[self.of_word], minlength=count)  # (B,)
        keep = np.where(vocabulary.stop[self.types], 0.65, 0.82)[self.of_word]
        lives = np.log(rng.random(len(keep))) / np.log(keep)
        self.depth = np.minimum(lives, LAYERS).astype(np.int8)  # (P,)
        self.last = rng.integers(LAYERS + 1, size=count)  # (B,) of the special token at the end
        ends = np.cumsum(vocabulary.length[self.types] + 1) - 1  # (W,) as if of one text
        first = np.cumsum(words) - words
        shift = np.where(first > 0, ends[first - 1] + 1, 0)[self.owner]
        self.end = ends - shift
        self.start = self.end - vocabulary.length[self.types]

    def tables(self) -> dict[str, pd.DataFrame]:
        """All tables of a trace."""
        costs, macs = self._costs()
        return {
            "documents": self._documents(macs),
            "texts": self._texts(),
            "tokens": self._tokens(),
            "depths": self._depths(),
            "words": self._words(),
            "costs": costs,
        }

    def _alive(self) -> tuple[np.ndarray, np.ndarray]:
        """(B, L) int32 each: pieces and special tokens alive after every layer."""
        layers, first = np.arange(1, LAYERS + 1), np.cumsum(self.pieces) - self.pieces
        kept = np.add.reduceat(self.depth[:, None] >= layers, first, axis=0, dtype=np.int32)
        return kept, (1 + (self.last[:, None] >= layers)).astype(np.int32)

    def _documents(self, macs: Mapping[str, np.ndarray]) -> pd.DataFrame:
        kept, special = self._alive()
        columns: dict[str, Any] = {
            "example_id": self.ids, "label": self.label, "tokens": self.pieces + 2,
            "truncated": False, "words_cut": 0, "pieces": self.pieces, "kept": list(kept),
            "special_kept": list(special),
            "group:source": np.array(["a", "b"], dtype=object)[self.numbers % 2],
            **{f"macs_{arm}": of_arm for arm, of_arm in macs.items()},
        }  # fmt: skip
        difficulty = self.rng.random(len(self.ids))
        said = {arm: self._said(difficulty, right) for arm, right in ACCURACY.items()}
        draws = [self._said(difficulty, ACCURACY["random"]) for _ in range(DRAWS)]
        arms = {key: said[key] for key in ("baseline", "unpruned", "pruned")}
        arms |= dict(zip(keys("random", DRAWS), draws, strict=True)) | {"repeat": said["pruned"]}
        for key, (predicted, probs) in arms.items():
            rows = self.samples.get(key.split("_")[0], np.arange(len(self.ids)))
            ran = np.isin(np.arange(len(self.ids)), rows)
            columns[f"predicted_{key}"] = [
                c if r else None for c, r in zip(predicted, ran, strict=True)
            ]
            columns[f"probs_{key}"] = [p if r else None for p, r in zip(probs, ran, strict=True)]
        return pd.DataFrame(columns)

    def _said(self, difficulty: np.ndarray, accuracy: float) -> tuple[np.ndarray, np.ndarray]:
        """(B,) classes and (B, C) probabilities of an arm."""
        rng, count = self.rng, len(self.ids)
        shared = rng.random(count) < 0.9
        right = np.where(shared, difficulty, rng.random(count)) < accuracy
        other = (self.label + rng.integers(1, CLASSES, size=count)) % CLASSES
        predicted = np.where(right, self.label, other)
        probs = rng.random((count, CLASSES))
        probs /= 2 * probs.sum(axis=1, keepdims=True)
        probs[np.arange(count), predicted] += 0.5
        return predicted, probs.astype(np.float32)

    def _texts(self) -> pd.DataFrame:
        words = np.split(self.vocabulary.text[self.types], np.flatnonzero(self.word == 0)[1:])
        return pd.DataFrame({"example_id": self.ids, "text": [" ".join(one) for one in words]})

    def _tokens(self) -> pd.DataFrame:
        """Each document's pieces between two special tokens."""
        sizes = self.pieces + 2
        position = _within(sizes)
        last = position == np.repeat(sizes - 1, sizes)
        special = (position == 0) | last
        pieces, length = self.vocabulary.pieces[self.types], self.vocabulary.length[self.types]
        cut = [
            self.start[self.of_word]
            + length[self.of_word] * (self.piece + side) // pieces[self.of_word]
            for side in (0, 1)
        ]

        def column(of_pieces: np.ndarray, otherwise: int) -> np.ndarray:
            filled = np.full(len(special), otherwise)
            filled[~special] = of_pieces
            return filled

        depth = column(self.depth, LAYERS)
        depth[last] = self.last
        return pd.DataFrame(
            {
                "example_id": np.repeat(self.ids, sizes),
                "position": position,
                "token_id": column(3 * self.types[self.of_word] + self.piece + 200, 101),
                "char_start": column(cut[0], 0),
                "char_end": column(cut[1], 0),
                "word": column(self.word[self.of_word], -1),
                "special": special,
                "depth": depth,
            }
        )

    def _depths(self) -> pd.DataFrame:
        tokens = self._tokens()
        owner = np.repeat(np.arange(len(self.ids)), self.pieces + 2)
        frames = []
        for arm, draws in (("random", DRAWS), ("repeat", 1)):
            mine = np.isin(owner, self.samples[arm])
            own, who = tokens[mine], owner[mine]
            inner = ~own["special"].to_numpy()
            for draw in range(draws):
                depth = own["depth"].to_numpy().copy()
                if arm == "random":  # the pieces' depths dealt anew, document by document
                    turn = np.lexsort((self.rng.random(inner.sum()), who[inner]))
                    depth[inner] = depth[inner][turn]
                frames.append(
                    own[["example_id", "position"]].assign(arm=arm, draw=draw, depth=depth)
                )
        return pd.concat(frames)

    def _words(self) -> pd.DataFrame:
        known, types = self.vocabulary, self.types
        text = known.text[types]
        return pd.DataFrame(
            {
                "example_id": self.ids[self.owner],
                "word": self.word,
                "text": text,
                "lower": text,
                "char_start": self.start,
                "char_end": self.end,
                "upos": known.upos[types],
                "is_stop": known.stop[types],
                "entity": known.entity[types],
                "pieces": known.pieces[types],
                "depth": np.maximum.reduceat(self.depth, np.flatnonzero(self.piece == 0)),
            }
        )

    def _costs(self) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
        """The table, and MACs by arm (B,)."""
        kept, special = self._alive()
        whole = np.repeat((self.pieces + 2)[:, None], LAYERS + 1, axis=1)
        pruned = np.concatenate([whole[:, :1], kept + special], axis=1)
        frames, macs = [], {}
        for arm, alive in (("baseline", whole), ("pruned", pruned)):
            into, out = alive[:, :-1], alive[:, 1:]
            attention = 2 * HIDDEN * into**2 + 4 * HIDDEN**2 * into
            ffn = 2 * HIDDEN * INTERMEDIATE * out
            macs[arm] = (attention + ffn).sum(axis=1)
            frames.append(
                pd.DataFrame(
                    {
                        "example_id": np.repeat(self.ids, LAYERS),
                        "arm": arm,
                        "layer": np.tile(np.arange(1, LAYERS + 1), len(self.ids)),
                        "tokens_in": into.ravel(),
                        "tokens_out": out.ravel(),
                        "macs_attention": attention.ravel(),
                        "macs_ffn": ffn.ravel(),
                    }
                )
            )
        return pd.concat(frames), macs


def _within(sizes: np.ndarray) -> np.ndarray:
    """0, 1, … within each of consecutive groups of these sizes."""
    first = np.cumsum(sizes) - sizes
    within: np.ndarray = np.arange(sizes.sum()) - np.repeat(first, sizes)
    return within
