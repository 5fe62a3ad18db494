"""What a reader must bear in mind about an audit: it follows from which arms were run."""

from auditkit.trace import ARMS, About


def limits(about: About) -> list[str]:
    """One sentence each, in the order of the table of arms.

    What is said of an arm that was not run is about differences from the baseline, and is left out
    where there is none.
    """
    found = []
    for arm in ARMS:
        if arm.name in about.arms:
            found.append(arm.present)
        elif about.baseline is not None:
            found.append(arm.absent)
    return [sentence for sentence in found if sentence]
