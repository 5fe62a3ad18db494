"""A run as JUnit XML, which the pages of GitHub, GitLab, Jenkins and others show as tests."""

from collections import Counter
from xml.etree import ElementTree

from auditkit.finding import Results
from auditkit.outputs.cases import SUITES, Case, Outcome, cases

TAGS: dict[Outcome, str] = {"failed": "failure", "undecided": "skipped", "broke": "error"}
"""What stands inside of a case, by outcome; its type is auditkit's own word."""
COUNTS: dict[str, Outcome] = {"failures": "failed", "errors": "broke", "skipped": "undecided"}


def junit(audit: Results) -> str:
    """The document: one suite of gates, one of probes. Same audit, same text.

    A case that decided nothing is skipped, and its message begins with what it is: `inconclusive`.
    """
    told, root = cases(audit), ElementTree.Element("testsuites", {"name": "auditkit"})
    _count(root, told)
    for name in SUITES:
        some = [case for case in told if case.suite == name]
        suite = ElementTree.SubElement(root, "testsuite", {"name": f"auditkit.{name}"})
        _count(suite, some)
        for case in some:
            _add(suite, case)
    ElementTree.indent(root, " ")
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _count(element: ElementTree.Element, told: list[Case]) -> None:
    counts = Counter(case.outcome for case in told)
    element.set("tests", str(len(told)))
    for name, outcome in COUNTS.items():
        element.set(name, str(counts[outcome]))


def _add(suite: ElementTree.Element, case: Case) -> None:
    name = {"classname": f"auditkit.{case.suite}", "name": case.name}
    told = ElementTree.SubElement(suite, "testcase", name)
    if case.outcome == "passed":
        ElementTree.SubElement(told, "system-out").text = case.told
        return
    shown = {"type": case.status, "message": f"{case.status}: {case.told}"}
    ElementTree.SubElement(told, TAGS[case.outcome], shown)
