"""Words of a text with part of speech, stop word and entity; the sole home of spaCy.

    text → `clean` → spaCy → Word

Words are tagged on a cleaned view of the text. Spans are half-open, in code points of the original.
"""

import hashlib
import re
import warnings
import zlib
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from auditkit.data.cleaning import CleanedView, clean
from auditkit.data.language import Language, language_fit, language_of, misfit
from auditkit.data.pipeline import pipeline_about
from auditkit.errors import AnnotationError
from auditkit.text import cut, said
from auditkit.trace import TAGS, AnnotatorAbout

if TYPE_CHECKING:
    from spacy.language import Language as Pipeline
    from spacy.tokens import Doc

PREFERRED = "en_core_web_sm"
ADVICE = f"a more accurate pipeline: python -m spacy download {PREFERRED}"
OTHER = (
    "give --spacy-model NAME, an installed spaCy pipeline of the texts' language (https://spacy.io/"
    "models lists them; `python -m spacy download NAME`, or `pip install NAME`)"
)
"""What to do where texts and pipeline have no language in common."""

LOOKED_AT = 1000
"""How many documents, at most, tell whether the texts are in the pipeline's language."""
_OPENING = 1000  # characters of each

_UNUSED = ["parser", "lemmatizer", "trainable_lemmatizer", "senter", "entity_linker", "textcat",
           "textcat_multilabel", "spancat"]  # fmt: skip
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
    """Universal part of speech; "" where the pipeline has none to give."""
    is_stop: bool
    entity: str
    """The entity's type; "" outside of entities."""


class Annotator:
    """A loaded spaCy pipeline; get one from `load_annotator`."""

    def __init__(self, nlp: "Pipeline", about: AnnotatorAbout, language: Language) -> None:
        self.about, self.language = about, language
        self._nlp = nlp
        self._common = _lexicon() if nlp.lang == "en" else frozenset[str]()

    @property
    def place(self) -> str:
        """Where the pipeline lies, by which another process loads it."""
        return str(self._nlp.path)

    @cached_property
    def sha256(self) -> str:
        """Of the pipeline's files, whichever of them are used."""
        digest = hashlib.sha256()
        for path in sorted(path for path in self._nlp.path.rglob("*") if path.is_file()):
            digest.update(path.relative_to(self._nlp.path).as_posix().encode())
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        return digest.hexdigest()

    def suited(self, texts: Mapping[str, str]) -> "Annotator":
        """The annotator of these texts: one that gives no tags where they are in another language.

        A sample of them is looked at, which depends on no order. `about` tells how it reads.

        Args:
            texts: The texts to be audited, by id.
        """
        sample = sorted(texts, key=lambda name: (zlib.crc32(name.encode()), name))[:LOOKED_AT]
        keys = self.lexical_keys(texts[name][:_OPENING] for name in sample)
        fit = language_fit(self.language, keys)
        known: dict[str, object] = {"fit": fit}
        if why := misfit(self.language, fit):
            reason = (
                f"the texts are not in {self.language.name}, the language of the spaCy pipeline "
                f"{self.about.name}: {why}; {OTHER}"
            )
            known |= {"lacks": dict.fromkeys(TAGS, reason), "advice": ""}
        return self.reading(self.about.model_copy(update=known))

    def reading(self, about: AnnotatorAbout) -> "Annotator":
        """The same pipeline, which reads texts as `about` tells."""
        return Annotator(self._nlp, about, self.language)

    def annotate(self, texts: Iterable[str]) -> Iterator[tuple[Word, ...]]:
        """The words of every text, in order, streaming. White space and markup are no words."""
        words: list[Word] = []
        lacks = self.about.lacks
        for doc, (text, view, start, last) in self._nlp.pipe(
            self._parts(texts),
            as_tuples=True,
            batch_size=_BATCH,
            disable=[] if self.about.tags else self._nlp.pipe_names,
        ):
            words += _words(doc, text, view.offsets[start : start + len(doc.text)], lacks)
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
            view = clean(text, self._common, spaced=self.language.spaced)
            ends = [match.end() for match in _PART.finditer(view.text)] or [0]
            for start, end in zip([0, *ends], ends, strict=False):
                yield view.text[start:end], (text, view, start, end == ends[-1])


def load_annotator(spacy_model: str | None = None) -> Annotator:
    """Load the named pipeline; without a name `en_core_web_sm`, else the one that ships.

    Args:
        spacy_model: An installed pipeline, or the path of one. A path brings data alone: nothing
            but factories that are installed already is run.

    Raises:
        AnnotationError: spaCy cannot load or run it.
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
            language = language_of(nlp.lang or "xx", type(nlp).__name__, nlp.Defaults.stop_words)
            tagged = any(token.pos_ for token in nlp(" ".join(sorted(language.stop_words)) or "a"))
    except Exception as error:  # what a broken pipeline raises is anybody's guess
        reason = cut(said(error), 200)
        raise AnnotationError(f"spaCy cannot load {name!r}: {reason}; {_remedy()}") from error
    advice = ADVICE if source == "shipped" else ""
    about = pipeline_about(nlp, language, source, tagged=tagged, advice=advice)
    return Annotator(nlp, about, language)


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


def _words(
    doc: "Doc", text: str, offsets: Sequence[tuple[int, int]], lacks: Container[str]
) -> Iterator[Word]:
    for token in doc:
        if token.is_space:
            continue
        start, end = offsets[token.idx][0], offsets[token.idx + len(token) - 1][1]
        yield Word(
            text=text[start:end],
            lower=token.lower_,
            char_start=start,
            char_end=end,
            upos="" if "pos" in lacks else token.pos_,
            is_stop="stop_words" not in lacks and token.is_stop,
            entity="" if "entities" in lacks else token.ent_type_,
        )


def _installed(name: str) -> bool:
    from spacy.util import is_package

    return bool(name) and is_package(name)


def _remedy() -> str:
    default = PREFERRED if _installed(PREFERRED) else "the pipeline that ships with auditkit"
    return (
        "give --spacy-model the name or path of a spaCy pipeline (`python -m spacy download NAME`, "
        f"such as {PREFERRED}), or leave it out to use {default}"
    )


def _data() -> Path:
    return Path(str(files("auditkit") / "data_files" / "annotator"))


@cache
def _lexicon() -> frozenset[str]:
    return frozenset((_data() / "truecase_lexicon.txt").read_text(encoding="utf-8").split())
