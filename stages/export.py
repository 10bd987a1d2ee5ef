"""Writes a data set, of files or shards, as plain image files into a new folder: a command, not a stage."""

import sys
from collections.abc import Collection, Iterator
from pathlib import Path

from stages.core.datasets import Dataset, Part, write_part
from stages.core.errors import PipelineError, printable, run_stage
from stages.core.files import new_folder
from stages.core.lock import differences, open_repo
from stages.core.parallel import count_image, map_bounded, print_summary, progress
from stages.core.params import RAW, Params, load_params
from stages.core.paths import DATA, LOCK_FILE, RAW_FOLDER


def export(dataset: str, folder: str) -> None:
    """Write the images of a data set, byte by byte as they are there.

    ::

        folder/
            train/<class>/[<folder>/...]<name>.png
            test/<class>/[<folder>/...]<name>.png
    """
    params = load_params()
    if dataset != RAW:
        params.variant(dataset)
    target = _check_target(folder, params)
    _check_current(dataset)
    with new_folder(target) as partial:
        count = copy_images(Dataset(DATA / dataset), partial)
    print_summary(f"export: {count} images of {DATA / dataset}/ into {printable(folder)}/")
    if dataset == RAW:
        print(f"export: warning: {RAW_FOLDER}/ holds the originals, in which people can be seen as they are")


def copy_images(source: Dataset, folder: Path, left_out: Collection[str] = ()) -> int:
    """Write the images of a data set as plain files, no links, but for some paths; return how many."""
    parts = [Part(part.name, tuple(path for path in part.paths if path not in left_out)) for part in source.parts()]
    with progress(total=sum(map(len, parts)), label="export") as bar:
        # Threads of this machine, as no other one needs to see the folder.
        for part, _ in zip(parts, map_bounded(lambda part: _write(source, part, folder), parts), strict=True):
            bar.update(len(part))
    return sum(map(len, parts))


def _check_current(dataset: str) -> None:
    """Refuse images of another source, of other params, or of a run that DVC has not finished."""
    folder, stage = DATA / dataset, "ingest" if dataset == RAW else f"anonymize@{dataset}"
    if not folder.is_dir():
        raise PipelineError(f"`{folder}` is missing; `dvc repro` or `dvc pull` makes it")
    with open_repo() as repo:
        changed = differences(repo, stage)
        (out,) = (out for out in repo.index.outs if Path(out.fs_path) == folder.resolve())
        changed += [str(LOCK_FILE)] if out.changed_checksum() else []
    if changed:
        raise PipelineError(f"`{folder}` is not of the present {', '.join(changed)}; run `dvc repro {stage}` first")


def _check_target(folder: str, params: Params) -> Path:
    target = Path(folder).resolve()  # where a link leads
    for place in (DATA, Path(params.data.source)):
        if target.is_relative_to(place.resolve()):
            raise PipelineError(f"the folder must lie outside `{printable(place)}`; received: {printable(folder)}")
    if target.is_mount():
        raise PipelineError(f"the folder must lie below the mount point; received: {printable(folder)}")
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise PipelineError(f"the folder must be new or empty; received: {printable(folder)}")
    return target


def _write(source: Dataset, part: Part, folder: Path) -> None:
    def images() -> Iterator[tuple[str, bytes]]:
        for path, content in source.read_part(part):
            yield path, content
            count_image()

    write_part(folder, part.name, images(), as_shard=False)


if __name__ == "__main__":
    run_stage(export, *sys.argv[1:])
