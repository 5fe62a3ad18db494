"""How far a probe is that asks the models."""

from collections.abc import Callable


class Counting:
    """One count over all that is asked, so that no bar begins again with the next question."""

    def __init__(self, progress: Callable[[int, int], None]) -> None:
        """Nothing is asked yet.

        Args:
            progress: Told (done, expected) questions; expected is 0 where more are asked than were
                expected, and nobody knows how many follow.
        """
        self._progress, self._done, self._expected = progress, 0, 0

    def expect(self, questions: int) -> None:
        """So many will be asked in all; unless this is said, as many as are asked first."""
        self._expected = questions

    def __call__(self, questions: int, read: int | None = None) -> Callable[[int], None]:
        """So many are asked now.

        Args:
            questions: How many.
            read: How many of them the models read, where some are alike; None: all.

        Returns:
            What is told how many were read, batch by batch.
        """
        self._expected = self._expected or questions
        before, seen = self._done, 0

        def on_batch(count: int) -> None:
            nonlocal seen
            seen += count
            self._done = before + (seen * questions // read if read else seen)
            self._progress(self._done, self._expected if self._done <= self._expected else 0)

        return on_batch
