"""Everything that a probe's author imports."""

from auditkit.finding import (
    ACCURACY,
    CHANGED,
    COST,
    DIFFERENCE,
    KEPT,
    LOST,
    OUTLIVES,
    RESTS,
    SAVED,
    UNCOUNTED,
    Card,
    Cell,
    Chart,
    Column,
    Conclusion,
    Example,
    Finding,
    Interval,
    Mark,
    Measurement,
    Segment,
    Table,
    Undefined,
    Verdict,
    segments,
)
from auditkit.plugin.bench_view import BenchView, GlossaryTerm, IdentityTerm
from auditkit.plugin.claims import claim_of, claim_over, conclusions_of, marks_of
from auditkit.plugin.counting import Rule, word_cells
from auditkit.plugin.decisions import DECISION, changed_decisions
from auditkit.plugin.discovery import Plugin, discover, in_order
from auditkit.plugin.documents import (
    NO_TOKENS,
    choose_documents,
    show_document,
    token_counts,
    tokens_left,
)
from auditkit.plugin.groups import by_group, class_name, classes_of
from auditkit.plugin.probe import (
    CHAPTERS,
    ENGINE,
    GOLD,
    MODELS,
    PRUNING,
    MeasuringProbe,
    Place,
    Probe,
    answer,
    needs,
    not_applicable,
    place_of,
    unmet,
)
from auditkit.plugin.retention import retention_answer
from auditkit.plugin.retention_tables import RANDOM, WORD, adjusted_table, retention_table
from auditkit.plugin.rows import (
    ADJUSTED,
    Label,
    Number,
    Row,
    Told,
    called,
    columns,
    measurement,
    place,
    tabulate,
)
from auditkit.plugin.sentences import (
    bounds,
    by_direction,
    compare,
    direction,
    figure,
    in_line,
    percent,
    places_of,
    signed,
)
from auditkit.plugin.swaps import NO_SWAPS, SLOT, TEMPLATES, Ground, Identity, Swaps
from auditkit.plugin.tag_names import TAG_NAMES, outlive, tag_name
from auditkit.plugin.terms import TERM_NOTE, term_numbers, term_row, term_table
from auditkit.plugin.titles import Telling
from auditkit.ranges import Fraction, Natural, Positive, Resamples, Rows
from auditkit.stats.estimates import Estimate
from auditkit.trace import (
    ARMS,
    NO_LABEL,
    About,
    AnnotatorAbout,
    Answers,
    BudgetAbout,
    Documents,
    Shard,
    Trace,
    arm,
)

__all__ = [
    "ACCURACY", "ADJUSTED", "ARMS", "CHANGED", "CHAPTERS", "COST", "DECISION", "DIFFERENCE",
    "ENGINE", "GOLD", "KEPT", "LOST", "MODELS", "NO_LABEL", "NO_SWAPS", "NO_TOKENS", "OUTLIVES",
    "PRUNING", "RANDOM", "RESTS", "SAVED", "SLOT", "TAG_NAMES", "TEMPLATES", "TERM_NOTE",
    "UNCOUNTED", "WORD",
    "About",
    "AnnotatorAbout", "Answers", "BenchView", "BudgetAbout", "Card", "Cell", "Chart", "Column",
    "Conclusion", "Documents", "Estimate", "Example", "Finding", "Fraction", "GlossaryTerm",
    "Ground", "Identity", "IdentityTerm", "Interval", "Label", "Mark", "Measurement",
    "MeasuringProbe", "Natural", "Number", "Place", "Plugin", "Positive", "Probe", "Resamples",
    "Row", "Rows", "Rule", "Segment", "Shard", "Swaps", "Table", "Telling", "Told", "Trace",
    "Undefined", "Verdict", "adjusted_table", "answer", "arm", "bounds", "by_direction", "by_group",
    "called", "changed_decisions", "choose_documents", "claim_of", "claim_over", "class_name",
    "classes_of", "columns", "compare", "conclusions_of", "direction", "discover", "figure",
    "in_line", "in_order", "marks_of", "measurement", "needs", "not_applicable", "outlive",
    "percent", "place", "place_of", "places_of", "retention_answer", "retention_table",
    "segments", "show_document", "signed", "tabulate", "tag_name", "term_numbers", "term_row",
    "term_table", "token_counts", "tokens_left", "unmet", "word_cells",
]  # fmt: skip
