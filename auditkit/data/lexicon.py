"""Words of groups of people: a YAML file → terms, each of one group and category."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from auditkit.data.shipped import read_shipped
from auditkit.errors import DataError
from auditkit.plugin import IdentityTerm

MOST_TERMS = 10_000


def read_lexicon(name: str) -> tuple[IdentityTerm, ...]:
    """The terms of a lexicon that ships (`identity_en`), or of a YAML file, in its order.

    The file maps categories to groups, and groups to lists of words and phrases:

        categories: {religion: {muslims: [muslim, islam], jews: [jew, jewish]}}

    Raises:
        DataError: There is no such file, it is no such YAML, a category or group has no term, or a
            term stands in two groups.
    """
    what, values = f"lexicon {Path(name).name}", read_shipped("lexicons", name, "lexicon")
    categories = values.get("categories") if isinstance(values, dict) else None
    if not isinstance(categories, dict) or not categories:
        raise DataError(f"{what}: no `categories`, a mapping of categories to groups")
    seen: dict[str, IdentityTerm] = {}
    for one in _terms(what, categories):
        other = seen.setdefault(one.term, one)
        if (other.category, other.group) != (one.category, one.group):
            raise DataError(
                f"{what}: {one.term!r} stands in {other.group!r} and in {one.group!r}; a term is "
                "of one group"
            )
    if len(seen) > MOST_TERMS:
        raise DataError(f"{what}: {len(seen):,} terms, {MOST_TERMS:,} at most")
    return tuple(seen.values())


def _terms(what: str, categories: dict[Any, Any]) -> Iterator[IdentityTerm]:
    for category, groups in categories.items():
        if not isinstance(groups, dict) or not groups:
            raise DataError(f"{what}, category {category!r}: expected groups, each a list of terms")
        for group, terms in groups.items():
            if not isinstance(terms, list) or not terms:
                raise DataError(f"{what}, {category!r}: group {group!r} has no list of terms")
            for term in terms:
                if not isinstance(term, str) or not term.strip():
                    raise DataError(
                        f"{what}, {category!r}: group {group!r} holds {term!r:.80}; a term is text "
                        "(write yes, no, on and numbers in quotes)"
                    )
                yield IdentityTerm(" ".join(term.lower().split()), str(group), str(category))
