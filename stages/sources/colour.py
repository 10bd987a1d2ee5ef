"""Converts images with a colour profile to sRGB."""

import io
from functools import lru_cache

import numpy as np
from PIL import Image, ImageCms

_MODES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}
_GREYS = ("1", "L")


def to_srgb(image: Image.Image, profile: bytes | None) -> tuple[Image.Image, bool]:
    """Convert an image without transparency to RGB by its profile, and say whether the profile could be used."""
    if not profile:
        return image.convert("RGB"), True
    try:
        mode = _mode_of(profile)
        fits = (mode == "CMYK") == (image.mode == "CMYK") and (mode != "L" or image.mode in _GREYS)
        transform = _transform(profile, mode) if fits else None
    except (ImageCms.PyCMSError, OSError, KeyError, ValueError):
        fits, transform = False, None
    return image.convert("RGB") if transform is None else transform.apply(image.convert(mode)), fits


def _mode_of(profile: bytes) -> str:
    return _MODES[ImageCms.ImageCmsProfile(io.BytesIO(profile)).profile.xcolor_space.strip()]


@lru_cache(maxsize=32)
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
