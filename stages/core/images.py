"""Encodes, decodes and resizes images, and reads and writes single image files."""

import os
from pathlib import Path

import cv2
import numpy as np

from stages.core.errors import PipelineError

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
    """List the image files of a folder, and of the folders below it.

    Parameters
    ----------
    folder : pathlib.Path
        The folder.

    Returns
    -------
    list of str
        Paths relative to `folder`, with ``/``, sorted.

    Raises
    ------
    PipelineError
        If there is none.
    """
    start = len(str(folder)) + 1
    paths = sorted(
        f"{parent}/{name}"[start:]
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


def decode_image(encoded: bytes, file: Path) -> np.ndarray:
    """Decode an image that the pipeline wrote.

    Parameters
    ----------
    encoded : bytes
        PNG or JPEG.
    file : pathlib.Path
        What to call it in an error.

    Returns
    -------
    numpy.ndarray
        (height, width, 3) uint8, RGB.

    Raises
    ------
    PipelineError
        If it cannot be decoded.
    """
    image = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR_RGB) if encoded else None
    if image is None:
        raise PipelineError(f"`{file}` must be a whole PNG or JPEG image; run `dvc repro -f ingest` to make it anew")
    return image


def encode_image(image: np.ndarray, file: Path) -> bytes:
    """Encode an image without any metadata, in the format that a file's suffix names.

    Parameters
    ----------
    image : numpy.ndarray
        (height, width, 3) uint8, RGB.
    file : pathlib.Path
        A name that ends in .png (lossless) or .jpg (quality 95, colour at full resolution).

    Returns
    -------
    bytes
        PNG or JPEG.

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
    return encoded.tobytes()


def read_image(file: Path) -> np.ndarray:
    """Read an image file that the pipeline wrote, (height, width, 3) uint8, RGB; see `decode_image`."""
    return decode_image(file.read_bytes(), file)


def write_image(file: Path, image: np.ndarray) -> None:
    """Write an image file, and the folder that it needs; see `encode_image`."""
    encoded = encode_image(image, file)
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
