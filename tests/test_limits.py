from typing import Any

import pytest
import report_case

from auditkit.trace import ARMS, About

OF_THE_MODEL = ("unpruned", "pruned")


def about(*arms: str) -> About:
    """A run of these arms, each on the subject that the table of arms names."""
    plain: dict[str, Any] = report_case.about()
    model = plain["subjects"]["model"]
    run = [arm for arm in ARMS if arm.name in arms]
    return About.model_validate(
        plain
        | {
            "subjects": {"model": model} | {arm.subject: model for arm in run},
            "runs": [{"name": a.name, "subject": a.subject, "documents": 7600} for a in run],
        }
    )


@pytest.mark.parametrize("more", [(), ("continued",), ("reseeded",), ("continued", "reseeded")])
def test_each_arm_says_what_its_presence_or_absence_means(more: tuple[str, ...]) -> None:
    run = ("baseline", *OF_THE_MODEL, *more)
    expected = []
    for arm in ARMS:
        told = (arm.present, arm.trained) if arm.name in run else (arm.absent,)
        expected += [sentence for sentence in told if sentence]
    assert about(*run).limits == expected
    assert any("No noise floor" in line for line in expected) is ("reseeded" not in more)


def test_without_a_baseline_nothing_is_said_of_arms_that_were_not_run() -> None:
    run = [arm for arm in ARMS if arm.name in OF_THE_MODEL]
    told = [sentence for arm in run for sentence in (arm.present, arm.trained) if sentence]
    assert told
    assert about(*OF_THE_MODEL).limits == told


def test_weights_that_were_not_trained_for_it_have_no_masks_of_their_own() -> None:
    plain = about("baseline", *OF_THE_MODEL)
    model = plain.model.model_copy(update={"dropper": "topk 1"})
    other = plain.model_copy(update={"subjects": plain.subjects | {"model": model}})
    (adapted,) = [arm.trained for arm in ARMS if arm.trained]
    assert other.kind == "dropper"
    assert adapted in plain.limits
    assert adapted not in other.limits
    assert not any("more training" in line for line in other.limits)


def test_an_arm_that_was_run_brings_its_caveat() -> None:
    (told,) = [arm.present for arm in ARMS if arm.name == "random"]
    assert told
    assert told in about(*OF_THE_MODEL, "random").limits
    assert told not in about(*OF_THE_MODEL).limits
