"""Hides the faces in a folder of photos, or in one photo, and needs neither `params.yaml` nor DVC: a command, no stage.

It runs the stages in a folder of its own. The copies of photos that they leave there, for their owner alone, are why
the next call does only what is new.
"""

import argparse
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from stages.anonymize import anonymize
from stages.core.boxes import read_boxes, write_boxes
from stages.core.datasets import Dataset
from stages.core.errors import PipelineError, printable, run_stage
from stages.core.files import new_folder
from stages.core.owned import check_owned, record_files, work_in
from stages.core.parallel import print_summary
from stages.core.params import DataParams, Params, RegionParams
from stages.core.params.validation import validate
from stages.core.paths import CONTACT, DATA, DETECTIONS_FILE, HIDE_FACES, INGEST_REPORT, RAW_FOLDER
from stages.core.people import TABLES
from stages.detect import detect
from stages.export import copy_images
from stages.ingest import ingest
from stages.preset import read_preset
from stages.regions.matching import OVERLAP
from stages.sources.finding import find_sources
from stages.sources.listing import list_places
from stages.sources.review import change_boxes, review_boxes
from stages.sources.signatures import is_litter

HOME = Path(__file__).parents[1] / HIDE_FACES
PHOTO = Path("photo")  # holds the one photo that SOURCE may be
VARIANT = "faces"
WITHOUT, LEFT_OPEN, LEFT_OUT = "without_faces.txt", "left_open.txt", "left_out.txt"
_SHOWN, _LONGEST = 10, 150  # lines of these that are printed, and letters of each
# Method, and the argument that is its strength, with its default.
_METHODS = {
    "mask": ("mask", "value", 128),
    "blur": ("gaussian_blur", "sigma", 20),
    "pixelate": ("pixelation", "block_size", 16),
}


