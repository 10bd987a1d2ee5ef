"""Finds out which file of the source a renamed image comes from, in `data/key.csv`: a command, not a stage.

Prints the rows whose image or source file contains a text, after checking that the key belongs to this `data/raw`.
"""

import csv
import sys

from stages.core.errors import printable, run_stage
from stages.core.parallel import print_summary
from stages.core.paths import KEY_FILE, RAW_FOLDER
from stages.sources.key import read_key
from stages.sources.tables import composed


def trace(text: str = "") -> None:
    """Print the rows of the key that contain a text."""
    rows = read_key(RAW_FOLDER)
    found = [row for row in rows if any(composed(text) in composed(path) for path in row[:2])]
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerows([printable(cell) for cell in row] for row in found)
    print_summary(f"trace: {len(found)} of the {len(rows)} rows of {KEY_FILE}")


if __name__ == "__main__":
    run_stage(trace, *sys.argv[1:])
