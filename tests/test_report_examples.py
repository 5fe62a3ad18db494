import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditkit.finding import Example, Segment
from auditkit.report.examples import example_view


def example(depths: tuple[int | None, ...], alive: tuple[int, ...]) -> Example:
    segments = tuple(Segment("abcdefgh"[i], depth) for i, depth in enumerate(depths))
    return Example(example_id="x", title="X", segments=segments, alive=alive)


def test_each_layer_shows_what_it_dropped_and_what_was_dropped_before() -> None:
    view = example_view(example((0, 1, 2, 2), (4, 3)), 100)
    assert [(layer.label, layer.alive) for layer in view.layers] == [("Layer 1", 4), ("Layer 2", 3)]
    assert view.layers[0].runs == ((("a",), "now"), (tuple("bcd"), "kept"))
    assert view.layers[1].runs == (
        (("a",), "gone"),
        (("b",), "now"),
        (tuple("cd"), "kept"),
    )


def test_layers_that_drop_nothing_are_one_line() -> None:
    view = example_view(example((1, 4), (4, 3, 3, 3)), 100)
    assert [layer.label for layer in view.layers] == ["Layer 1", "Layers 2–4"]


def test_a_layer_that_drops_only_special_tokens_has_a_line_of_its_own() -> None:
    view = example_view(example((3, 3), (4, 4, 3)), 100)
    assert [layer.label for layer in view.layers] == ["Layers 1–2", "Layer 3"]


def test_space_is_struck_only_between_words_that_are() -> None:
    segments = tuple(
        Segment(text, depth)
        for text, depth in (("a", 0), (" ", None), ("b", 0), (" ", None), ("c", 1), (" d", None))
    )
    view = example_view(Example(example_id="x", title="X", segments=segments, alive=(1,)), 99)
    assert view.layers[0].runs == (
        (("a", " ", "b"), "now"),
        ((" ", "c"), "kept"),
        ((" d",), "unread"),
    )


@pytest.mark.parametrize(
    ("text", "direction"),
    [
        ("so good", "ltr"),
        ("12, Хорошо", "ltr"),
        ("(1) نعم so", "rtl"),
        ("\u202e\u2067 yes", "ltr"),  # a mark of direction is no letter
        ("...", "ltr"),
        ("", "ltr"),
    ],
)
def test_words_follow_each_other_as_the_first_letter_says(text: str, direction: str) -> None:
    words = tuple(Segment(letter, 1) for letter in text)
    found = Example(example_id="x", title="X", segments=words, alive=(1,))
    assert example_view(found, 99).direction == direction


@given(
    st.lists(st.integers(0, 5), min_size=1, max_size=8),
    st.integers(1, 5),
)
def test_every_layer_shows_the_whole_text_in_order(depths: list[int], layers: int) -> None:
    capped = tuple(min(d, layers) for d in depths)
    alive = tuple(sum(d >= layer for d in capped) for layer in range(1, layers + 1))
    whole = "".join("abcdefgh"[: len(capped)])
    view = example_view(example(capped, alive), 100)
    for layer in view.layers:
        assert "".join(word for words, _ in layer.runs for word in words) == whole
        kept = sum(len(words) for words, state in layer.runs if state == "kept")
        assert kept == layer.alive  # one character a word, and no special tokens here
