"""Compares how images are decoded here with libvips: ``python -m tests.decoders FOLDER``.

Decodes each file below the folder both ways, says how many agree within 2 levels, and lists the others. It needs
the package `pyvips[binary]`, which is no part of the pipeline.
"""

import argparse
import sys
import warnings
from collections import defaultdict
from pathlib import Path

import numpy as np

from stages.core.errors import line_of, printable
from stages.core.params import load_params
from stages.sources.decoding import Decoded, decode_image
from stages.sources.files import RejectedImage
from stages.sources.signatures import HEAD, is_litter, may_be_image, suffix_of
from tests.clones import ROOT
from tests.strange.odd import TURNS

AGREE = 2  # levels


def decode_with_vips(content: bytes) -> np.ndarray:
    """Decode with libvips to what `decode_image` promises: upright, sRGB, on white."""
    import pyvips

    image = pyvips.Image.new_from_buffer(content, "").autorot()
    if "icc-profile-data" in image.get_fields():
        image = image.icc_transform("srgb", intent="relative", black_point_compensation=True, depth=8)
    image = image.colourspace("srgb")
    if image.hasalpha():
        image = image.flatten(background=255)
    return image.cast("uchar").numpy()[..., :3]


def agree(image: np.ndarray, expected: np.ndarray) -> bool:
    """Say whether two images are the same within `AGREE` levels."""
    return image.shape == expected.shape and np.abs(image.astype(int) - expected).max() <= AGREE


def compare(content: bytes, max_pixels: int) -> tuple[str, str]:
    """Return what came out of a file, and more about it."""
    try:
        ours: Decoded | str = decode_image(content, max_pixels=max_pixels)
    except RejectedImage as error:
        ours = str(error)
    try:
        theirs: np.ndarray | str = decode_with_vips(content)
    except Exception as error:
        theirs = line_of(error)[:100]
    if isinstance(ours, str) or isinstance(theirs, str):
        which = (isinstance(ours, str), isinstance(theirs, str))
        about = [outcome for outcome in (ours, theirs) if isinstance(outcome, str)]
        said = {(True, True): "neither decodes it", (True, False): "libvips alone decodes it"}
        return said.get(which, "decoded here alone"), "; ".join(about)
    notes = ", ".join(ours.notes)
    if agree(ours.pixels, theirs):
        return "agree", ""
    if any(agree(ours.pixels, turn(theirs)) for turn in TURNS.values()):
        return "turned, as one of the two does not read the orientation where it stands", notes
    if ours.pixels.shape[:2] != theirs.shape[:2]:
        sizes = [f"{image.shape[1]} x {image.shape[0]}" for image in (ours.pixels, theirs)]
        return "another size", " and ".join(sizes) + f" {notes}"
    difference = np.abs(ours.pixels.astype(int) - theirs)
    return "other levels", f"up to {difference.max()}, on average {difference.mean():.2f} {notes}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.decoders", description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--max-pixels", type=int, default=load_params(ROOT / "params.yaml").data.max_pixels)
    options = parser.parse_args()
    try:
        import pyvips  # noqa: F401, told at once if it is missing
    except ImportError:
        sys.exit("error: libvips is needed to compare with; run `pip install 'pyvips[binary]'`")
    warnings.simplefilter("ignore")
    outcomes: dict[str, list[str]] = defaultdict(list)
    for file in sorted(file for file in options.folder.rglob("*") if file.is_file()):
        path, content = file.relative_to(options.folder), file.read_bytes()
        if not is_litter(str(path)) and may_be_image(suffix_of(str(path)), content[:HEAD]):
            outcome, about = compare(content, options.max_pixels)
            outcomes[outcome].append(f"{printable(path)}: {about}")
    agreed, count = len(outcomes.pop("agree", [])), sum(map(len, outcomes.values()))
    print(f"{agreed} of {agreed + count} files agree within {AGREE} levels")
    for outcome, files in sorted(outcomes.items(), key=lambda item: -len(item[1])):
        print(f"\n{len(files)} files: {outcome}", *files, sep="\n    ")


if __name__ == "__main__":
    main()
