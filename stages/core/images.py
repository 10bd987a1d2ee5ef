"""Encodes, decodes and resizes images, and reads and writes single image files."""

import io
import os
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any

import cv2
import numpy as np
from PIL import Image, JpegImagePlugin

from stages.core.errors import PipelineError

SPLITS = ("train", "test")
# Suffixes of written images, in lower case, and what OpenCV knows their formats by.
_FORMATS = {".png": ".png", ".tif": ".tif", ".tiff": ".tif", ".bmp": ".bmp", ".webp": ".webp"}
_FORMATS |= dict.fromkeys((".jpg", ".jpeg", ".jpe", ".jfif"), ".jpg")
# In pixels; OpenCV writes an empty file where a side is longer.
_MAX_SIDE = {".png": 1_000_000, ".jpg": 65_500, ".webp": 16_383, ".tif": 1_000_000, ".bmp": 1_000_000}
# Level 1 takes a fifth of the time of OpenCV's default and a tenth more space. Naming a level also turns off the RLE
# strategy, which makes photos larger.
_ENCODING = {
    ".png": [cv2.IMWRITE_PNG_COMPRESSION, 1],
    ".jpg": [
        *(cv2.IMWRITE_JPEG_QUALITY, 95),
        *(cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444),
    ],
    ".webp": [cv2.IMWRITE_WEBP_QUALITY, 95],
}


def written_suffix(path: str, image_format: str) -> str:
    """Return the suffix with which a file of the source is written, as `data.image_format` says.

    Examples
    --------
    >>> [written_suffix(path, "keep") for path in ("a.JPG", "b.tiff", "c.heic", "d")]
    ['.JPG', '.tiff', '.jpg', '.jpg']
    """
    own = PurePosixPath(path).suffix
    return f".{image_format}" if image_format != "keep" else own if own.lower() in _FORMATS else ".jpg"


def max_side(suffix: str) -> int:
    """Return the longest side in pixels of an image that is written with this suffix."""
    return _MAX_SIDE[_FORMATS[suffix.lower()]]


def list_images(folder: Path) -> list[str]:
    """List the image files of a folder and of those below it, relative to it, sorted; there must be some."""
    start = len(str(folder)) + 1
    paths = sorted(
        f"{parent}/{name}"[start:]
        for parent, _, names in os.walk(folder)
        for name in names
        if name.lower().endswith(tuple(_FORMATS))
    )
    if not paths:
        raise PipelineError(f"`{folder}` must hold images; received: none")
    return paths


def class_of(path: str) -> str:
    """Return the class of an image, the first folder of its path relative to a split."""
    return path.split("/", 1)[0]


def decode_image(encoded: bytes, file: Path, mode: int = cv2.IMREAD_COLOR_RGB) -> np.ndarray:
    """Decode an image that the pipeline wrote to (height, width, 3) uint8, RGB, or as a mode of OpenCV says."""
    image = cv2.imdecode(np.frombuffer(encoded, np.uint8), mode) if encoded else None
    if image is None:
        raise PipelineError(f"`{file}` must be a whole image; run `dvc repro -f ingest` to make it anew")
    return image


def encode_image(image: np.ndarray, file: Path, like: bytes = b"") -> bytes:
    """Encode an RGB image without any metadata, in the format that a file's suffix names.

    If `like` is an encoded JPEG, a JPEG gets its quality and chroma subsampling, so that encoding it again hardly
    changes it. Otherwise JPEG and WebP have quality 95, and JPEG has colour at full resolution.
    """
    longest, suffix = max_side(file.suffix), _FORMATS[file.suffix.lower()]
    if max(image.shape[:2]) > longest:
        raise PipelineError(f"a {file.suffix} image must have sides of at most {longest} pixels: `{file}`")
    if suffix == ".jpg" and (options := _jpeg_options(like)):
        is_grey = len(options["qtables"]) == 1 and bool((image == image[..., :1]).all())
        stream = io.BytesIO()
        Image.fromarray(image[..., 0] if is_grey else image).save(stream, "JPEG", **options)
        return stream.getvalue()
    done, encoded = cv2.imencode(suffix, cv2.cvtColor(image, cv2.COLOR_RGB2BGR), _ENCODING.get(suffix, []))
    if not done:
        raise PipelineError(f"`{file}` cannot be encoded; out of memory?")
    return encoded.tobytes()


def _jpeg_options(encoded: bytes) -> dict[str, Any]:
    """Return the quantization table of each component of a JPEG file, and the subsampling; nothing of other files."""
    # A header may be broken in any way.
    with suppress(Exception):
        header = JpegImagePlugin.JpegImageFile(io.BytesIO(encoded))
        tables = [header.quantization[component[3]] for component in header.layer[:3]]
        return {"qtables": tables, "subsampling": max(JpegImagePlugin.get_sampling(header), 0)}
    return {}


def read_image(file: Path) -> np.ndarray:
    """Read an image file that the pipeline wrote, (height, width, 3) uint8, RGB; see `decode_image`."""
    return decode_image(file.read_bytes(), file)


def write_image(file: Path, image: np.ndarray) -> None:
    """Write an image file, and the folder that it needs; see `encode_image`."""
    encoded = encode_image(image, file)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(encoded)


def resize_image(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resize an image to (height, width): by area where it gets smaller, bilinear where it gets larger."""
    if image.shape[:2] == size:
        return image.copy()
    smaller = size[0] <= image.shape[0] and size[1] <= image.shape[1]
    return cv2.resize(image, size[::-1], interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR)