def hide_faces(options: argparse.Namespace) -> None:
    """Hide the faces.

    ::

        OUT/                    OUT_check/
            IMG_1.jpg               0001.jpg, ...       contact sheets, to look for faces that were missed
            2020/IMG_2.png          boxes.csv           all boxes; their numbers on the sheets are its lines
                                    without_faces.txt   photos in which no face is hidden
                                    left_open.txt       photos of faces that were found and are not hidden
                                    left_out.txt        files, and parts of files, that gave no photo
    """
    source, out = options.source.resolve(), options.out.resolve()
    check = out.with_name(f"{out.name}_check")
    if options.review is not None and (options.box or options.keep):  # numbers on the sheets would not be its lines
        raise PipelineError("with `--review`, change the boxes in its table; received: `--box` or `--keep` too")
    _check_places(source, out, check, options.review)
    work = HOME / _digest(source)
    with work_in(work, is_kept=not options.forget):
        parameters = _parameters(_as_folder(source, options.source.name), options)
        left_open = _run_stages(parameters, options)
        images, boxes = Dataset(DATA / VARIANT), read_boxes(DETECTIONS_FILE)
        paths = images.paths()
        without = [path for path in paths if path not in boxes and path not in left_open]
        left_out = list(_left_out(parameters.data))
        with new_folder(check) as checks, new_folder(out) as copies:
            copy_images(images, copies, without if options.only_with_faces else ())
            shutil.copytree(CONTACT / VARIANT, checks, dirs_exist_ok=True)
            shutil.copyfile(DETECTIONS_FILE, checks / "boxes.csv")
            for name, lines in ((WITHOUT, without), (LEFT_OPEN, left_open), (LEFT_OUT, left_out)):
                (checks / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
            record_files(out, copies, HOME)
            record_files(check, checks, HOME)
    if not options.forget:
        print(f"faces: copies of the photos, for the next call, are in {printable(work)}/; `--forget` keeps none")
    fate = "left out" if options.only_with_faces else "copied AS THEY ARE"
    _list(f"{len(without)} photos have no face to hide, and are {fate}", without, check / WITHOUT)
    _list(f"{len(left_out)} files, or parts of them, gave no photo", left_out, check / LEFT_OUT)
    _list(f"{len(left_open)} faces that were found are left open, as you said, in", left_open, check / LEFT_OPEN)
    print(
        f"faces: before you hand {printable(out)}/ on, look for missed faces on the contact sheets in "
        f"{printable(check)}/"
    )
    print_summary(
        f"faces: {len(paths)} photos, {sum(map(len, boxes.values()))} faces hidden, {len(left_open)} left open, "
        f"{len(without)} photos without a face, {len(left_out)} left out"
    )


def read_options(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line, or other arguments."""
    parser = argparse.ArgumentParser(prog="python -m stages.faces", description="Hides the faces in photos.")
    add = parser.add_argument
    add("source", metavar="SOURCE", type=_path, help="a folder of photos, or one photo")
    add("out", metavar="OUT", type=_path, help="a folder: new, empty, or written by an earlier call")
    add("--method", choices=_METHODS, default="mask", help="mask, the default, leaves nothing of a face")
    add("--strength", type=float, metavar="N", help="of blur (20) or pixelate (16), in pixels of a face of 80 pixels")
    box, point = ("PHOTO", "X", "Y", "WIDTH", "HEIGHT"), ("PHOTO", "X", "Y")
    add("--box", action="append", default=[], nargs=5, metavar=box, help="hide this rectangle too, in pixels")
    add("--keep", action="append", default=[], nargs=3, metavar=point, help="leave the face at this point open")
    add("--review", type=_path, metavar="FILE", help="a table of all boxes: written, or read back if you changed it")
    add("--only-with-faces", action="store_true", help="leave photos in which no face is found out of OUT")
    add("--forget", action="store_true", help="keep no copies of the photos for the next call")
    return parser.parse_args(arguments)


def _path(text: str) -> Path:
    return Path(text).absolute()


def _check_places(source: Path, out: Path, check: Path, review: Path | None) -> None:
    for folder in (out, check):
        if folder.is_relative_to(source) or source.is_relative_to(folder):
            raise PipelineError(f"OUT must lie neither within SOURCE nor around it; received: {printable(folder)}")
        check_owned(folder, HOME)
        if review is not None and review.resolve().is_relative_to(folder):
            raise PipelineError(f"the table of `--review` must lie outside OUT; received: {printable(review)}")


def _as_folder(source: Path, name: str) -> Path:
    """Return a folder of photos: the source, or one that holds a copy of the photo that it is."""
    if source.is_dir():
        return source
    if not source.is_file():
        raise PipelineError(f"SOURCE must be a folder or a photo; received: {printable(source)} (no such file)")
    with new_folder(PHOTO) as folder:
        shutil.copyfile(source, folder / name)
    return PHOTO.absolute()


def _parameters(source: Path, options: argparse.Namespace) -> Params:
    method, strength, amount = _METHODS[options.method]
    if options.strength is not None:
        if options.method == "mask":
            raise PipelineError(f"`--strength` has no meaning with `--method mask`; received: {options.strength:g}")
        if not options.strength >= amount / 2:  # nothing, or little, would be hidden
            raise PipelineError(
                f"`--strength` of `--method {options.method}` must be at least {amount / 2:g}; "
                f"received: {options.strength:g}"
            )
        amount = options.strength
    preset, warning = read_preset("faces")
    if warning:
        print(f"faces: {warning}", file=sys.stderr)
    # What cannot be read, or has no face, does not stop the rest.
    data = preset["data"] | {"source": str(source), "max_rejected": 1.0}
    parameters = Params.model_construct(
        data=validate(DataParams, data, ("data",)),
        regions=validate(RegionParams, preset["regions"] | {"boxes": "both", "required": False}, ("regions",)),
        variants={VARIANT: {"method": method, strength: amount, "where": "regions"}},
    )
    parameters.variant(VARIANT)  # checked before the photos are read
    return parameters


def _run_stages(parameters: Params, options: argparse.Namespace) -> list[str]:
    """Return the photo of each face that was found and is not hidden."""
    ingest(parameters=parameters)
    detect(parameters=parameters)
    found, photos = read_boxes(DETECTIONS_FILE), Dataset(RAW_FOLDER)
    boxes = found
    if options.review is not None:
        state = HOME / f"review-{_digest(options.review)}.json"  # of the table, whatever SOURCE it is for
        boxes = review_boxes(boxes, photos, options.review, state)
    boxes = change_boxes(boxes, photos, options.box, options.keep)
    write_boxes(DETECTIONS_FILE, boxes)
    anonymize(VARIANT, parameters=parameters)
    return [
        path
        for path, faces in found.items()
        for face in faces
        if all(face.overlap(box) < OVERLAP for box in boxes.get(path, []))
    ]


def _left_out(data: DataParams) -> Iterator[str]:
    """Yield each file of the source that gave no photo, or more than one, with what is left out."""
    report = json.loads(INGEST_REPORT.read_bytes())
    for file in report["rejected"]:
        yield f"{printable(file['file'])} ({file['reason']})"
    for file in report["notes"]:
        for note, what in (("further_pictures", "further pictures"), ("bytes_after_image", "bytes after the image")):
            if note in file:
                yield f"{printable(file['file'])} ({file[note]} {what})"
    taken = {file.in_source for file in find_sources(data)[0]} | {*TABLES}
    for place in sorted(set(list_places(data)) - taken):
        if not is_litter(place):
            yield f"{printable(place)} (no photo)"


def _list(what: str, lines: list[str], file: Path) -> None:
    if lines:
        more = f", ...; all are in {printable(file)}" if len(lines) > _SHOWN else ""
        print(f"faces: {what}: {', '.join(printable(line)[:_LONGEST] for line in lines[:_SHOWN])}{more}")


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:16]


if __name__ == "__main__":
    run_stage(lambda: hide_faces(read_options()))
