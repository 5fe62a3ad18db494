"""What the study that the project grew from inferred, beside what audits measure.

    python benchmarks/study.py --agnews RUN [RUN] --imdb RUN [RUN] --sentence CKPT \
        [--write docs/study.md]

The inferences and how each is held against numbers are data: `benchmarks/study.yaml`. A first run
of a data set carries the verdicts; a second, with another pipeline of spaCy, stands beside it. With
`--write` the measurements that the page names lie beside it as JSON, as `results.json` has them.
"""

import argparse
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from inferences import MACS, PERFORMANCE, VERDICTS, Inference, Run, inferences, named

from auditkit.bench.explain import explain
from auditkit.bench.opening import open_bench
from auditkit.bench.settings import ModelSettings
from auditkit.data.annotate import load_annotator
from auditkit.report.tables import printed

SENTENCE = "This is the best restaurant, and I will be returning for another meal."
"""Of the study's first table."""

RULE = """\
A check holds where the 95 % interval lies on the side that the inference says, fails where it lies
on the other, and is open where it holds values on either side or there is none. *Supported*: all
checks hold. *Weakened*: some do. *Refuted*: none holds and one fails. *Not decidable*: the rest.
Rule and checks were written before these runs were analysed, but where a note says otherwise; a
check's value is what chance gives."""


def rows(runs: Sequence[Mapping[str, Run]]) -> Iterator[tuple[Inference, str, list[str]]]:
    """Every inference, a line a check with its values, and its verdicts, pipeline by pipeline."""
    for inference in inferences():
        met = [[check.meets(of_tags) for check in inference.checks] for of_tags in runs]
        lines = [
            f"{check.data} `{check.address}` {check.asked()}: "
            + "; ".join(f"**{end}** {text}" for end, text in of_check)
            for check, of_check in zip(inference.checks, zip(*met, strict=True), strict=True)
        ]
        yield (
            inference,
            "<br>".join(lines),
            [inference.verdict([end for end, _ in of_tags]) for of_tags in met],
        )


def page(runs: Sequence[Mapping[str, Run]], sentence: str) -> str:
    """The page, as Markdown."""
    lines: list[str] = []
    pipelines = [next(iter(of_tags.values())).tags for of_tags in runs]
    count = dict.fromkeys(VERDICTS, 0)
    section = ""
    for inference, checks, verdicts in rows(runs):
        if inference.section != section:
            section = inference.section
            verdict_heads = ["verdict", *(f"with {tags}" for tags in pipelines[1:])]
            lines += ["", f"### {section}", "", *_head(["the study", "measured", *verdict_heads])]
        says = inference.says + (f"<br>*{inference.note}*" if inference.note else "")
        lines.append(f"| {says} | {checks} | {' | '.join(verdicts)} |")
        count[verdicts[0]] += 1
    told = ", ".join(f"{number} {verdict}" for verdict, number in count.items())
    counted = f"Of {sum(count.values())}: {told}."
    return "\n".join(
        [*_about(runs[0]), "", *_performance(runs[0]), "", *sentence.splitlines(), "",
         "## Its inferences", "", RULE, "", "Shares are in per cent.", "", counted, *lines, "",
         *_claims(runs), ""]
    )  # fmt: skip


def _head(titles: Sequence[str]) -> list[str]:
    return [f"| {' | '.join(titles)} |", f"|{' --- |' * len(titles)}"]


def _about(runs: Mapping[str, Run]) -> Iterator[str]:
    """What was trained and audited, and what stands in for what."""
    yield "# The study, measured again"
    yield ""
    yield (
        "auditkit grew from a study of learned token pruning on AG News and IMDb. This page holds "
        "each of its inferences against what two audits measure. **No RoBERTa weights were to be "
        "had: MiniLM-L6 (six layers, 384 wide) stands in for it**, so a number here speaks of that "
        "model and not of the study's; what is compared are the conclusions. RoBERTa's layout is "
        "run with random weights in the tests."
    )
    yield ""
    yield from _head(["", *runs])
    rows: dict[str, Callable[[Any], object]] = {
        "rows trained on": lambda about: f"{about['training']['settings']['rows']:,}",
        "rows audited (test split)": lambda about: f"{about['dataset']['audited']:,}",
        "tokens a document, at most": lambda about: about["subjects"]["model"]["max_length"],
    }
    for title, cell in rows.items():
        cells = (str(cell(run.about)) for run in runs.values())
        yield f"| {title} | {' | '.join(cells)} |"


