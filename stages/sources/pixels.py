"""Turns what a decoder gives into upright RGB: orientation, depth and polarity, transparency, colour profiles."""

import io
from functools import lru_cache

import numpy as np
from PIL import ExifTags, Image, ImageCms, TiffImagePlugin

from stages.sources.containers import UnreadableImageError

# What undoes each EXIF orientation.
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_MAX_SAMPLE_VALUE = 281  # a tag of TIFF
_SIGNED = 2  # a value of its sample format
_WHITES = tuple(2**bits - 1 for bits in range(8, 16))  # of images that are not as deep as their pixels
_MODES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}
_GREYS = ("1", "L")
_LONGEST_PROFILE = 2**22  # bytes; those of printers have up to 3 MiB


def to_rgb(image: Image.Image, bits: int | None) -> tuple[np.ndarray, bool]:
    """Return an open image upright, in sRGB and on white, and whether its profile, if any, could be used."""
    image.load()
    deep = image.mode.startswith("I;16") or (image.mode == "I" and image.format in ("PPM", "PNG"))
    tags = getattr(image, "tag_v2", {})
    if (image.mode in ("I", "F") and not deep) or _SIGNED in tags.get(TiffImagePlugin.SAMPLEFORMAT, ()):
        raise UnreadableImageError("signed, 32-bit or floating-point pixels have no known range")
    profile, turn = image.info.get("icc_profile"), _TURNS.get(orientation(image))
    if deep:
        image = _shallow(image, bits)
    image = image if turn is None else image.transpose(turn)
    alpha = None
    if image.mode == "LA":
        image, alpha = image.getchannel("L"), image.getchannel("A")
    elif image.has_transparency_data:
        image = image if image.mode == "RGBA" else image.convert("RGBA")
        image, alpha = image.convert("RGB"), image.getchannel("A")
    image, is_profile_used = _to_srgb(image, profile)
    if alpha is not None:
        image.putalpha(alpha)
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    return np.array(image), is_profile_used


def _shallow(image: Image.Image, bits: int | None) -> Image.Image:
    """Return deep grey in 8 bits, white as the file says it is."""
    levels, tags = np.asarray(image), getattr(image, "tag_v2", {})
    white = 2 ** tags.get(ExifTags.Base.BitsPerSample, (16,))[0] - 1
    # Written as they came from a device of fewer bits, and not scaled as the format demands.
    for stated in (2 ** (bits or 16) - 1, *tags.get(_MAX_SAMPLE_VALUE, ())):
        if stated in _WHITES and levels.max() <= stated < white:
            white = stated
    grey = np.minimum((np.arange(2**16) * 255 + white // 2) // white, 255).astype(np.uint8)[levels]
    if tags.get(TiffImagePlugin.PHOTOMETRIC_INTERPRETATION) == 0:
        grey = 255 - grey
    result = Image.fromarray(grey)
    if isinstance(level := image.info.get("transparency"), int):
        result = Image.merge("LA", (result, Image.fromarray(np.where(levels == level, 0, 255).astype(np.uint8))))
    return result


def count_levels(pixels: np.ndarray) -> int:
    """Count the levels that all but the darkest and the brightest pixels use, on a part of a large image."""
    step = 1 + max(pixels.shape) // 128
    ranks = np.bincount(pixels[::step, ::step].ravel(), minlength=256).cumsum()
    low, high = np.searchsorted(ranks, (0.01 * ranks[-1], 0.99 * ranks[-1]))
    return int(high - low) + 1


def orientation(image: Image.Image) -> int:
    """Return EXIF's orientation of an open image, 1 to 8; 1 where it cannot be read."""
    # Not `ImageOps.exif_transpose`: it rewrites all of EXIF, and so fails if any other tag is broken.
    try:
        return image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:
        return 1


def _to_srgb(image: Image.Image, profile: bytes | None) -> tuple[Image.Image, bool]:
    """Convert an image without transparency to RGB by its profile, and say whether the profile could be used."""
    if not profile:
        return image.convert("RGB"), True
    try:
        if len(profile) > _LONGEST_PROFILE:
            raise ValueError
        mode = _MODES[ImageCms.ImageCmsProfile(io.BytesIO(profile)).profile.xcolor_space.strip()]
        fits = (mode == "CMYK") == (image.mode == "CMYK") and (mode != "L" or image.mode in _GREYS)
        transform = _transform(profile, mode) if fits else None
    except (ImageCms.PyCMSError, OSError, KeyError, ValueError):
        fits, transform = False, None
    return image.convert("RGB") if transform is None else transform.apply(image.convert(mode)), fits


@lru_cache(maxsize=16)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """Return the conversion to sRGB, or None where it would change no colour by more than a level."""
    transform = ImageCms.ImageCmsTransform(
        ImageCms.ImageCmsProfile(io.BytesIO(profile)),
        ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")),
        mode,
        "RGB",
        ImageCms.Intent.RELATIVE_COLORIMETRIC,
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    levels = np.linspace(0, 255, 256 if mode == "L" else 9).round().astype(np.uint8)
    sample = np.stack(np.meshgrid(*[levels] * len(mode)), -1)
    colours = Image.frombytes(mode, (sample.size // len(mode), 1), sample.tobytes())
    change = np.asarray(transform.apply(colours), int) - np.asarray(colours.convert("RGB"), int)
    return transform if np.abs(change).max() > 1 else None
