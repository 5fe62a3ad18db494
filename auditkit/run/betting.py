"""Gates `on: anytime`: bets on paired accuracy that a run directory carries from run to run.

The models stay, the data grows: whoever looks every night bets on the new documents alone. What the
bets have come to, and on which documents, lies in `anytime.json`, by models and limit.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from auditkit.errors import TraceError
from auditkit.files import Folder
from auditkit.run.gates import Gate
from auditkit.stats.anytime import Bets, by_hash
from auditkit.trace import Trace
from auditkit.trace.arms import Role

BETS = "anytime.json"

_PAIR: Mapping[str, Role] = {"arm": "audited", "against": "reference"}


class Game(BaseModel):
    """The bets of one limit on one pair of models."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    models: tuple[str, str]
    """SHA-256 of the model under audit and of its reference."""
    address: str
    at_least: float
    """In points."""
    bets: Bets
    counted: tuple[str, ...] = ()
    """Ids of the documents bet on, sorted."""


_GAMES: TypeAdapter[tuple[Game, ...]] = TypeAdapter(tuple[Game, ...])


def bet(gates: Sequence[Gate], trace: Trace, directory: Folder) -> dict[Gate, Bets | str]:
    """What the bets of every gate `on: anytime` have come to, or why there are none.

    Documents that an earlier run has bet on are known by their ids and are not bet on again.

    Args:
        gates: Of any kind.
        trace: What the models answered, on all documents.
        directory: Of the run; what was bet is written down there.

    Raises:
        TraceError: `anytime.json` cannot be read: a fresh start would be another look.
    """
    asked = [gate for gate in gates if gate.on == "anytime"]
    if not asked:
        return {}
    games = {(g.models, g.address, g.at_least): g for g in _read(directory)}
    come_to: dict[Gate, Bets | str] = {}
    for gate in asked:
        if reason := _not_paired(gate, trace):
            come_to[gate] = reason
            continue
        models = (trace.about.subjects["model"].sha256, trace.about.subjects["baseline"].sha256)
        key = (models, gate.address, gate.limit)
        fresh = Game(
            models=models, address=gate.address, at_least=gate.limit,
            bets=Bets(margin=-gate.limit / 100),
        )  # fmt: skip
        games[key] = _gone_on(games.get(key, fresh), gate, trace)
        come_to[gate] = games[key].bets
    directory.write(BETS, _GAMES.dump_json(tuple(games.values()), indent=1))
    return come_to


def _not_paired(gate: Gate, trace: Trace) -> str:
    """Why there is nothing to bet on: no labels, or no such pair of arms; "" where there is."""
    if not trace.about.dataset.labelled:
        return "bets are on right answers, and the data have no labels"
    if all(gate.parsed.at.get(key) in trace.about.in_role(role) for key, role in _PAIR.items()):
        return ""
    return "bets are on the arm under audit against its reference, and this run has no such pair"


def _gone_on(game: Game, gate: Gate, trace: Trace) -> Game:
    """The game after the documents of the trace that were not bet on yet."""
    documents, at = trace.documents, gate.parsed.at
    model, reference = (documents.answers(at[key]) for key in ("arm", "against"))
    assert model is not None
    assert reference is not None
    right, wanted = (answers.predicted[:, 0] == documents.label for answers in (model, reference))
    new = np.flatnonzero(~np.isin(documents.ids.astype(str), game.counted))
    new = new[by_hash([str(documents.ids[row]) for row in new])]
    change = right[new].astype(np.int64) - wanted[new]
    counted = sorted({*game.counted, *map(str, documents.ids[new])})
    return game.model_copy(update={"bets": game.bets.after(change), "counted": tuple(counted)})


def _read(directory: Folder) -> tuple[Game, ...]:
    if not directory.has(BETS):
        return ()
    try:
        return _GAMES.validate_json(directory.read(BETS))
    except ValidationError as error:
        raise TraceError(
            f"{directory}: {BETS} cannot be read; restore it, or give another run directory"
        ) from error