def _performance(runs: Mapping[str, Run]) -> Iterator[str]:
    """Accuracy and F1 of the arms beside the study's only figures."""
    yield "## Performance"
    yield ""
    yield from _head(["data", "number, in per cent", "baseline", "pruned", "the study's, pruned"])
    for data, figures in PERFORMANCE.items():
        for number, theirs in figures.items():
            ours = [
                runs[data].measurement(f"performance.{number}[arm={arm}]")
                for arm in ("baseline", "pruned")
            ]
            cells = ["—" if isinstance(m, str) else " ".join(printed(m)).strip() for m in ours]
            yield f"| {data} | `{number}` | {' | '.join(cells)} | {theirs} |"
        ratio = runs[data].measurement(MACS)
        told = ratio if isinstance(ratio, str) else " ".join(printed(ratio))
        yield f"| {data} | `{MACS}`, a ratio | 1 | {told} | not told |"


def _claims(runs: Sequence[Mapping[str, Run]]) -> Iterator[str]:
    """What every probe of the runs says, and what it says with other tags."""
    yield "## The audits' own claims"
    for data in runs[0]:
        yield ""
        yield f"### {data}"
        yield ""
        for probe, claim in runs[0][data].claims.items():
            yield f"- **{probe}**: {claim}"
            for of_tags in runs[1:]:
                other = of_tags[data].claims.get(probe, claim)
                if other != claim:
                    yield f"  - with {of_tags[data].tags}: {other}"


def sentence(checkpoint: str) -> Iterator[str]:
    """The study's first table: one sentence, layer by layer."""
    bench, annotator = open_bench(ModelSettings(model=checkpoint)), load_annotator(None)
    found = explain(bench, annotator, SENTENCE)
    yield "## The study's sentence, layer by layer"
    yield ""
    yield (
        f"The IMDb model's {found.tokens} tokens of it, special ones included; words that have "
        "left are struck out."
    )
    yield ""
    yield from _head(["after layer", "", "tokens"])
    for layer, alive in enumerate(found.example.alive, start=1):
        words = "".join(
            segment.text
            if segment.depth is None or segment.depth >= layer
            else f"~~{segment.text}~~"
            for segment in found.example.segments
        )
        yield f"| {layer} | {words} | {alive} |"
    said = ", ".join(f"{p.arm} {p.label} ({p.probability:.3f})" for p in found.predictions)
    yield ""
    yield f"It says: {said}; counted MACs are {found.macs_share:.0%} of the unpruned model's."


def main() -> None:
    """Read runs, write the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--agnews", type=Path, nargs="+", required=True, metavar="RUN")
    parser.add_argument("--imdb", type=Path, nargs="+", required=True, metavar="RUN")
    parser.add_argument("--sentence", required=True, metavar="CKPT", help="a checkpoint of IMDb")
    parser.add_argument("--write", type=Path, metavar="FILE.md")
    given = parser.parse_args()
    runs = [
        {"agnews": Run.read(agnews), "imdb": Run.read(imdb)}
        for agnews, imdb in zip(given.agnews, given.imdb, strict=True)
    ]
    text = page(runs, "\n".join(sentence(given.sentence)))
    if given.write is None:
        print(text)
        return
    given.write.write_text(text, encoding="utf-8")
    numbers = json.dumps(named(runs), ensure_ascii=False, indent=1) + "\n"
    given.write.with_suffix(".json").write_text(numbers, encoding="utf-8")


if __name__ == "__main__":
    main()
