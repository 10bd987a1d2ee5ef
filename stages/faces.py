"""Hides the faces in a folder of photos, or in one photo, and needs neither `params.yaml` nor DVC: a command, no stage.

It runs the stages in a folder of its own, which holds copies of the photos, for their owner alone, so that the next
call only does what is new.
"""

import argparse
import contextlib
import fcntl
import hashlib
import io
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from stages.anonymize import CONTACT, anonymize
from stages.core.boxes import DETECTIONS_FILE, Box, read_boxes, write_boxes
from stages.core.datasets import Dataset
from stages.core.errors import PipelineError, run_stage, shown
from stages.core.files import PARTIAL, new_folder
from stages.core.kept import read_state, write_state
from stages.core.parallel import CLUSTER_VARIABLE, finish
from stages.core.params import DataParams, Params, RegionParams
from stages.core.people import TABLES
from stages.detect import detect
from stages.export import DATA, copy_images
from stages.ingest import RAW_FOLDER, REPORT, ingest
from stages.sources.finding import find_sources, link_limit
from stages.sources.listing import list_places
from stages.sources.signatures import is_litter

HOME = Path(__file__).parents[1] / PARTIAL / "hide-faces"
CHECK = "_check"  # ends the name of the folder beside OUT
VARIANT = "faces"
PHOTO = Path("photo")  # holds the one photo that SOURCE may be
WITHOUT, LEFT_OUT = "without_faces.txt", "left_out.txt"
SHOWN = 20  # file names of a list that are printed
# The last argument is the strength.
_METHODS: dict[str, dict] = {
    "mask": {"method": "mask", "value": 128},
    "blur": {"method": "gaussian_blur", "sigma": 20},
    "pixelate": {"method": "pixelation", "block_size": 16},
}
_DATA = {
    "classes": "none",
    "layout": "files",
    "shard_images": 1000,
    "follow_outside_links": False,
    "test_fraction": 0.2,
    "max_side": None,
    "max_per_class": None,
    "max_pixels": 100_000_000,
    "image_format": "keep",
    "max_rejected": 1.0,
    "rename": False,
    "identity_pattern": None,
    "group_pattern": None,
    "seed": 0,
}
_REGIONS = {
    "boxes": "both",
    "detector": "mtcnn",
    "threshold": 0.8,
    "smallest_face": 20,
    "max_side": None,
    "required": False,
}


