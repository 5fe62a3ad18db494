"""A text with the words of one ground swapped for those of another group, grammar included.

Which form a word takes follows from the word after it: `her` before a noun phrase is `his`, else
`him`. No tagger is asked, so that a swap is the same whatever annotates a run; where the next word
does not tell (told her stories), the form may be the wrong one.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from auditkit.plugin import SLOT, Ground, Identity, Swaps

# Not part of a compound, an address or a tag: their other half would have to be swapped as well.
_WORD = re.compile(r"(?<![\w@#’'-])[^\W\d_]+(?!\w)(?!-\w)")
_NEXT = re.compile(r"\s+([^\W_]+)")
_ARTICLE = re.compile(r"(?<![\w’'-])(an?)(\s+)\Z", re.IGNORECASE)
_SOUNDS_LIKE_A_CONSONANT = re.compile(r"(?:uni(?!n)|us[eiu]|eu|one\b|once)")
_SILENT_H = re.compile(r"(?:hour|hono|heir|honest)")


@dataclass(frozen=True, slots=True)
class Edit:
    """One word that was put in another's place; spans are half-open, in code points."""

    span: tuple[int, int]
    """In the text as it was."""
    now: tuple[int, int]
    """In the swapped text."""
    groups: tuple[str, str] | None
    """Of the word as it was, and of the one put in; None of an article."""


@dataclass(frozen=True)
class Swapper:
    """Swaps words of one ground in texts."""

    ground: Ground
    swaps: Swaps

    @cached_property
    def _forms(self) -> dict[str, dict[str, tuple[tuple[str, ...], int]]]:
        """By section and form: its row, and which group of the row it is of."""
        sections = {"anywhere": self.ground.anywhere, "before_nouns": self.ground.before_nouns,
                    "alone": self.ground.alone}  # fmt: skip
        return {
            name: {form: (row, at) for row in rows for at, form in enumerate(row)}
            for name, rows in sections.items()
        }

    @cached_property
    def _closed(self) -> frozenset[str]:
        return frozenset(self.swaps.closed)

    def swapped(self, text: str, shift: int) -> tuple[str, tuple[Edit, ...]]:
        """The text with each group's words in place of those of the group `shift` before it.

        Args:
            text: In code points as the models read it.
            shift: 1 up to one less than there are groups.

        Returns:
            The text, and what was put in, in order; no edits where nothing can be swapped.
        """
        parts: list[str] = []
        edits: list[Edit] = []
        done = length = 0
        for start, end, new, groups in self._changes(text, shift):
            parts += [text[done:start], new]
            length += start - done
            edits.append(Edit((start, end), (length, length + len(new)), groups))
            length += len(new)
            done = end
        return "".join([*parts, text[done:]]), tuple(edits)

    def _changes(
        self, text: str, shift: int
    ) -> Iterator[tuple[int, int, str, tuple[str, str] | None]]:
        """Start, end, what is put in, and the groups, in order."""
        names = self.ground.groups
        for match in _WORD.finditer(text):
            found = self._found(match, text)
            if found is None:
                continue
            row, at = found
            other = (at + shift) % len(names)
            if row[other] == row[at]:
                continue
            new = _cased(row[other], match[0])
            article = _ARTICLE.search(text, max(0, match.start() - 40), match.start())
            if article and self.swaps.language == "en":
                fitting = _cased("an" if _vowel(new) else "a", article[1])
                if fitting.lower() != article[1].lower():
                    yield *article.span(1), fitting, None
            yield *match.span(), new, (names[at], names[other])

    def _found(self, match: re.Match[str], text: str) -> tuple[tuple[str, ...], int] | None:
        word = match[0].lower()
        after = _NEXT.match(text, match.end())
        following = after[1] if after else ""
        if following.lower() in self.swaps.never_before:
            return None
        if word in self._forms["anywhere"]:
            return self._forms["anywhere"][word]
        capitals = match[0][0].isupper() and not match[0].isupper()
        if capitals and following[:1].isupper() and word not in self._closed:
            return None  # a name
        nouns = bool(following) and following.lower() not in self._closed
        for section in ("before_nouns", "alone") if nouns else ("alone",):
            if word in self._forms[section]:
                return self._forms[section][word]
        return None


def filled(
    template: str, identity: Identity, language: str
) -> tuple[str, tuple[tuple[int, int], ...]] | None:
    """The template about a group, and the span of what stands in each slot.

    None where the group has no form for a slot.
    """
    forms = dict(identity.forms)
    if set(SLOT.findall(template)) - set(forms):
        return None
    text, spans, done = "", [], 0
    for match in SLOT.finditer(template):
        before, form = template[done : match.start()], forms[match[1]]
        article = _ARTICLE.search(before)
        if article and language == "en":
            fitting = _cased("an" if _vowel(form) else "a", article[1])
            before = before[: article.start(1)] + fitting + article[2]
        if not (text + before).strip():
            form = form[:1].upper() + form[1:]
        text += before
        spans.append((len(text), len(text) + len(form)))
        text += form
        done = match.end()
    return text + template[done:], tuple(spans)


def _cased(form: str, like: str) -> str:
    """The form in the case of another word."""
    if like.isupper() and len(like) > 1:
        return form.upper()
    return form[:1].upper() + form[1:] if like[:1].isupper() else form


def _vowel(word: str) -> bool:
    """Whether an English word begins with the sound of a vowel, as far as letters tell."""
    word = word.lower()
    if _SILENT_H.match(word):
        return True
    return word[:1] in "aeiou" and not _SOUNDS_LIKE_A_CONSONANT.match(word)
