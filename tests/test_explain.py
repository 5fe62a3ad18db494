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
