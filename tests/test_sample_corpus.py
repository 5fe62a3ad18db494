import csv
import io
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache
from itertools import combinations, groupby
from pathlib import Path
from statistics import median

import pytest
from tabular import load

from auditkit.data.sources import open_source

SAMPLE = Path(__file__).resolve().parent.parent / "auditkit" / "data_files" / "sample"
NEWS = ("World", "Sports", "Business", "Sci/Tech")
REVIEWS = ("neg", "pos")
COLUMNS = {
    "news": ["id", "text", "label", "region", "protagonist_gender", "hard"],
    "reviews": ["id", "text", "label", "genre", "hard"],
}
LABELS = {"news": NEWS, "reviews": REVIEWS}
ROWS = {"news_train": 400, "news_test": 200, "reviews_train": 120, "reviews_test": 80}
WORD_RANGE = {"news": (25, 60), "reviews": (40, 120)}
VALUES = {
    "region": ("africa", "americas", "asia", "europe", "middle_east", "oceania"),
    "protagonist_gender": ("female", "male", "mixed", "none"),
    "genre": ("comedy", "documentary", "drama", "fantasy", "horror", "thriller"),
    "hard": ("yes", "no"),
}
GROUPS = [("news", "region"), ("news", "protagonist_gender"), ("reviews", "genre")]

Row = dict[str, str]
Gram = tuple[str, ...]


