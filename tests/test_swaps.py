"""The swaps that ship and a user's own, and texts with words swapped: grammar, case, names."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditkit.data.swaps import read_swaps
from auditkit.errors import DataError
from auditkit.plugin import Identity
from auditkit.probes._swapping import Swapper, filled

ENGLISH = read_swaps("english")
GROUNDS = {ground.name: Swapper(ground, ENGLISH) for ground in ENGLISH.grounds}


def swapped(ground: str, text: str, shift: int = 1) -> str:
    other: str = GROUNDS[ground].swapped(text, shift)[0]
    return other


@pytest.mark.parametrize(
    ("before", "after"),
    [
        # the determiner and the object of "her"
        ("I read her book.", "I read his book."),
        ("I saw her.", "I saw him."),
        ("I saw her and left.", "I saw him and left."),
        ("I gave her the book.", "I gave him the book."),
        ("We met her in Rome.", "We met him in Rome."),
        ("They told her that it rains.", "They told him that it rains."),
        ("her own new car", "his own new car"),
        ("her 3 children", "his 3 children"),
        ("near her, nobody", "near him, nobody"),
        ("Her mother saw her.", "His father saw him."),
        ("WE SAW HER HOUSE", "WE SAW HIS HOUSE"),
        ("it was her who called", "it was him who called"),
        ("he saw her his brother knew", "she saw him her sister knew"),
        # the determiner and the pronoun of "his"
        ("It is his.", "It is hers."),
        ("It is his book.", "It is her book."),
        ("a friend of his", "a friend of hers"),
        ("his and mine", "hers and mine"),
        ("His Honda is new", "Her Honda is new"),
        ("that car of his was new", "that car of hers was new"),
        # back again
        ("It is hers.", "It is his."),
        ("I saw him.", "I saw her."),
        ("with him", "with her"),
        ("himself", "herself"),
        ("she did it herself", "he did it himself"),
        ("She's here and she'll stay", "He's here and he'll stay"),
        ("he/she", "she/he"),
        # nouns, number, titles and their case
        ("A man and two women", "A woman and two men"),
        ("the man's hat", "the woman's hat"),
        ("the man’s hat", "the woman’s hat"),
        ("MEN ONLY", "WOMEN ONLY"),
        ("Mr. Smith and Mrs Jones", "Mrs. Smith and Mr Jones"),
        ("his wife, her husband", "her husband, his wife"),
        ("the policewoman told her son", "the policeman told his daughter"),
        # articles follow the sound
        ("an actress, a waiter", "an actor, a waitress"),
        ("a nephew and an uncle", "a niece and an aunt"),
        ("A hero came", "A heroine came"),
        # names follow in the ground of gender
        ("Michael said he would", "Barbara said she would"),
        ("Peter Mandelson", "Laura Mandelson"),
        # what is left alone
        ("Man United beat them", "Man United beat them"),
        ("Woman Power Ltd grew", "Woman Power Ltd grew"),
        ("a man-made lake, @man, #women, he_man", "a man-made lake, @man, #women, he_man"),
        ("there, here, this, mankind", "there, here, this, mankind"),
        ("O'Brian met ex-wife", "O'Brian met ex-wife"),
        ("", ""),
        ("no word of it", "no word of it"),
        ("Übermann и мужчина 男", "Übermann и мужчина 男"),
    ],
)
def test_grammar_of_gender(before: str, after: str) -> None:
    assert swapped("gender", before) == after


@pytest.mark.parametrize(
    ("ground", "shift", "before", "after"),
    [
        ("religion", 1, "A Christian said so.", "A Muslim said so."),
        ("religion", 2, "a christian church and a christian", "a jewish church and a jew"),
        ("religion", 5, "many muslims, one Muslim family", "many christians, one Christian family"),
        ("religion", 1, "Jewish music in ISLAM", "Hindu music in JUDAISM"),
        ("religion", 4, "the Muslim Brotherhood and Christian Dior",
         "the Muslim Brotherhood and Christian Dior"),
        ("nationality", 1, "a German in Berlin", "an American in Berlin"),
        ("nationality", 15, "an American car", "a German car"),
        ("nationality", 2, "An American from America", "A Russian from Russia"),
        ("nationality", 4, "Americans and the Italian Prime Minister",
         "Indians and the Iraqi Prime Minister"),
        ("nationality", 15, "a Ukrainian", "a Pakistani"),
        ("nationality", 3, "an Indian song", "a Canadian song"),
        ("names", 1, "Michael met JENNIFER", "Jamal met LAKISHA"),
        ("names", 3, "Omar's and Rebecca", "Robert's and Maryam"),
    ],
)  # fmt: skip
def test_grammar_of_other_grounds(ground: str, shift: int, before: str, after: str) -> None:
    assert swapped(ground, before, shift) == after


WORDS = st.sampled_from(
    sorted(
        {form for one in ENGLISH.grounds for row in (*one.anywhere, *one.alone) for form in row}
        | {"the", "a", "an", "book", "Book", ",", ".", "and", "said", "\n", "é", "🙂", "HER"}
    )
)
TEXTS = st.lists(WORDS, max_size=12).map(" ".join)


@given(st.sampled_from(sorted(GROUNDS)), TEXTS, st.integers(1, 100))
def test_nothing_changes_but_what_the_edits_say(ground: str, text: str, turn: int) -> None:
    swapper = GROUNDS[ground]
    shift = 1 + turn % (len(swapper.ground.groups) - 1)
    other, edits = swapper.swapped(text, shift)
    at = now = 0
    for edit in edits:
        assert text[at : edit.span[0]] == other[now : edit.now[0]]
        assert text[slice(*edit.span)] != other[slice(*edit.now)]
        at, now = edit.span[1], edit.now[1]
        if edit.groups:
            names = swapper.ground.groups
            was, new = (names.index(group) for group in edit.groups)
            assert new == (was + shift) % len(names)
    assert text[at:] == other[now:]


@given(TEXTS)
def test_nations_swapped_and_swapped_back(text: str) -> None:
    swapper = GROUNDS["nationality"]
    there, edits = swapper.swapped(text, 3)
    back, again = swapper.swapped(there, 13)
    assert [edit.groups for edit in edits if edit.groups] == [
        edit.groups[::-1] for edit in again if edit.groups
    ]
    words = [[text[slice(*e.span)] for e in edits if e.groups],
             [back[slice(*e.now)] for e in again if e.groups]]  # fmt: skip
    assert words[0] == words[1]


def test_templates_are_filled_with_articles_and_capitals() -> None:
    women = Identity("women", (("IDENTITY_P", "women"), ("IDENTITY_S", "woman")))
    asians = Identity("Asians", (("IDENTITY_P", "Asians"), ("IDENTITY_S", "Asian")))
    for template, identity, language, expected in (
        ("[IDENTITY_P] are here.", women, "en", "Women are here."),
        ("I am a [IDENTITY_S], a [IDENTITY_S]", asians, "en", "I am an Asian, an Asian"),
        ("An [IDENTITY_S]!", women, "en", "A woman!"),
        ("eine a [IDENTITY_S]", asians, "de", "eine a Asian"),
    ):
        found = filled(template, identity, language)
        assert found is not None
        text, spans = found
        assert text == expected
        forms = {form for _, form in identity.forms}
        assert {text[slice(*span)].lower() for span in spans} <= {one.lower() for one in forms}
        assert len(spans) == template.count("[")
    assert filled("[IDENTITY_A] people", women, "en") is None


def test_one_of_a_users_own_extends_another(tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    file.write_text(
        "extends: english\n"
        "grounds: {role: {groups: [nurses, doctors], alone: [[Nurse, doctor]]}}\n"
        'templates: ["I saw a [ROLE]."]\n'
        "identities: {nurses: {ROLE: nurse}, doctors: {ROLE: doctor}}\n"
    )
    own = read_swaps(str(file))
    assert [one.name for one in own.grounds] == [*GROUNDS, "role"]
    assert own.grounds[-1].alone == (("nurse", "doctor"),)
    assert own.closed == ENGLISH.closed
    assert own.templates == ("I saw a [ROLE].",)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[1]", "expected a mapping"),
        ("{}", "expected a mapping"),
        ("language: en", "neither `grounds` nor `templates`"),
        ("ground: {}", "unknown key 'ground'"),
        ("grounds: [a]", "`grounds` is no mapping"),
        ("grounds: {a: {groups: [x, y]}}", "ground 'a': no row of forms"),
        ("grounds: {a: {groups: [x], alone: [[b]]}}", "not two and more different groups"),
        ("grounds: {a: {groups: [x, x], alone: [[b, c]]}}", "not two and more different groups"),
        ("grounds: {a: {groups: [x, y], alone: [[b]]}}", "has 1 forms for 2 groups"),
        ("grounds: {a: {groups: [x, y], alone: [[b, 'c d']]}}", "'c d' is not one word"),
        ("grounds: {a: {groups: [x, y], alone: [[b, B]]}}", "'b' stands there twice"),
        ("grounds: {a: {groups: [x, y], alone: [[no, yes]]}}", "False is no text"),
        ("grounds: {a: {groups: [x, y], alone: b}}", "expected a list of rows"),
        ("grounds: {a: {groups: [x, y], nouns: []}}", "expected `groups`, and rows of"),
        ("grounds: {templates: {groups: [x, y], alone: [[a, b]]}}", "give it another name"),
        ("extends: own", "no swaps that ship are called 'own'"),
        ("templates: ['no slot']", "has no [SLOT]"),
        ("templates: ['[A]']\nidentities: {b: {C: d}}", "no identity fills 'A'"),
        ("templates: ['[A]']\nidentities: {b: {A: 7}}", "'A' holds 7, no text"),
        ("templates: ['[A]']\nidentities: {b: []}", "expected slots"),
        ("templates: ['[A]']\nidentities: [b]", "is no mapping of 20 groups at most"),
        ("grounds: {a", "not valid YAML"),
    ],
)
def test_what_are_no_swaps_is_one_clear_line(tmp_path: Path, text: str, line: str) -> None:
    file = tmp_path / "own.yaml"
    file.write_text(text)
    with pytest.raises(DataError) as raised:
        read_swaps(str(file))
    assert line in str(raised.value)
    assert "\n" not in str(raised.value)


def test_one_that_is_not_there_names_those_that_are() -> None:
    with pytest.raises(DataError, match=r"no swaps 'none\.yaml'.*english"):
        read_swaps("none.yaml")
