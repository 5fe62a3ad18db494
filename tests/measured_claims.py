"""Readers of the claims of probes that measure: what is said in words, held against the numbers."""

import re

from claim_readers import Problems, one_category, sign

from auditkit.finding import Finding
from auditkit.probes._cue_words import CATEGORIES
from auditkit.probes._points import DOCUMENT, KEPT
from auditkit.trace import About


def _domain_terms(finding: Finding, about: About) -> Problems:
    yield from one_category(finding, about)
    claim, done = finding.claim, "interventions" in [table.name for table in finding.tables]
    yield "dropping, and nothing was done", ("ropping them" in claim) != done
    if not done:
        return
    at = {"arm": str(about.depths_of), "against": "random words", "category": "domain terms"}
    m = finding.measurement("accuracy_change", **at, perturbation="drop")
    said_by = sign(finding, "accuracy_change", 0, **at, perturbation="drop")
    for words, wanted in (
        ("Dropping them by layer 1 costs", -1), ("Dropping them by layer 1 leaves", 1),
        ("No difference in accuracy shown between", 0), ("cannot be told", None),
    ):  # fmt: skip
        yield words, (words in claim) != (said_by == wanted)
    said = re.search(r"\((−?[\d.]+) points, [^)]*?([\d,]+) documents\)", claim)
    yield "no figures of dropping", (said is None) != (said_by is None)
    if said:
        yield "other documents", int(said[2].replace(",", "")) != m.n
        size = re.search(r"(?:costs|leaves) ([\d.]+) points", claim)
        if size:
            yield "two sizes", size[1] != said[1].strip("−")
            yield "an effect of 0 as printed", float(size[1]) == 0


def _kept_sets(finding: Finding, about: About) -> Problems:
    sentences = finding.claim.split("On the arm ")[1:]
    arms = {*about.unpruned, *about.in_role("reference")}
    yield "arms", bool(sentences) and {said.partition(",")[0] for said in sentences} != arms
    for said in sentences:
        arm, layer = said.partition(",")[0], re.search(r"kept after layer (\d+)", said)
        at = {"arm": arm, "layer": layer[1] if layer else ""}
        for measure, words in (
            ("sufficiency", {-1: r"layer \d+ keep more of the prediction than", 1: "keep less of",
                             0: "are not shown to keep more of", None: "compared with random"}),
            ("comprehensiveness", {1: "more of it is lost", -1: "less of it is lost",
                                   0: "no difference is shown", None: "them cannot be compared"}),
        ):  # fmt: skip
            ours = sign(finding, f"{measure}_difference", 0, **at)
            for wanted, pattern in words.items():
                yield f"{arm}, {measure}", bool(re.search(pattern, said)) != (ours == wanted)
        m = finding.measurement("sufficiency_difference", **at)
        yield "documents", f"; {m.n_clusters} documents)." not in said


def _cues(finding: Finding, about: About) -> Problems:
    said = {
        side: (re.search(pattern, finding.claim) or ["", ""])[1]
        for side, pattern in (
            (-1, r"hang more on (.+?) than on as many"), (1, r"hang less on (.+?) than on as many"),
            (0, r"No difference shown between (.+?) and as many other"),
            (None, r"Nothing can be said of (.+?)\.$"),
        )
    }  # fmt: skip
    for category in CATEGORIES:
        at = {"arm": str(about.depths_of), "category": category, "perturbation": "drop"}
        ours = sign(finding, "p_change_difference", 0, **at)
        for side, names in said.items():
            yield f"{category}: {side}", (category in names) != (ours == side)


def _clusters(finding: Finding, about: About) -> Problems:
    claim = finding.claim
    if "Kept tokens" in claim:
        at = {"arm": about.unpruned[0], "category": KEPT, "type": "states"}
        ours = sign(finding, "purity_above_random", 0, **at)
        for words, wanted in (
            ("Kept tokens tell classes apart better", 1), ("apart less well than", -1),
            ("not shown to tell classes apart", 0), ("cannot be compared with random ones", None),
        ):  # fmt: skip
            yield words, (words in claim) != (ours == wanted)
    (arm,) = about.in_role("audited")
    at = {"arm": arm, "category": DOCUMENT, "type": "states"}
    ours = sign(finding, "purity_corrected", 0, **at)
    for words, wanted in (
        ("lie among those of their class more", 1), ("lie among those of other classes", -1),
        ("not shown to lie among those", 0), ("ocuments cannot be compared", None),
    ):  # fmt: skip
        yield words, (words in claim) != (ours == wanted)
    signs = {
        m.at["class"]: sign(finding, "spread_change", 0, **m.at)
        for m in finding.measurements
        if m.name == "spread_change" and (m.at["arm"], m.at["category"]) == (arm, DOCUMENT)
    }
    dense = re.search(r"denser than the other classes: (.+)\.$", claim)
    wanted_names = [name for name, said in signs.items() if said == -1]
    yield "which are denser", (dense[1].split(", ") if dense else []) != wanted_names
    none = "no class is shown to lie denser" in claim
    unknown = all(said is None for said in signs.values())
    yield "none denser", none != (not wanted_names and not unknown)


