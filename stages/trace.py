"""Finds out which file of the source a renamed image comes from, in `data/key.csv`: a command, not a stage.

Prints the rows whose image or source file contains a text, after checking that the key belongs to this `data/raw`.
"""

import csv
import sys
from pathlib import Path

from stages.core.errors import run_stage, shown
from stages.core.parallel import finish
from stages.sources.key import KEY, read_key
from stages.sources.places import composed

RAW_FOLDER = Path("data/raw")


def trace(text: str = "") -> None:
    """Print the rows of the key that contain a text."""
    rows = read_key(RAW_FOLDER)
    found = [row for row in rows if any(composed(text) in composed(path) for path in row[:2])]
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerows([shown(cell) for cell in row] for row in found)
    finish(f"trace: {len(found)} of the {len(rows)} rows of {KEY}")


if __name__ == "__main__":
    run_stage(trace, *sys.argv[1:])
