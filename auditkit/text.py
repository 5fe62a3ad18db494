r"""Text from elsewhere, made fit for a page, a terminal, a picture or a line of an error."""

import hashlib
import unicodedata
from collections.abc import Iterable
from difflib import get_close_matches

_NEVER = "\ufffe\uffff"  # no characters, and not allowed in XML
_BIDI = frozenset({"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})


def printable(text: str) -> str:
    r"""`text` with what no document may hold replaced by U+FFFD: controls and lone surrogates.

    >>> printable("a\x00b")
    'a�b'
    """
    if text.isprintable():
        return text
    return "".join(
        "\ufffd"
        if (unicodedata.category(c) in ("Cc", "Cs") and c not in "\t\n\r") or c in _NEVER
        else c
        for c in text
    )


def cut(text: str, limit: int) -> str:
    """`text`, or its beginning and an ellipsis, `limit` characters in all."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def broad(text: str) -> int:
    """How many characters of `text` take about twice the room of others: capitals, East Asian."""
    return sum(unicodedata.east_asian_width(sign) in "WF" or sign.isupper() for sign in text)


def inert(text: str) -> str:
    """`text`, character by character, without what steers or reorders its surroundings.

    Besides what `printable` replaces these are the marks that turn the direction of writing.
    """
    return printable(
        "".join("\ufffd" if unicodedata.bidirectional(c) in _BIDI else c for c in text)
    )


def one_line(text: str) -> str:
    """One line that cannot reorder its surroundings: SVG text has no `<bdi>`."""
    return " ".join(inert(text[:2000]).split())


def sha256(text: str) -> bytes:
    """The SHA-256 of a text, one with lone surrogates included."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def is_unicode(text: str) -> bool:
    """Whether `text` can be written to a file: it holds no lone surrogate."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def said(error: BaseException) -> str:
    """What an error says, on one line; its kind where it says nothing."""
    return _words(error) or type(error).__name__


def fault(error: BaseException) -> str:
    """An error's kind and what it says, on one line.

    >>> fault(KeyError("names"))
    "KeyError: 'names'"
    """
    text = _words(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _words(error: BaseException) -> str:
    try:
        return " ".join(str(error).split())
    except Exception:  # noqa: BLE001 (a third party's error may break while it is printed)
        return ""


def shown(value: object) -> str:
    """A value as an error shows it, on one line of at most 80 characters."""
    try:
        return cut(repr(value), 80)
    except (ValueError, RecursionError):  # an integer of thousands of digits, lists in lists
        return f"{type(value).__name__} too large to print"


def listing(names: Iterable[str], most: int = 20) -> str:
    """Names that come from data, on one printable line: shortened, escaped, at most `most`."""
    every = list(names)
    shown = [n if n.isprintable() else ascii(n) for n in every[:most]]
    rest = f", … {len(every) - most} more" if len(every) > most else ""
    return (", ".join(cut(s, 40) for s in shown) or "none") + rest


def one_of(names: Iterable[str], seen: str | None = None) -> str:
    """The tail of an error message: the names available, with the likely one first.

    >>> one_of(["text", "label"], "txt")
    'did you mean text? available: label, text'
    """
    ordered = sorted(names)
    close = get_close_matches(seen, ordered, n=1) if seen is not None else []
    hint = f"did you mean {close[0]}? " if close else ""
    return f"{hint}available: {', '.join(ordered) if ordered else 'none'}"
