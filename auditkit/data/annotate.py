"""Words of a text with part of speech, stop word and entity; the sole home of spaCy.

    text → `clean` → spaCy → Word

Words are tagged on a cleaned view of the text. Spans are half-open, in code points of the original.
"""

import re
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditkit.data.cleaning import CleanedView, clean
from auditkit.errors import AnnotationError
from auditkit.text import cut, said
from auditkit.trace import AnnotatorAbout

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc

PREFERRED = "en_core_web_sm"
ADVICE = f"a more accurate pipeline: python -m spacy download {PREFERRED}"

RELIABLE_F = 0.8
"""F of typed entities, as the pipeline's authors measured it, from which types are told apart."""

_TYPED = ("ents_f", "entity_f")
_UNUSED = ["parser", "lemmatizer", "trainable_lemmatizer", "senter", "entity_linker", "textcat",
           "textcat_multilabel", "spancat"]  # fmt: skip
_FIGURES = ("pos_acc", "tag_acc", "ents_f", "upos_ewt", "upos_gum", "upos_pud", "entity_f",
            "name_f", "entity_f_news", "name_f_news")  # fmt: skip
_BATCH = 16  # parts; with _PART it bounds the memory that a batch takes
_PART = re.compile(r".{1,4000}(?=\s|\Z)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Word:
    """One word: what spaCy calls a token, if it is not white space."""

    text: str
    """The slice of the original text."""
    lower: str
    """What spaCy saw, in lower case: the lexical key (`'s` for `#39;s`)."""
    char_start: int
    char_end: int
    upos: str
    """Universal part of speech."""
    is_stop: bool
    entity: str
    """The entity's type; "" outside of entities."""


class Annotator:
    """A loaded spaCy pipeline; get one from `load_annotator`."""

    def __init__(self, nlp: "Language", about: AnnotatorAbout) -> None:
        self.about = about
        self._nlp = nlp
        self._common = _lexicon() if nlp.lang == "en" else frozenset[str]()

    def annotate(self, texts: Iterable[str]) -> Iterator[tuple[Word, ...]]:
        """The words of every text, in order, streaming. White space and markup are no words."""
        words: list[Word] = []
        for doc, (text, view, start, last) in self._nlp.pipe(
            self._parts(texts), as_tuples=True, batch_size=_BATCH
        ):
            words += _words(doc, text, view.offsets[start : start + len(doc.text)])
            if last:
                yield tuple(words)
                words = []

    def lexical_keys(self, texts: Iterable[str]) -> Iterator[list[str]]:
        """Every text's words as their `lower` alone: many times faster, since nothing is tagged."""
        keys: list[str] = []
        for part, (_, _, _, last) in self._parts(texts):
            keys += [token.lower_ for token in self._nlp.make_doc(part) if not token.is_space]
            if last:
                yield keys
                keys = []

    def _parts(
        self, texts: Iterable[str]
    ) -> Iterator[tuple[str, tuple[str, CleanedView, int, bool]]]:
        """Every text's view in parts that spaCy can take; the last part of a text is marked."""
        for text in texts:
            view = clean(text, self._common)
            ends = [match.end() for match in _PART.finditer(view.text)] or [0]
            for start, end in zip([0, *ends], ends, strict=False):
                yield view.text[start:end], (text, view, start, end == ends[-1])


def load_annotator(spacy_model: str | None = None) -> Annotator:
    """Load the named pipeline; without a name `en_core_web_sm`, else the one that ships.

    Args:
        spacy_model: An installed pipeline, or the path of one. A path brings data alone: nothing
            but factories that are installed already is run.

    Raises:
        AnnotationError: spaCy cannot load it, or it tags no parts of speech.
    """
    import spacy

    name = spacy_model if spacy_model is not None else PREFERRED
    source = "path"
    if _installed(name):
        source = "installed"
    elif spacy_model is None:
        name, source = str(_data() / "pipeline"), "shipped"
    try:
        # Versions that do not match are told in `about.advice`.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            nlp = spacy.load(name, exclude=_UNUSED)
            tagged = any(token.pos_ for token in nlp("The cat sat on the mat."))
    except Exception as error:  # what a broken pipeline raises is anybody's guess
        reason = cut(said(error), 200)
        raise AnnotationError(f"spaCy cannot load {name!r}: {reason}; {_remedy()}") from error
    if not tagged:
        raise AnnotationError(
            f"the spaCy pipeline {name!r} tags no parts of speech (it has "
            f"{', '.join(nlp.pipe_names) or 'no components'}); {_remedy()}"
        )
    return Annotator(nlp, _about(nlp, source))


def align(words: Sequence[Word], spans: Sequence[tuple[int, int]]) -> list[int]:
    """The index of the word that each tokenizer piece belongs to: the one it overlaps most.

    Args:
        words: Words of a text, in order.
        spans: (char_start, char_end) of each piece in the original text, in order but for special
            tokens. Spans may repeat (a character split into bytes) and include a leading space.

    Returns:
        One index a span; the first word on ties, -1 for empty spans and pieces of no word.
    """
    owners, at = [], 0
    for start, end in spans:
        owner, most = -1, 0
        if start < end:
            while at > 0 and words[at - 1].char_end > start:
                at -= 1
            while at < len(words) and words[at].char_end <= start:
                at += 1
            for index in range(at, len(words)):
                if words[index].char_start >= end:
                    break
                overlap = min(end, words[index].char_end) - max(start, words[index].char_start)
                if overlap > most:
                    owner, most = index, overlap
        owners.append(owner)
    return owners


def _words(doc: "Doc", text: str, offsets: Sequence[tuple[int, int]]) -> Iterator[Word]:
    for token in doc:
        if token.is_space:
            continue
        start, end = offsets[token.idx][0], offsets[token.idx + len(token) - 1][1]
        yield Word(
            text=text[start:end],
            lower=token.lower_,
            char_start=start,
            char_end=end,
            upos=token.pos_,
            is_stop=token.is_stop,
            entity=token.ent_type_,
        )


def _about(nlp: "Language", source: str) -> AnnotatorAbout:
    from spacy.about import __version__
    from spacy.util import is_compatible_version

    meta: Mapping[str, Any] = nlp.meta
    measured = meta.get("performance")
    figures = measured if isinstance(measured, Mapping) else {}
    accuracy = {key: value for key in _FIGURES if (value := _share(figures.get(key))) is not None}
    advice = [ADVICE] if source == "shipped" else []
    made_for = str(meta.get("spacy_version", ""))
    if is_compatible_version(__version__, made_for) is False:  # None: not a version range
        advice.append(f"the pipeline was made for spaCy {made_for}, and {__version__} is installed")
    return AnnotatorAbout(
        name=f"{meta['lang']}_{meta['name']}",
        version=str(meta["version"]),
        source=source,
        accuracy=accuracy,
        entity_f_by_type=_by_type(figures.get("ents_per_type")),
        entity_types_reliable=max(accuracy.get(key, 0.0) for key in _TYPED) >= RELIABLE_F,
        advice="; ".join(advice),
    )


def _by_type(figures: object) -> dict[str, float]:
    """F by type of entity, where the pipeline has it."""
    types = figures if isinstance(figures, Mapping) else {}
    told = {
        str(kind): _share(scores.get("f")) if isinstance(scores, Mapping) else None
        for kind, scores in types.items()
    }
    return {kind: f for kind, f in sorted(told.items()) if f is not None}


def _share(value: object) -> float | None:
    """A share of 0 to 1, to four digits; None where the value is none."""
    return round(float(value), 4) if isinstance(value, int | float) and 0 <= value <= 1 else None


def _installed(name: str) -> bool:
    from spacy.util import is_package

    return bool(name) and is_package(name)


def _remedy() -> str:
    default = PREFERRED if _installed(PREFERRED) else "the pipeline that ships with auditkit"
    return (
        "give --spacy-model the name or path of a spaCy pipeline with a tagger "
        f"(`python -m spacy download {PREFERRED}`), or leave it out to use {default}"
    )


def _data() -> Path:
    return Path(str(files("auditkit") / "data_files" / "annotator"))


@cache
def _lexicon() -> frozenset[str]:
    return frozenset((_data() / "truecase_lexicon.txt").read_text(encoding="utf-8").split())
