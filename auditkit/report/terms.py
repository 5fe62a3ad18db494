"""The glossary: what the page's words mean, each linked where it first stands."""

import re
from collections.abc import Container, Iterator, Mapping

GLOSSARY: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "LTP": ("Learned Token Pruning (Kim et al. 2022): layer by layer a model drops tokens whose "
            "importance score lies under a threshold that it has learned.", ()),
    "token": ("A piece of text as the model's tokenizer cuts it; special tokens such as [CLS] are "
              "counted where it is said.", ("tokens",)),
    "word": ("What the tagger calls one: it lives while any of its tokens does.", ("words",)),
    "arm": ("One way of answering: whose weights, and what happens to the tokens. Differences "
            "between arms keep causes apart.", ("arms",)),
    "baseline": ("The same kind of model, fine-tuned and never pruned.", ()),
    "unpruned": ("The arm with the weights under audit and pruning switched off.", ()),
    "random keeping": ("The arm that keeps as many tokens in every layer, chosen at random.", ()),
    "reseeded": ("The arm of a baseline trained from another seed: what it differs by is noise.",
                 ()),
    "survival depth": ("The number of layers whose decision a token outlives, 0 to L.", ()),
    "keep rate": ("The share of tokens left after a layer, or on average over the layers.", ()),
    "MACs": ("Multiply-accumulate operations, counted and not timed.", ()),
    "concordance": ("How large a share of the other words of as many pieces in its document a "
                    "word outlives, ties counting half; one half by chance.",
                    ("outlive", "outlives")),
    "matched lift": ("How much more often words of a kind are alive after a layer than words of as "
                     "many pieces in the same documents.", ()),
    "lift": ("The share that is kept over what random keeping would keep. It mixes in how many "
             "pieces words have.", ()),
    "odds ratio": ("The odds of being kept, against words at a like position of the document; 1 is "
                   "no difference.", ()),
    "interval": ("Where the value may lie for other documents like these; a 95 % interval misses "
                 "it in at most 5 of 100 audits.", ()),
    "margin": ("The loss of accuracy that is accepted, set before looking.", ()),
    "lost": ("An answer that was right in the baseline and is wrong now; won is the reverse.",
             ("won",)),
    "gate": ("A limit on one number, set before the run. It passes, fails, or is inconclusive "
             "where the interval holds values on either side.", ("gates",)),
    "probe": ("One question of this audit, and the code that answers it.", ("probes",)),
    "points": ("Percentage points: from 94 % to 93 % is one point.", ("point",)),
    "Benjamini–Hochberg": ("A correction that keeps the share of false findings among those of one "
                           "table at 5 % or less.", ()),
    "conformal sets": ("Sets of classes that hold the right one in 90 % of documents.", ()),
    "attributions": ("How much each word adds to a prediction, by a method that does not look at "
                     "attention.", ("attribution",)),
    "Brier score": ("The squared distance of probabilities from what is right; 0 is best.", ()),
    "domain terms": ("Words that mark a class: more frequent there than elsewhere.", ()),
    "swaps": ("Words of one group of people put in the place of another's, with their grammar.",
              ()),
}  # fmt: skip
"""By term: what it means, and other forms of it that stand for it."""

_FORMS = {form: term for term, (_, forms) in GLOSSARY.items() for form in (term, *forms)}
_ANY = re.compile(
    r"(?<![\w-])(" + "|".join(sorted(map(re.escape, _FORMS), key=len, reverse=True)) + r")(?![\w-])"
)


OF_PRUNING = frozenset(
    ["LTP", "unpruned", "random keeping", "survival depth", "keep rate", "concordance",
     "matched lift", "lift", "odds ratio"]
)  # fmt: skip
"""Terms that say nothing of a model that drops no tokens."""


def glossary(*, drops: bool) -> dict[str, str]:
    """Terms and meanings for a report on a model that drops tokens, or on one that drops none."""
    told = {term: meaning for term, (meaning, _) in GLOSSARY.items()
            if drops or term not in OF_PRUNING}  # fmt: skip
    if not drops:
        told["baseline"] = "The model before the change, on the same documents."
    return told


def anchor(term: str) -> str:
    """The id of a term's line in the glossary."""
    return "term-" + re.sub(r"\W+", "-", term.lower())


class Linker:
    """Links each term of the glossary where it first stands on one page."""

    def __init__(self, known: Container[str] = GLOSSARY) -> None:
        self._known = known
        self._linked: set[str] = set()

    def __call__(self, text: str) -> Iterator[tuple[str, str]]:
        """The text in parts, each with the anchor that it links to, or ""."""
        end = 0
        for found in _ANY.finditer(text):
            term = _FORMS[found[0]]
            if term in self._known and term not in self._linked:
                self._linked.add(term)
                yield text[end : found.start()], ""
                yield found[0], anchor(term)
                end = found.end()
        yield text[end:], ""
