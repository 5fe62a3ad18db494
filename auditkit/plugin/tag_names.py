"""Plain names of the tags that pipelines give words: parts of speech, and types of entities."""

from auditkit.plugin.sentences import in_line

TAG_NAMES = {
    # parts of speech: the universal ones (UPOS)
    "ADJ": "adjectives", "ADP": "prepositions", "ADV": "adverbs", "AUX": "auxiliary verbs",
    "CCONJ": "coordinating conjunctions", "CONJ": "conjunctions", "DET": "determiners",
    "INTJ": "interjections", "NOUN": "nouns", "NUM": "numerals", "PART": "particles",
    "PRON": "pronouns", "PROPN": "proper nouns", "PUNCT": "punctuation",
    "SCONJ": "subordinating conjunctions", "SPACE": "spaces", "SYM": "symbols", "VERB": "verbs",
    "X": "words of no part of speech",
    # types of entities: those of OntoNotes
    "CARDINAL": "other numbers", "DATE": "dates", "EVENT": "events", "FAC": "buildings and roads",
    "GPE": "countries and cities", "LANGUAGE": "languages", "LAW": "laws", "LOC": "places",
    "MONEY": "amounts of money", "NORP": "nationalities and religions",
    "ORDINAL": "ordinal numbers", "ORG": "organisations", "PERCENT": "percentages",
    "PERSON": "people", "PRODUCT": "products", "QUANTITY": "measurements", "TIME": "times",
    "WORK_OF_ART": "works of art",
    # and those of CoNLL, where they are called otherwise
    "MISC": "other names", "PER": "people",
}  # fmt: skip
"""By tag. They stand in the plural, but for those of `SINGULAR`."""
SINGULAR = frozenset({"PUNCT"})


def tag_name(category: str) -> str:
    """The plain name with the tag behind it; a category that is no such tag is its own name.

    >>> tag_name("NOUN"), tag_name("names")
    ('nouns (NOUN)', 'names')
    """
    return f"{TAG_NAMES[category]} ({category})" if category in TAG_NAMES else category


def outlive(category: str, *, plural: bool = False) -> str:
    """The beginning of a sentence on how long words of a category live.

    Args:
        category: A tag, or any other name.
        plural: Whether a name that is no tag stands in the plural.

    >>> outlive("NOUN"), outlive("PUNCT"), outlive("names", plural=True)
    ('nouns (NOUN) outlive', 'punctuation (PUNCT) outlives', 'names outlive')
    """
    many = category not in SINGULAR if category in TAG_NAMES else plural
    return f"{in_line(tag_name(category))} {'outlive' if many else 'outlives'}"
