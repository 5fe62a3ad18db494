"""Whether texts are in the language of a pipeline: by their script, and by their stop words.

Small words tell languages apart (Grefenstette 1995, "Comparing two language identification
schemes"): they are half of all English words, a thirtieth of German tweets, and every document has
some. How frequent they are in a language at large says `wordfreq`.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from auditkit.plugin.sentences import percent
from auditkit.trace import LanguageFit

FEWEST_WORDS = 8
"""From how many words the stop words of one text tell its language."""
OWN_LETTERS = 0.5
"""Share of letters in the language's scripts below which a text is not in it."""
FEWEST_STOPS = 1 / 3
"""Stop words, as a part of their share in the language at large, below which a text is not in it.

Measured with English stop words (.50 of English at large): IMDb .53, HateXplain .48, AG News .35;
GermEval (German) .03, made-up French .09. Of the English texts of eight words and more 0 to 2 % lie
below a third of .50, of the German ones 98 %.
"""
MOST_FOREIGN, FEW_FOREIGN = 0.1, 2
"""Share of texts in other languages, and their number, above which no tag is to be believed."""

UNSPACED = frozenset({"CJK", "HIRAGANA", "KATAKANA", "KHMER", "LAO", "MYANMAR", "THAI", "TIBETAN"})
"""Scripts that are written without spaces between words."""

_LETTER = re.compile(r"[^\W\d_]")
_MINOR_SCRIPT = 0.1  # of the letters of a list of stop words: those of strangers are below it


@dataclass(frozen=True, slots=True)
class Language:
    """What is known of a language."""

    code: str
    name: str
    """In English."""
    stop_words: frozenset[str]
    scripts: frozenset[str]
    """Of its stop words, as Unicode names them; empty where there are none."""
    stop_share: float | None
    """Of all words in the language at large; None where `wordfreq` does not know it."""

    @property
    def spaced(self) -> bool:
        """Whether spaces stand between its words, as far as is known."""
        return not self.scripts & UNSPACED


def language_of(code: str, name: str, stop_words: Iterable[str]) -> Language:
    """What follows of a language's stop words."""
    words = frozenset(word.lower() for word in stop_words)
    found = Counter(map(script, _LETTER.findall("".join(words))))
    scripts = {own for own, count in found.items() if count > _MINOR_SCRIPT * found.total()}
    return Language(code, name, words, frozenset(scripts), _stop_share(code, words))


@cache
def script(letter: str) -> str:
    """The script of a letter: the first word of its name, such as LATIN, ARABIC or CJK."""
    return unicodedata.name(letter, "UNKNOWN").partition(" ")[0].partition("-")[0]


def language_fit(language: Language, texts: Iterable[Sequence[str]]) -> LanguageFit:
    """How the texts read, each given as its words in lower case; without letters they fit any."""
    letters = own = words = stops = documents = told = foreign = 0
    for text in texts:
        mine = [word for word in text if _LETTER.search(word)]
        found = Counter(map(script, _LETTER.findall("".join(mine))))
        of_script = sum(found[name] for name in language.scripts)
        of_stops = sum(word in language.stop_words for word in mine)
        written = not language.scripts or of_script >= OWN_LETTERS * found.total()
        by_stops = language.stop_share is not None and len(mine) >= FEWEST_WORDS
        if mine and (not written or by_stops):
            told += 1
            foreign += not written or _too_few(language, of_stops, len(mine))
        letters, own = letters + found.total(), own + of_script
        words, stops, documents = words + len(mine), stops + of_stops, documents + 1
    return LanguageFit(
        documents=documents,
        told=told,
        foreign=foreign,
        script_share=own / letters if letters and language.scripts else None,
        stop_share=stops / words if words and language.stop_words else None,
        stop_share_at_large=language.stop_share,
    )


def misfit(language: Language, fit: LanguageFit) -> str:
    """Why the texts are not in the language; "" where they are, or where it cannot be told."""
    if fit.script_share is not None and fit.script_share < OWN_LETTERS:
        scripts = ", ".join(sorted(language.scripts))
        return f"{percent(fit.script_share)} of their letters are {scripts}"
    if fit.stop_share is not None and _too_few(language, fit.stop_share, 1):
        return (
            f"{percent(fit.stop_share)} of their words are {language.name} stop words, which make "
            f"up {percent(language.stop_share or 0)} of {language.name} at large"
        )
    if fit.foreign > max(MOST_FOREIGN * fit.told, FEW_FOREIGN):
        return f"{fit.foreign} of {fit.told} documents looked at read like another language"
    return ""


def _too_few(language: Language, stops: float, words: int) -> bool:
    return language.stop_share is not None and stops < FEWEST_STOPS * language.stop_share * words


def _stop_share(code: str, stop_words: frozenset[str]) -> float | None:
    """What share of a language's words is stop words, to three digits."""
    from wordfreq import get_frequency_dict

    try:
        frequency = get_frequency_dict(code, "small")
    except LookupError:
        return None
    share = round(sum(frequency.get(word, 0.0) for word in sorted(stop_words)), 3)
    return share or None
