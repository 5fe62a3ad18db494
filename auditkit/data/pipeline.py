"""A spaCy pipeline as its own files tell of it: components, language, measured accuracy."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from auditkit.data.language import Language
from auditkit.trace import AnnotatorAbout

if TYPE_CHECKING:
    from spacy.language import Language as Pipeline

RELIABLE_F = 0.8
"""F of typed entities, as the pipeline's authors measured it, from which types are told apart."""

_TYPED = ("ents_f", "entity_f")
_FIGURES = ("pos_acc", "tag_acc", "ents_f", "upos_ewt", "upos_gum", "upos_pud", "entity_f",
            "name_f", "entity_f_news", "name_f_news")  # fmt: skip


def pipeline_about(
    nlp: "Pipeline", language: Language, source: str, *, tagged: bool, advice: str
) -> AnnotatorAbout:
    """What a pipeline says of itself, and its authors of it.

    Args:
        nlp: The pipeline.
        language: Its own.
        source: `installed`, `path` or `shipped`.
        tagged: Whether it gives words a part of speech.
        advice: What to do for better tags; "" for nothing.
    """
    from spacy.about import __version__
    from spacy.util import is_compatible_version

    meta: Mapping[str, Any] = nlp.meta
    measured = meta.get("performance")
    figures = measured if isinstance(measured, Mapping) else {}
    accuracy = {key: value for key in _FIGURES if (value := _share(figures.get(key))) is not None}
    notes = [advice] if advice else []
    made_for = str(meta.get("spacy_version", ""))
    if is_compatible_version(__version__, made_for) is False:  # None: not a version range
        notes.append(f"the pipeline was made for spaCy {made_for}, and {__version__} is installed")
    return AnnotatorAbout(
        name=f"{meta['lang']}_{meta['name']}",
        version=str(meta["version"]),
        source=source,
        language=language.code,
        lacks=_lacks(nlp, language, tagged=tagged),
        accuracy=accuracy,
        entity_f_by_type=_by_type(figures.get("ents_per_type")),
        entity_types_reliable=max(accuracy.get(key, 0.0) for key in _TYPED) >= RELIABLE_F,
        advice="; ".join(notes),
    )


def _lacks(nlp: "Pipeline", language: Language, *, tagged: bool) -> dict[str, str]:
    """Of `TAGS`, those that the pipeline does not give, and why."""
    name = f"{nlp.meta['lang']}_{nlp.meta['name']}"
    components = (
        f"(its components: {', '.join(nlp.pipe_names) or 'none'}); --spacy-model takes another"
    )
    finds = any("doc.ents" in nlp.get_pipe_meta(pipe).assigns for pipe in nlp.pipe_names)
    given = {"pos": tagged, "stop_words": bool(language.stop_words), "entities": finds}
    reasons = {
        "pos": f"the spaCy pipeline {name} tags no parts of speech {components}",
        "stop_words": f"spaCy has no list of stop words of {language.name}",
        "entities": f"the spaCy pipeline {name} finds no entities {components}",
    }
    return {tag: reason for tag, reason in reasons.items() if not given[tag]}


def _by_type(figures: object) -> dict[str, float]:
    """F by type of entity; 0 says that the pipeline's authors had none of the type to find."""
    types = figures if isinstance(figures, Mapping) else {}
    told = {
        str(kind): _share(scores.get("f")) if isinstance(scores, Mapping) else None
        for kind, scores in types.items()
    }
    return {kind: f for kind, f in sorted(told.items()) if f}


def _share(value: object) -> float | None:
    """A share of 0 to 1, to four digits; None where the value is none."""
    return round(float(value), 4) if isinstance(value, int | float) and 0 <= value <= 1 else None
