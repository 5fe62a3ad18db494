"""What do several processes save in recording? All of them side by side in one run.

    python benchmarks/workers.py --model CKPT --dataset agnews --data-dir DATA --documents 4096

Every round records the same documents into new folders with each number of processes in turn; every
other round goes backwards. One process uses all cores with the threads of its libraries, of several
each has one thread. What opening the models takes is part of it. The traces are compared byte by
byte. Figures are medians over the rounds.
"""

import argparse
import json
import os
import shutil
import statistics
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from auditkit.bench.opening import open_bench
from auditkit.bench.settings import ModelSettings
from auditkit.bench.speed import alternate
from auditkit.cli.bars import bars
from auditkit.data.annotate import load_annotator
from auditkit.data.examples import load_dataset
from auditkit.data.settings import DataSettings
from auditkit.files import Folder
from auditkit.ltp.checkpoints import quiet
from auditkit.record.recording import record
from auditkit.record.settings import RecordingSettings


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--data-dir")
    parser.add_argument("--documents", type=int, default=4096)
    parser.add_argument("--workers", default=f"1,{os.cpu_count()}", help="processes, as 1,2,4")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    counts = [int(count) for count in given.workers.split(",")]
    with tempfile.TemporaryDirectory() as home, bars() as bar:
        bar("open models", 0, 0)
        run = _recording(given.model, given.dataset, given.data_dir, given.documents, Path(home))
        variants = {str(count): partial(run, count) for count in counts}
        seconds = alternate(variants, given.rounds, partial(bar, "record"))
        same = len({_contents(Path(home, str(count))) for count in counts}) == 1
    first = seconds[str(counts[0])]
    rows = []
    for count in map(str, counts):
        ratios = [one / other for one, other in zip(first, seconds[count], strict=True)]
        median = statistics.median(seconds[count])
        rows.append({"workers": int(count), "seconds": seconds[count], "ratio": ratios})
        print(
            f"{count} processes: {median:.1f} s, {given.documents / median:.1f} documents/s, "
            f"{statistics.median(ratios):.2f} times as fast as {counts[0]} "
            f"({min(ratios):.2f} to {max(ratios):.2f})"
        )
    print("the traces are the same, byte for byte" if same else "THE TRACES DIFFER")
    if given.json:
        told = {"documents": given.documents, "cores": os.cpu_count(), "same": same, "rows": rows}
        given.json.write_text(json.dumps(told, indent=1) + "\n")
    raise SystemExit(not same)


def _recording(
    model: str, name: str, data_dir: str | None, documents: int, home: Path
) -> Callable[[int], None]:
    """What records into a new folder of `home`, named by the number of processes."""
    quiet()
    bench = open_bench(ModelSettings(model=model))
    asked = DataSettings(dataset=name, data_dir=data_dir, limit=documents)
    dataset, annotator = load_dataset(asked, label_names=bench.labels), load_annotator()
    bench = bench.grouped(dataset.matching.classes)

    def run(workers: int) -> None:
        folder = home / str(workers)
        shutil.rmtree(folder, ignore_errors=True)
        settings = RecordingSettings(workers=workers)
        record(bench, dataset, annotator, settings, Folder(folder))

    return run


def _contents(folder: Path) -> tuple[tuple[str, bytes], ...]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return tuple((str(path.relative_to(folder)), path.read_bytes()) for path in files)


if __name__ == "__main__":
    main()