@cache
def rows_of(stem: str) -> list[Row]:
    with (SAMPLE / f"{stem}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@cache
def readme_lines() -> list[str]:
    return (SAMPLE / "README.md").read_text(encoding="utf-8").splitlines()


def both(domain: str) -> list[Row]:
    return rows_of(f"{domain}_train") + rows_of(f"{domain}_test")


def word_count(text: str) -> int:
    return sum(any(character.isalnum() for character in word) for word in text.split())


def grams(text: str, size: int) -> Iterator[Gram]:
    words = re.findall(r"\w+", text.casefold())
    return zip(*(words[start:] for start in range(size)), strict=False)


def test_grams_ignore_case_and_punctuation() -> None:
    assert list(grams("The cat -- the 'Cat'!", 3)) == [("the", "cat", "the"), ("cat", "the", "cat")]
    assert list(grams("two words", 3)) == []


@pytest.mark.parametrize("stem", ROWS)
def test_files_are_plain_csv_as_documented(stem: str) -> None:
    domain = stem.split("_")[0]
    content = (SAMPLE / f"{stem}.csv").read_bytes()
    assert b"\r" not in content
    rows = rows_of(stem)
    written = io.StringIO(newline="")
    writer = csv.DictWriter(written, COLUMNS[domain], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    assert written.getvalue().encode() == content
    counts = [word_count(row["text"]) for row in rows]
    least, most = WORD_RANGE[domain]
    assert least <= min(counts)
    assert max(counts) <= most
    size = f"| `{stem}.csv` | {ROWS[stem]} | {min(counts)}, {median(counts):g}, {max(counts)} |"
    assert len(rows) == ROWS[stem]
    assert size in readme_lines()


@pytest.mark.parametrize("domain", LABELS)
def test_ids_number_the_rows_from_train_to_test(domain: str) -> None:
    rows = both(domain)
    assert [row["id"] for row in rows] == [f"{domain[0]}-{n:04d}" for n in range(1, len(rows) + 1)]


@pytest.mark.parametrize("stem", ROWS)
def test_classes_are_equal_in_size_and_interleaved(stem: str) -> None:
    labels = [row["label"] for row in rows_of(stem)]
    names = LABELS[stem.split("_")[0]]
    assert Counter(labels) == dict.fromkeys(names, ROWS[stem] // len(names))
    assert max(len(list(run)) for _, run in groupby(labels)) <= 8


@pytest.mark.parametrize(("domain", "column"), [*GROUPS, *((d, "hard") for d in LABELS)])
def test_groups_are_as_the_readme_says(domain: str, column: str) -> None:
    lines = readme_lines()
    values = VALUES[column]
    top = lines.index(f"| {domain}: `{column}` | {' | '.join(values)} |")
    for line, label in zip(lines[top + 2 :], LABELS[domain], strict=False):
        counts = [
            " / ".join(
                str(sum(r["label"] == label and r[column] == value for r in rows_of(stem)))
                for stem in (f"{domain}_train", f"{domain}_test")
            )
            for value in values
        ]
        assert line == f"| {label} | {' | '.join(counts)} |"
    assert {row[column] for row in both(domain)} == set(values)


@pytest.mark.parametrize(("domain", "column"), GROUPS)
@pytest.mark.parametrize("split", ["train", "test"])
def test_groups_are_balanced_within_classes(domain: str, column: str, split: str) -> None:
    rows = rows_of(f"{domain}_{split}")
    cells = Counter((row["label"], row[column]) for row in rows)
    assert len(cells) == len(LABELS[domain]) * len(VALUES[column])
    assert max(cells.values()) - min(cells.values()) <= 2


def test_no_two_items_share_eight_words_in_a_row() -> None:
    seen: dict[Gram, str] = {}
    for row in both("news") + both("reviews"):
        for gram in set(grams(row["text"], 8)):
            assert gram not in seen, (gram, row["id"], seen[gram])
            seen[gram] = row["id"]


def test_no_two_items_are_alike() -> None:
    sets = {row["id"]: set(grams(row["text"], 5)) for row in both("news") + both("reviews")}
    holders: dict[Gram, list[str]] = defaultdict(list)
    for item, own in sets.items():
        for gram in own:
            holders[gram].append(item)
    shared = Counter(pair for ids in holders.values() for pair in combinations(ids, 2))
    for (a, b), count in shared.items():
        assert count / len(sets[a] | sets[b]) <= 0.1, (a, b)


@pytest.mark.parametrize("stem", ROWS)
def test_load_dataset_reads_every_row(stem: str) -> None:
    domain = stem.split("_")[0]
    columns = [column for column in COLUMNS[domain] if column not in ("id", "text", "label")]
    data = load(str(SAMPLE / f"{stem}.csv"), groups=columns, label_names=LABELS[domain])
    assert (data.rows_in, data.refused, data.labels) == (ROWS[stem], (), LABELS[domain])
    for example, row in zip(data.examples, rows_of(stem), strict=True):
        assert (example.example_id, example.text) == (row["id"], row["text"])
        assert data.labels[example.label] == row["label"]
        assert dict(example.groups) == {column: row[column] for column in columns}


def test_bag_of_words_accuracy_is_about_what_the_readme_says() -> None:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    accuracy = {}
    for domain in LABELS:
        train, test = rows_of(f"{domain}_train"), rows_of(f"{domain}_test")
        model = make_pipeline(TfidfVectorizer(), LogisticRegression())
        model.fit([row["text"] for row in train], [row["label"] for row in train])
        predicted = model.predict([row["text"] for row in test])
        hits = [p == row["label"] for p, row in zip(predicted, test, strict=True)]
        accuracy[domain] = sum(hits) / len(hits)
    stated = re.search(
        r"(\.\d\d) on news\s+and\s+(\.\d\d) on reviews", "\n".join(readme_lines())
    )  # the limits, in prose
    assert stated
    assert accuracy["news"] == pytest.approx(float(stated[1]), abs=0.02)
    assert accuracy["reviews"] == pytest.approx(float(stated[2]), abs=0.03)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "domain"), [("agnews", "news"), ("imdb", "reviews")])
def test_no_eight_words_in_a_row_are_from_a_public_data_set(
    name: str, domain: str, shared_data: Path
) -> None:
    own = {gram for d in LABELS for row in both(d) for gram in grams(row["text"], 8)}
    for split in ("train", "test"):
        source = open_source(name, split=split, data_dir=shared_data)
        assert tuple(source.class_names["label"]) == LABELS[domain]
        texts = source.values("text")
        assert len(texts) == source.rows > 7000
        for text in texts:
            common = own.intersection(grams(str(text), 8))
            assert not common, common
