"""Compares how images are decoded here with libvips: ``python -m tests.decoders FOLDER``.

Decodes each file below the folder both ways, says how many agree within 2 levels, and lists the others. It needs
the package `pyvips[binary]`, which is no part of the pipeline.
"""

import argparse
import sys
import warnings
from pathlib import Path

import numpy as np

from stages.core.errors import line_of, printable
from stages.core.params import load_params
from stages.sources.decoding import decode_image
from stages.sources.files import RejectedImage
from stages.sources.signatures import HEAD, is_litter, may_be_image, suffix_of
from tests.clones import ROOT

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


def compare(content: bytes, max_pixels: int) -> str:
    """Say in what the two differ, or that one of them does not decode a file; nothing where they agree."""
    try:
        ours = decode_image(content, max_pixels=max_pixels)
    except RejectedImage as error:
        return f"rejected here: {error}"
    try:
        theirs = decode_with_vips(content)
    except Exception as error:
        return f"rejected by libvips: {line_of(error)[:100]}"
    notes = ", ".join(ours.notes)
    if ours.pixels.shape != theirs.shape:
        return f"another size: {ours.pixels.shape} and {theirs.shape} {notes}"
    difference = np.abs(ours.pixels.astype(int) - theirs)
    if difference.max() <= AGREE:
        return ""
    return f"other levels: up to {difference.max()}, on average {difference.mean():.2f} {notes}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.decoders", description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    max_pixels = load_params(ROOT / "params.yaml").data.max_pixels
    try:
        import pyvips  # noqa: F401, told at once if it is missing
    except ImportError:
        sys.exit("error: libvips is needed to compare with; run `pip install 'pyvips[binary]'`")
    warnings.simplefilter("ignore")
    outcomes = []
    for file in sorted(file for file in folder.rglob("*") if file.is_file()):
        path, content = str(file.relative_to(folder)), file.read_bytes()
        if not is_litter(path) and may_be_image(suffix_of(path), content[:HEAD]):
            outcomes.append((compare(content, max_pixels), printable(path)))
    differing = sorted(outcome for outcome in outcomes if outcome[0])
    print(f"{len(outcomes) - len(differing)} of {len(outcomes)} files agree within {AGREE} levels")
    for difference, path in differing:
        print(f"    {path}: {difference}")


if __name__ == "__main__":
    main()
