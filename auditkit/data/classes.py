"""The classes of a data set as they are audited, and how they were matched with the model's."""

from dataclasses import dataclass
from typing import Literal

from auditkit.data.labels import folded
from auditkit.trace import Class

MatchedBy = Literal["name", "index", "labels", "own", "nothing"]
"""`labels`: as --labels says; `own`: there is no model yet, the data's own names are taken;
`nothing`: the data have no labels."""


@dataclass(frozen=True, slots=True)
class Matching:
    """The classes in the model's order, and how they were found."""

    by: MatchedBy
    classes: tuple[Class, ...]
    assumed: bool = False
    """Whether one side alone has names, so that nothing but the order speaks for the matching."""

    @property
    def index(self) -> dict[str, int]:
        """Index of the class by the data's name for it, `folded`."""
        pairs = enumerate(self.classes)
        return {folded(name): index for index, one in pairs for name in one.data}

    @property
    def told(self) -> str:
        """The matching in a sentence or two, for people."""
        if self.by == "nothing":
            return "classes of the model: the data have no labels"
        pairs = [f"{' + '.join(one.data)} → {one.name}" for one in self.classes if one.data]
        how = {
            "name": "matched by name",
            "index": f"matched by their numbers: {', '.join(pairs)}",
            "labels": f"matched as --labels says: {', '.join(pairs)}",
            "own": "those of the data",
        }[self.by]
        merged = [one for one in self.classes if len(one.data) > 1 or len(one.model) > 1]
        absent = [one.name for one in self.classes if not one.data]
        parts = [f"classes {how}"]
        if self.by in ("name", "own"):
            parts += [f"{' and '.join(one.data)} are one class" for one in merged]
        parts += [
            f"of {one.name} the model's {len(one.model)} classes are added up"
            for one in merged
            if len(one.model) > 1
        ]
        if absent:
            parts.append(f"no row is {' or '.join(absent)}")
        return "; ".join(parts)
