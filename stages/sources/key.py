"""The key: which file of the source each renamed image comes from, in `data/key.csv`, for its owner alone."""

import csv
import hashlib
import io
import os
from pathlib import Path

from stages.core.errors import PipelineError
from stages.core.files import replace_file
from stages.core.parallel import map_ordered
from stages.core.paths import KEY_FILE
from stages.core.store import digest_of
from stages.sources.outcomes import Outcomes

_COLUMNS = ["image", "source", "reason"]
_BELONGS = "# belongs to the data/raw with the SHA-256 "


def remove_key() -> None:
    """Remove the key, and what a killed process left of one, before its images change."""
    for file in [KEY_FILE, *KEY_FILE.parent.glob(f".{KEY_FILE.name}.*")]:
        file.unlink(missing_ok=True)


def write_key(outcomes: Outcomes, raw: Path) -> None:
    """Write which file of the source each image comes from, and the files that gave none, for their owner alone."""
    table = io.StringIO()
    table.write(_BELONGS + _digest(raw) + "\n")
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(_COLUMNS)
    writer.writerows(sorted((image.path, image.source.in_source, "") for image in outcomes.kept))
    writer.writerows(sorted(("", image.source.in_source, image.rejected) for image in outcomes.rejected))
    writer.writerows(
        sorted(("", image.source.in_source, f"{image.relation} {test}") for image, test in outcomes.dropped)
    )
    with replace_file(KEY_FILE) as partial:
        # Never readable by others, not even while it is empty.
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(table.getvalue().encode(errors="surrogateescape"))


def read_key(raw: Path) -> list[tuple[str, str, str]]:
    """Read what `write_key` wrote."""
    if not KEY_FILE.is_file():
        raise PipelineError(f"`{KEY_FILE}` is missing; only `data.rename: true` makes one, at the end of `ingest`")
    with KEY_FILE.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        if file.readline() != f"{_BELONGS}{_digest(raw)}\n":
            raise PipelineError(f"`{KEY_FILE}` belongs to another {raw}; run `dvc repro -f ingest` to make both anew")
        return [(row["image"], row["source"], row["reason"]) for row in csv.DictReader(file)]


def _digest(folder: Path) -> str:
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    digest = hashlib.sha256()
    contents = map_ordered(lambda file: bytes.fromhex(digest_of([file])), files, total=len(files), label="key")
    for file, content in zip(files, contents, strict=True):
        digest.update(os.fsencode(file.relative_to(folder)) + b"\0" + content)
    return digest.hexdigest()
