"""Pairs of texts that differ in who they speak of, and what an arm says of both."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from auditkit.plugin import TEMPLATES, About, BenchView
from auditkit.probes._swapping import Edit, Swapper, filled
from auditkit.stats.anytime import by_hash
from auditkit.text import sha256

NEAR = 3
"""Tokens on either side of a swapped word that are its neighbours."""
MEASURED = (
    "unit", "swap", "arm", "words", "groups_before", "groups_after", "before", "after", "moved",
    "depths_before", "depths_after", "near", "far",
)  # fmt: skip

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Counterpart:
    """A text, and the same text about another group."""

    unit: str
    """The document, or the template: what is resampled."""
    swap: str
    """The ground."""
    text: str
    other: str
    edits: tuple[Edit, ...]

    @property
    def words(self) -> str:
        """What was put in another's place, each pair of words once."""
        told = {
            f"{self.text[slice(*edit.span)]} → {self.other[slice(*edit.now)]}": None
            for edit in self.edits
            if edit.groups
        }
        return ", ".join(told)


def of_documents(bench: BenchView, most: int) -> Iterator[Counterpart]:
    """Documents with their counterparts: of each ground those whose ids have the lowest hashes.

    Which group takes the place of another follows from the document's id.
    """
    swaps = bench.swaps
    if swaps.language and of_another_language(bench.about, swaps.language):
        return
    ids = [str(one) for one in bench.documents.ids[by_hash(bench.documents.ids.tolist())]]
    swappers = [Swapper(ground, swaps) for ground in swaps.grounds]
    rank = {one: place for place, one in enumerate(ids)}
    found: dict[str, dict[int, Counterpart]] = {one.ground.name: {} for one in swappers}
    for example_id, text in bench.texts(ids):
        seeded = int.from_bytes(sha256(f"{bench.about.seed} {example_id}")[:8])
        for swapper in swappers:
            name, others = swapper.ground.name, len(swapper.ground.groups) - 1
            other, edits = swapper.swapped(text, 1 + seeded % others)
            if edits:
                own = found[name]
                own[rank[example_id]] = Counterpart(example_id, name, text, other, edits)
                if len(own) > 2 * most:  # of many documents no more texts are held than that
                    found[name] = dict(sorted(own.items())[:most])
    for own in found.values():
        yield from (pair for _, pair in sorted(own.items())[:most])


def of_another_language(about: About, language: str) -> bool:
    """Whether the texts are taken for ones of another language, by the pipeline and by their look.

    Args:
        about: What was recorded.
        language: Of the swaps, such as `en`.
    """
    fit = about.annotator.fit
    foreign = fit is not None and 2 * fit.foreign > fit.told
    return foreign or about.annotator.language not in ("", language)


def of_templates(bench: BenchView, most: int) -> Iterator[Counterpart]:
    """Every two groups in each template that has a form for both."""
    swaps = bench.swaps
    order = by_hash(list(swaps.templates))[:most] if swaps.templates else ()
    for at in sorted(int(place) for place in order):
        template = swaps.templates[at]
        asked = [(one.group, filled(template, one, swaps.language)) for one in swaps.identities]
        told = [(group, *found) for group, found in asked if found is not None]
        for (group, text, spans), (against, other, others) in combinations(told, 2):
            slots = zip(spans, others, strict=True)
            edits = tuple(Edit(span, now, (group, against)) for span, now in slots)
            yield Counterpart(f"template {at + 1}", TEMPLATES, text, other, edits)


def asked(bench: BenchView, pairs: Sequence[Counterpart], arms: Sequence[str]) -> pd.DataFrame:
    """What arms say of both texts of every pair.

    Args:
        bench: Whom to ask.
        pairs: One at least.
        arms: Those to ask.

    Returns:
        Columns `MEASURED`, a row a pair and arm: before and after are class indices; moved is half
        the sum of what the probabilities of all classes change by, which is |Δp| of two classes;
        depths are survival depths of the swapped words (the maximum over their pieces), near and
        far the mean |change| of depth within `NEAR` tokens of them and elsewhere, NaN of no token.
        Depths are given where both texts have the same pieces but for the swapped words, and these
        as many; else there are none, and near and far are NaN.
    """
    texts = pd.DataFrame({"text": [text for pair in pairs for text in (pair.text, pair.other)]})
    bench.expect(len(arms) * len(texts))
    rows = []
    for arm in arms:
        said = bench.read(arm, texts).to_dict("records")
        rows += [
            {
                "unit": pair.unit,
                "swap": pair.swap,
                "arm": arm,
                "words": pair.words,
                "before": was["predicted"],
                "after": now["predicted"],
                "moved": 0.5 * float(np.abs(np.subtract(was["probs"], now["probs"])).sum()),
                **_lived(pair, was, now),
            }
            for pair, was, now in zip(pairs, said[::2], said[1::2], strict=True)
        ]
    return pd.DataFrame(rows)[list(MEASURED)]


def _lived(pair: Counterpart, was: Mapping[Any, Any], now: Mapping[Any, Any]) -> dict[str, Any]:
    """Survival depths of swapped words in both texts, and what those of other tokens change by."""
    edits = [edit for edit in pair.edits if edit.groups]
    told = {
        "groups_before": [edit.groups[0] for edit in edits if edit.groups],
        "groups_after": [edit.groups[1] for edit in edits if edit.groups],
    }
    places = [(_inside(was["spans"], edit.span), _inside(now["spans"], edit.now))
              for edit in pair.edits]  # fmt: skip
    same = len(was["spans"]) == len(now["spans"]) and all(one == other for one, other in places)
    named = [one for (one, _), edit in zip(places, pair.edits, strict=True) if edit.groups]
    if not same or not all(named):  # of other pieces, or past what the models read
        return {**told, "depths_before": [], "depths_after": [], "near": np.nan, "far": np.nan}
    depths = [np.asarray(one["depths"], dtype=np.int64) for one in (was, now)]
    change = np.abs(depths[1] - depths[0])
    edited = np.array(sorted({at for one, _ in places for at in one}))
    tokens = np.array([i for i, (start, end) in enumerate(was["spans"]) if end > start])
    others = np.setdiff1d(tokens, edited)
    distance = np.abs(others[:, None] - edited[None, :]).min(axis=1) if len(others) else others
    near, far = change[others[distance <= NEAR]], change[others[distance > NEAR]]
    return {
        **told,
        "depths_before": [int(depths[0][one].max()) for one in named],
        "depths_after": [int(depths[1][one].max()) for one in named],
        "near": float(near.mean()) if near.size else np.nan,
        "far": float(far.mean()) if far.size else np.nan,
    }


def _inside(spans: Sequence[Span], span: Span) -> list[int]:
    """Positions of the tokens that overlap a span."""
    return [at for at, (start, end) in enumerate(spans) if max(start, span[0]) < min(end, span[1])]
