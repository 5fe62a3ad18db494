"""What a probe may ask of the models while it measures."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from auditkit.plugin.swaps import Swaps
from auditkit.trace import About, Documents


class GlossaryTerm(NamedTuple):
    """A domain term that the user supplied."""

    term: str
    label: int | None = None
    """The class index that it is a term of; None: of every class."""


class IdentityTerm(NamedTuple):
    """A word or phrase by which texts speak of a group of people."""

    term: str
    """In lower case."""
    group: str
    """Such as muslims."""
    category: str
    """What kind of groups it is one of, such as religion."""


class BenchView(Protocol):
    """What `measure` may ask for; of an arm that cannot be asked an error names those that can.

    All frames are keyed by `example_id`; positions are token positions of the trace.
    """

    @property
    def about(self) -> About:
        """What the trace holds."""
        ...

    @property
    def glossary(self) -> tuple[GlossaryTerm, ...]:
        """Terms that the user supplied (`--glossary`)."""
        ...

    @property
    def lexicon(self) -> tuple[IdentityTerm, ...]:
        """Terms of groups of people (`--lexicon`)."""
        ...

    @property
    def swaps(self) -> Swaps:
        """Words that can stand for one another, and templates (`--swaps`)."""
        ...

    @property
    def attribution_sample(self) -> int:
        """How many documents to attribute (`--attribution-sample`)."""
        ...

    @property
    def documents(self) -> Documents:
        """The documents of the run, without their texts."""
        ...

    def texts(self, example_ids: Sequence[str]) -> Iterator[tuple[str, str]]:
        """Id and text of these documents, shard by shard."""
        ...

    def scan(
        self, name: str, columns: Sequence[str] | None = None, ids: Iterable[str] | None = None
    ) -> Iterator[pd.DataFrame]:
        """A table of the run, such as `words`, shard by shard: `Trace.scan`."""
        ...

    @property
    def stop_words(self) -> frozenset[str]:
        """Those of the pipeline's language, in lower case."""
        ...

    def training_words(self) -> pd.DataFrame | None:
        """Words of the training texts: columns label (int), lower (str), count (int).

        The texts are those of `--training-data`, else of the data set's own training split. Counts
        are numbers of occurrences over all of them. None: there are none.
        """
        ...

    def stratified_sample(self, size: int, among: Iterable[str] | None = None) -> list[str]:
        """`size` example ids (or all), each class with its share, seeded.

        Args:
            size: How many.
            among: Example ids to draw from; None: all.
        """
        ...

    def expect(self, questions: int) -> None:
        """Say how much is asked in all, so that people see how far it is.

        Documents, texts and changes count alike, one for each that is handed to one of the methods
        below. Without it a probe that asks more than once is shown a count alone.
        """
        ...

    def attribute(
        self, arms: Sequence[str], methods: Sequence[str], example_ids: Sequence[str]
    ) -> pd.DataFrame:
        """Attributions of the class that the pruned model predicts, to tokens, without pruning.

        A run that is cut off goes on with the documents that it has; so ask for all at once.

        Args:
            arms: Whose weights, of those that drop no tokens: `unpruned`, `baseline`.
            methods: `integrated_gradients`, `input_x_gradient` (both summed over the embedding) or
                `leave_one_out` (what the class's logit loses without the word, in equal parts to
                its pieces).
            example_ids: Documents to explain.

        Returns:
            Columns example_id, arm, method, position, attribution (signed), and convergence
            (|δ| / |f(x) − f(x′)| of the document; NaN where the method has none); sorted by
            example_id, and as asked within.
        """
        ...

    def ask(self, arm: str, example_ids: Sequence[str], dtype: str) -> pd.DataFrame:
        """What an arm says when it computes in another precision, on the same device.

        Args:
            arm: One that runs on all documents, such as `pruned`, `unpruned` or `baseline`.
            example_ids: Documents to ask about.
            dtype: `float32`, `bfloat16` or `float16`; the checkpoint is opened in it.

        Returns:
            Columns example_id, predicted (class index), and depths (list of the survival depths of
            the document's tokens, in order of position).
        """
        ...

    def padded(
        self,
        arm: str,
        example_ids: Sequence[str],
        batch_size: int,
        extra: int = 0,
        *,
        width: int = 0,
        side: str = "right",
        form: str = "model",
    ) -> pd.DataFrame:
        """What an arm says when it is called as a deployment calls it, in padded batches.

        Args:
            arm: One that drops tokens and runs on all documents: `pruned`.
            example_ids: Documents to ask about; batches are cut from them in the order of ids, so
                that documents of all lengths share one.
            batch_size: Documents a batch.
            extra: Tokens of padding beyond the longest document of a batch.
            width: Tokens that every batch is at least padded to.
            side: `right` or `left` of the document is the padding.
            form: `model` calls the checkpoint's own `model(input_ids, attention_mask)`. `masks` is
                the same rule in stock padded attention, where a dropped token is hidden and
                computed all the same; scores of `padded:N` are divided there by the padded length
                of the batch, as the original implementation does.

        Returns:
            In the order of ids, columns example_id, predicted (class index), probs (list of C
            floats), depths (list of the survival depths of the document's own tokens, in order of
            position), and returns (list: of each token, the layers in which it is attended to
            although an earlier one dropped it, or had nothing attend to it; None of the form
            `model`, which removes what it drops).
        """
        ...

    def scored(self, arm: str, example_ids: Sequence[str], factor: float = 1.0) -> pd.DataFrame:
        """What an arm decides by, in the audit's batches, with every threshold times `factor`.

        Args:
            arm: One that drops tokens and runs on all documents: `pruned`.
            example_ids: Documents to ask about.
            factor: 1 leaves the thresholds as they are. Nothing changes under the rule `topk`.

        Returns:
            In the order of ids, columns example_id, predicted, probs and depths as of `padded`;
            scores (list of L · n importance scores, layer by layer; 0 of a token that is not alive
            on entry, NaN in a layer that cannot drop any) and bounds (list of L: what the scores of
            a layer are compared with, factor included; NaN where there is no such number).
        """
        ...

    def read(self, arm: str, texts: pd.DataFrame) -> pd.DataFrame:
        """What an arm says of texts of the probe's own, such as documents with a word changed.

        Args:
            arm: One that runs on all documents, such as `pruned`, `unpruned` or `baseline`.
            texts: Column text; further columns are carried along.

        Returns:
            `texts` with predicted (class index), probs (list of C floats), and of each token as the
            models read the text spans (list of half-open pairs in code points; 0, 0 of special
            ones) and depths (list of survival depths), row by row.
        """
        ...

    def intervene(self, arm: str, changes: pd.DataFrame) -> pd.DataFrame:
        """What an arm says where tokens are kept, dropped or left unread against its own decisions.

        Args:
            arm: One that runs on all documents; `keep` and `drop` take one that drops tokens.
            changes: One row a question, any number of them a document. Columns example_id; do:
                `keep` (no layer drops these tokens), `drop` (the first layer drops them, so that
                they were attended to once) or `mask` (they are not read at all; all others keep
                their positions); positions: list of token positions, none of a special token. Of
                the others the arm decides as ever. Further columns are carried along.

        Returns:
            `changes` with predicted (class index) and probs (list of C floats), row by row.
        """
        ...

    def token_states(self, arm: str, places: pd.DataFrame, layer: int) -> NDArray[np.float32]:
        """Hidden states of tokens, with nothing dropped.

        Args:
            arm: One that drops no tokens, such as `unpruned` or `baseline`.
            places: Columns example_id and position.
            layer: After which layer, 1..L; 0: the word embeddings alone.

        Returns:
            (rows of `places`, D).
        """
        ...

    def document_states(self, arm: str, example_ids: Sequence[str]) -> NDArray[np.float32]:
        """The first token's state after the last layer, which a prediction is made of.

        Args:
            arm: One that runs on all documents, such as `pruned`, `unpruned` or `baseline`.
            example_ids: The documents.

        Returns:
            (documents, D).
        """
        ...
