"""Lists, reads and writes data sets of images; only this module would change if archives took the place of folders."""

import os
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from stages.core.errors import PipelineError
from stages.core.parallel import map_ordered

SPLITS = ("train", "test")
# In pixels; OpenCV writes an empty file where a side is longer.
MAX_SIDE = {".png": 1_000_000, ".jpg": 65_500}
# Level 1 takes a fifth of the time of OpenCV's default and a tenth more space. Naming a level also turns off the RLE
# strategy, which makes photos larger.
_ENCODING = {
    ".png": [cv2.IMWRITE_PNG_COMPRESSION, 1],
    ".jpg": [
        cv2.IMWRITE_JPEG_QUALITY,
        95,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
    ],
}


def list_images(folder: Path) -> list[str]:
    """List the images of a data set that the pipeline wrote.

    ::

        folder/                                         folder/     with `data.classes: none`
            train/<class>/[<folder>/...]<name>.png          [<folder>/...]<name>.png
            test/<class>/[<folder>/...]<name>.png

    Parameters
    ----------
    folder : pathlib.Path
        The data set, or one of its splits.

    Returns
    -------
    list of str
        Paths relative to `folder`, with ``/``, sorted.

    Raises
    ------
    PipelineError
        If there is none.
    """
    paths = sorted(
        (Path(parent) / name).relative_to(folder).as_posix()
        for parent, _, names in os.walk(folder)
        for name in names
        if name.endswith(tuple(_ENCODING))
    )
    if not paths:
        raise PipelineError(f"`{folder}` must hold images ({' or '.join(_ENCODING)}); received: none")
    return paths


def class_of(path: str) -> str:
    """Return the class of an image, the first folder of its path relative to a split."""
    return path.split("/", 1)[0]


def read_image(file: Path) -> np.ndarray:
    """Read an image that the pipeline wrote.

    Parameters
    ----------
    file : pathlib.Path
        A PNG or JPEG file.

    Returns
    -------
    numpy.ndarray
        (height, width, 3) uint8, RGB.

    Raises
    ------
    PipelineError
        If the file cannot be decoded.
    """
    encoded = np.frombuffer(file.read_bytes(), np.uint8)
    image = cv2.imdecode(encoded, cv2.IMREAD_COLOR_RGB) if encoded.size else None
    if image is None:
        raise PipelineError(f"`{file}` must be a whole PNG or JPEG image; run `dvc repro -f ingest` to make it anew")
    return image


def write_image(file: Path, image: np.ndarray) -> None:
    """Write an image without any metadata, in the format that the file's suffix names.

    Parameters
    ----------
    file : pathlib.Path
        A name that ends in .png (lossless) or .jpg (quality 95, colour at full resolution).
    image : numpy.ndarray
        (height, width, 3) uint8, RGB.

    Raises
    ------
    PipelineError
        If a side is longer than `MAX_SIDE` of the format, or the image cannot be encoded.
    """
    if max(image.shape[:2]) > MAX_SIDE[file.suffix]:
        raise PipelineError(
            f"a {file.suffix} image must have sides of at most {MAX_SIDE[file.suffix]} pixels: `{file}`"
        )
    done, encoded = cv2.imencode(file.suffix, cv2.cvtColor(image, cv2.COLOR_RGB2BGR), _ENCODING[file.suffix])
    if not done:
        raise PipelineError(f"`{file}` cannot be encoded; out of memory?")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(encoded)


def resize_image(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resize an image: by area where it gets smaller, bilinear where it gets larger.

    Parameters
    ----------
    image : numpy.ndarray
        (height, width, 3) uint8.
    size : tuple of int
        New height and width in pixels.

    Returns
    -------
    numpy.ndarray
        (size[0], size[1], 3) uint8.
    """
    if image.shape[:2] == size:
        return image.copy()
    smaller = size[0] <= image.shape[0] and size[1] <= image.shape[1]
    return cv2.resize(image, size[::-1], interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR)


def read_resized(folder: Path, paths: list[str], size: int, label: str) -> Iterator[np.ndarray]:
    """Read images and resize them to the network's square input, whatever their aspect ratio.

    Parameters
    ----------
    folder : pathlib.Path
        The split.
    paths : list of str
        Relative to `folder`.
    size : int
        Side in pixels.
    label : str
        Name on the progress bar.

    Yields
    ------
    numpy.ndarray
        (size, size, 3) uint8, in the order of `paths`.
    """
    yield from map_ordered(
        lambda path: resize_image(read_image(folder / path), (size, size)), paths, total=len(paths), label=label
    )