def _words(finding: Finding, about: About) -> Problems:
    counts = re.search(
        r"of ([\d,]+) that occur .+?, ([\d,]+) (?:is|are) kept more often \((.+?)\) and "
        r"([\d,]+) less often \((.+?)\), Benj",
        finding.claim,
    )
    yield "no counts", (counts is None) != ("none occurs often enough" in finding.claim)
    if counts is None:
        return
    tested, more, less = (int(counts[at].replace(",", "")) for at in (1, 2, 4))
    yield "more than were tested", more + less > tested
    for named, count, wanted in ((counts[3], more, 1), (counts[5], less, -1)):
        words = re.findall(r"“(.+?)” ([\d.]+) % against ([\d.]+) %", named)
        yield "named", bool(words) != bool(count)
        for word, kept, expected in words:
            at = {"arm": str(about.depths_of), "term": word}
            yield f"{word}: {wanted}", sign(finding, "lift", 1, **at) != wanted
            yield f"{word}: as printed", wanted * (float(kept) - float(expected)) < 0


def _validity(finding: Finding, about: About) -> Problems:
    claim, table = finding.claim, {one.name: one for one in finding.tables}
    if "calls" in table:
        names = ("changed_predictions", "changed_depths", "beyond_rounding", "back")
        rows = list(zip(*(table["calls"].column(name) for name in names), strict=True))
        differs = [bool(answers or depths) for answers, depths, _, _ in rows]
        wrong = [b > 0 if isinstance(b, float) else d
                 for (_, _, b, _), d in zip(rows, differs, strict=True)]  # fmt: skip
        yield "another model", ("is not the one that was audited" in claim) != any(wrong)
        yield "the audited one", claim.startswith("The model answers as audited") == any(wrong)
        same = re.search(r"in (\d+) of (\d+) ways", claim)
        yield (
            "ways",
            [int(n) for n in same.groups()] != [len(rows) - sum(differs), len(rows)]
            if same
            else not all(wrong),
        )
        yield (
            "rounding",
            ("rounding decides otherwise" in claim) != (any(differs) and not any(wrong)),
        )
        back = any(count for *_, count in rows)
        yield "back", ("; dropped tokens come back" in claim) != back
        yield "none back", ("; no dropped token comes back" in claim) == back
        moved = re.search(r"thresholds (higher|lower) by as much .+? of ([\d.]+) % \(", claim)
        yield "thresholds", (moved is None) != ("moved" not in table)
        if moved:
            level = {"higher": "1.01", "lower": "0.99"}
            both = {
                side: finding.measurement(
                    "moved_predictions", arm=str(about.depths_of), level=at
                ).value
                for side, at in level.items()
            }
            yield "the larger of both", both[moved[1]] != max(both.values(), key=lambda v: v or 0)
            yield "its share", f"{100 * (both[moved[1]] or 0):.1f}" != moved[2]
    trend = next((m for m in finding.measurements if m.name == "accuracy_trend"), None)
    ours = None if trend is None else sign(finding, "accuracy_trend", 0, **trend.at)
    for words, wanted in (
        ("harder lose more accuracy", 1), ("harder lose less accuracy", -1),
        ("o trend shown of", 0), ("o trend of the accuracy lost", None),
    ):  # fmt: skip
        yield words, (words in claim) != (ours == wanted)


def _rationales(finding: Finding, about: About) -> Problems:
    claim, at = finding.claim, {"arm": str(about.depths_of)}
    kept = {
        m.at["layer"]: (sign(finding, "f1_difference", 0, **m.at), m.n)
        for m in finding.measurements
        if m.name == "f1_difference" and "class" not in m.at
    }
    first = re.search(r"kept after layer (\d+) ", claim)
    yield "no layer", (first is None) != ("Nothing is claimed of the kept set" in claim)
    for words, wanted in (
        ("marked more than as many", 1), ("marked less than as many", -1),
        ("are not shown to agree", 0), ("cannot be compared with what people marked", None),
    ):  # fmt: skip
        ours = kept[first[1]] if first else ("none", 0)
        yield words, (words in claim) != (ours[0] == wanted)
    if first and kept[first[1]][0] is not None:
        m = finding.measurement("f1", **at, layer=first[1])
        chance = finding.measurement("f1_chance", **at, layer=first[1])
        assert m.value is not None
        assert chance.value is not None
        yield "F1", f"(token F1 {m.value:.3f}, {chance.value:.3f} by chance" not in claim
        yield "documents", f"; {m.n:,} documents)" not in claim
    for words, wanted in (
        ("they agree more than random", 1), ("they agree less than random", -1),
        ("no difference is shown", 0),
    ):  # fmt: skip
        told = re.search(rf"after layers? ([\d, ]+) {words}", claim)
        layers = [layer for layer, (said, _) in kept.items()
                  if said == wanted and layer != (first or ["", ""])[1]]  # fmt: skip
        yield f"other layers: {words}", (told[1].split(", ") if told else []) != layers
    if "|attribution|" in claim:
        ours_beside = sign(finding, "auprc_change", 0, **at, against="integrated_gradients")
        for words, wanted in (
            ("them more than |attribution|", 1), ("them less than |attribution|", -1),
            ("no difference shown between survival", 0), ("survival cannot be compared", None),
        ):  # fmt: skip
            yield words, (words in claim) != (ours_beside == wanted)


MEASURED = {
    "domain_term": _domain_terms, "faithfulness": _kept_sets, "superficial_cue": _cues,
    "cluster": _clusters, "word_frequency": _words, "validity": _validity,
    "rationale": _rationales,
}  # fmt: skip