def hide_faces(options: argparse.Namespace) -> None:
    """Hide the faces.

    ::

        OUT/                    OUT_check/
            IMG_1.jpg               0001.jpg, ...       contact sheets, to look for faces that were missed
            2020/IMG_2.png          without_faces.txt   photos in which no face was found
                                    left_out.txt        files that gave no photo, and why

    Parameters
    ----------
    options : argparse.Namespace
        From `read_options`.

    Raises
    ------
    PipelineError
        If a stage cannot do its work, OUT is not what an earlier call wrote, or a box is in no photo.
    """
    source, out = options.source.resolve(), options.out.resolve()
    check = out.with_name(f"{out.name}{CHECK}")
    for folder in (out, check):
        _refuse(folder, source)
    HOME.mkdir(mode=0o700, parents=True, exist_ok=True)
    HOME.chmod(0o700)
    work = HOME / _digest(source)
    with (HOME / "lock").open("w") as lock, _at_work(work, lock):
        parameters = _parameters(_as_folder(source, options.source.name), options)
        _run_stages(parameters, options)
        images = Dataset(DATA / VARIANT)
        boxes, paths = read_boxes(DETECTIONS_FILE), images.paths()
        without = [path for path in paths if path not in boxes]
        left_out = list(_left_out(parameters.data))
        with new_folder(check) as checking, new_folder(out) as copied:
            copy_images(images, copied, without if options.only_with_faces else ())
            shutil.copytree(CONTACT / VARIANT, checking, dirs_exist_ok=True)
            for name, lines in ((WITHOUT, without), (LEFT_OUT, left_out)):
                (checking / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
            for folder, new in ((out, copied), (check, checking)):
                write_state(_record(folder), sorted(_files(folder) | _files(new)))
    if options.forget:
        shutil.rmtree(work)
    fate = "left out" if options.only_with_faces else "copied AS THEY ARE"
    _list(f"no face found in {len(without)} photos, which are {fate}", without, check / WITHOUT)
    _list(f"{len(left_out)} files could not be taken and are left out", left_out, check / LEFT_OUT)
    print(f"faces: look for missed faces on the contact sheets in {shown(check)}/ before you hand {shown(out)}/ on")
    count = sum(map(len, boxes.values()))
    finish(
        f"faces: {len(paths)} photos, {count} faces hidden, {len(without)} photos without a face, "
        f"{len(left_out)} files left out"
    )


def read_options(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m stages.faces", description=__doc__.split(",")[0])
    parser.add_argument("source", metavar="SOURCE", type=Path, help="a folder of photos, or one photo")
    parser.add_argument("out", metavar="OUT", type=Path, help="a new folder, or one that an earlier call wrote")
    parser.add_argument("--method", choices=_METHODS, default="mask", help="a mask hides most (default)")
    parser.add_argument("--strength", type=float, metavar="N", help="of blur (20) or pixelate (16), for a face of 80")
    box = {"action": "append", "default": [], "nargs": 5, "metavar": ("PHOTO", "X", "Y", "WIDTH", "HEIGHT")}
    parser.add_argument("--box", help="hide this rectangle too, in pixels", **box)
    keep = {"action": "append", "default": [], "nargs": 3, "metavar": ("PHOTO", "X", "Y")}
    parser.add_argument("--keep", help="leave the face at this point open", **keep)
    parser.add_argument("--review", type=Path, metavar="FILE", help="a table of the boxes, to write and to read back")
    parser.add_argument("--only-with-faces", action="store_true", help="leave photos without a face out of OUT")
    parser.add_argument("--forget", action="store_true", help="keep no copies of the photos for the next call")
    return parser.parse_args(arguments)


@contextlib.contextmanager
def _at_work(work: Path, lock: TextIO) -> Iterator[None]:
    """Work in a folder, where no other call does at the same time; what stages print of their files is dropped."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise PipelineError("another call of this command is at work: wait for it") from None
    work.mkdir(exist_ok=True)
    before = Path.cwd()
    os.chdir(work)
    os.environ.pop(CLUSTER_VARIABLE, None)  # its workers do not see this folder
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        os.chdir(before)


def _as_folder(source: Path, name: str) -> Path:
    """Return a folder of photos: the source, or one that holds a copy of the photo that it is."""
    if source.is_dir():
        return source
    if not source.is_file():
        raise PipelineError(f"SOURCE must be a folder or a photo; received: {shown(source)} (no such file)")
    with new_folder(PHOTO) as folder:
        shutil.copyfile(source, folder / name)
    return PHOTO.absolute()


def _parameters(source: Path, options: argparse.Namespace) -> Params:
    variant = _METHODS[options.method] | {"where": "regions"}
    if options.strength is not None:
        if options.method == "mask":
            raise PipelineError(f"`--strength` has no meaning with `--method mask`; received: {options.strength:g}")
        variant[list(_METHODS[options.method])[-1]] = options.strength
    sections = {"data": DataParams(source=str(source), **_DATA), "regions": RegionParams(**_REGIONS)}
    parameters = Params.model_construct(**sections, variants={VARIANT: variant}, datasets=["raw"])
    parameters.variant(VARIANT)  # checked before the photos are
    return parameters


def _run_stages(parameters: Params, options: argparse.Namespace) -> None:
    ingest(parameters=parameters)
    detect(parameters=parameters)
    boxes = read_boxes(DETECTIONS_FILE)
    photos = Dataset(RAW_FOLDER).paths()
    write_boxes(DETECTIONS_FILE, boxes)
    anonymize(VARIANT, parameters=parameters)


def _left_out(data: DataParams) -> Iterator[str]:
    """Yield each file of the source that gave no photo, with the reason."""
    for file in json.loads(REPORT.read_bytes())["rejected"]:
        yield f"{shown(file['file'])}: {file['reason']}"
    files, _ = find_sources(data)
    for place in sorted(set(list_places(Path(data.source), link_limit(data))) - {file.in_source for file in files}):
        if not is_litter(place) and place not in TABLES:
            yield f"{shown(place)}: no photo"


def _list(what: str, lines: list[str], file: Path) -> None:
    if lines:
        more = f", ... all are in {shown(file)}" if len(lines) > SHOWN else ""
        print(f"faces: {what}: {', '.join(map(shown, lines[:SHOWN]))}{more}")


def _refuse(folder: Path, source: Path) -> None:
    """Refuse to write to a folder that an earlier call did not write as it is, or that would hold a photo's source."""
    if folder.is_relative_to(source) or source.is_relative_to(folder):
        raise PipelineError(f"OUT must lie neither within SOURCE nor around it; received: {shown(folder)}")
    if folder.is_mount() or (folder.exists() and not folder.is_dir()):
        raise PipelineError(f"OUT must be a folder below a mount point; received: {shown(folder)}")
    unknown = sorted(_files(folder) - set(read_state(_record(folder)) or []))
    if unknown:
        name = unknown[0].split(" ", 2)[2]
        raise PipelineError(
            f"OUT must be new, empty, or as an earlier call wrote it; received: {shown(folder)}, with {shown(name)}"
        )


def _files(folder: Path) -> set[str]:
    files = ((file, file.lstat()) for file in folder.rglob("*") if file.is_symlink() or not file.is_dir())
    return {f"{status.st_size} {status.st_mtime_ns} {file.relative_to(folder)}" for file, status in files}


def _record(folder: Path) -> Path:
    return HOME / f"{_digest(folder)}.json"


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:16]


def _main() -> None:
    hide_faces(read_options())


if __name__ == "__main__":
    run_stage(_main)
