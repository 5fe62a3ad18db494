import doctest
import xml.etree.ElementTree as ET

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from auditkit import text as texts
from auditkit.text import cut, fault, one_line, printable, said


@pytest.mark.parametrize(
    ("error", "words", "with_kind"),
    [
        (ValueError("no\n  luck\t"), "no luck", "ValueError: no luck"),
        (ValueError(), "ValueError", "ValueError"),
        (ValueError(" \n"), "ValueError", "ValueError"),
        (KeyError("names"), "'names'", "KeyError: 'names'"),
        (SystemExit(3), "3", "SystemExit: 3"),
    ],
)
def test_an_error_is_told_on_one_line(error: BaseException, words: str, with_kind: str) -> None:
    assert said(error) == words
    assert fault(error) == with_kind


def test_the_examples_in_the_docstrings() -> None:
    tried = doctest.testmod(texts)
    assert tried.attempted > 1
    assert tried.failed == 0


@given(st.text(st.characters(), max_size=60))
@example("\ufffe\uffff\x00\x9f\ud800\u202e")
@settings(max_examples=200)
def test_printable_text_is_valid_xml_and_utf8(text: str) -> None:
    shown = printable(text)
    assert len(shown) == len(text)
    shown.encode()
    element = ET.Element("t")
    element.text = one_line(text)
    assert ET.fromstring(ET.tostring(element)).text in (one_line(text), None)


@given(st.text(max_size=30), st.integers(1, 20))
def test_cut_keeps_the_limit_and_the_beginning(text: str, limit: int) -> None:
    short = cut(text, limit)
    assert len(short) <= limit
    assert short == text or (short[-1] == "…" and text.startswith(short[:-1]))
