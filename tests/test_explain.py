"""One text explained: words, and what was read between them."""

from pathlib import Path

from recorded import annotator, bench

from auditkit.bench.explain import explain

TEXT = "Anna sorted <br /> the roses <br />"


def test_markup_is_shown_piece_by_piece(model: Path) -> None:
    asked = bench(model)
    (document,) = asked.encode([TEXT])
    (answer,) = asked.answer("pruned", [document])
    shown = explain(asked, annotator(), TEXT).example.segments
    depth_at = [segment.depth for segment in shown for _ in segment.text]
    pieces = zip(document.spans, answer.depths.tolist(), strict=True)
    signs = {start: depth for (start, end), depth in pieces if TEXT[start:end] in {*"</>"}}
    assert len(signs) == 6
    assert set(signs.values()) != {0}
    assert {start: depth_at[start] for start in signs} == signs


def test_special_tokens_stand_at_their_ends_and_words_have_kinds(model: Path) -> None:
    asked = bench(model)
    (document,) = asked.encode([TEXT])
    (answer,) = asked.answer("pruned", [document])
    found = explain(asked, annotator(), TEXT).example
    (first,), (last,) = found.before, found.after
    assert (first.text, last.text) == ("[CLS]", "[SEP]")
    assert (first.depth, last.depth) == (answer.depths[0], answer.depths[-1])
    assert found.tokens == len(document.token_ids)
    words = {segment.text: segment.kind for segment in found.segments}
    assert words["the"] == "stop word"
    assert words["<"] == ""
