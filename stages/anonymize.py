"""Anonymizes every image of `data/raw` with one variant's method, into `data/<variant>`: same tree, same names."""

import sys
from pathlib import Path

import numpy as np

from stages.core.errors import PipelineError, naming, run_stage
from stages.core.files import new_folder
from stages.core.images import list_images, read_image, write_image
from stages.core.parallel import finish, map_ordered
from stages.core.params import RAW, Variant, load_params
from stages.core.secret import image_generator, load_secret
from stages.core.seeding import generator

DATA = Path("data")


def anonymize_image(image: np.ndarray, path: str, variant: Variant, secret: bytes | None = None) -> np.ndarray:
    """Anonymize one image.

    Parameters
    ----------
    image : numpy.ndarray
        (height, width, 3) uint8, RGB.
    path : str
        The image's path relative to the data set. Draws that protect nobody depend on this path and the seed alone.
    variant : Variant
        The method and its arguments.
    secret : bytes, optional
        From `load_secret`, for a method that needs it.

    Returns
    -------
    numpy.ndarray
        (height, width, 3) uint8, RGB.

    Raises
    ------
    TypeError
        If the method returned anything else, or needs a secret and there is none.
    """
    name = variant.method.__name__
    draws = {} if variant.seed is None else {"rng": generator(variant.seed, path)}
    if variant.needs_secret:
        if secret is None:
            raise TypeError(f"{name} needs a secret; got None")
        draws["secret_rng"] = image_generator(secret, name, variant.arguments, image)
    result = variant.method(image, **variant.arguments, **draws)
    if not isinstance(result, np.ndarray) or result.shape != image.shape or result.dtype != np.uint8:
        got = f"{result.shape} {result.dtype}" if isinstance(result, np.ndarray) else type(result).__name__
        raise TypeError(f"{name} must return {image.shape} uint8; got {got}")
    return result


def anonymize(name: str) -> None:
    """Anonymize `data/raw` into `data/<name>`, all images or none.

    Parameters
    ----------
    name : str
        A variant of `params.yaml`.

    Raises
    ------
    PipelineError
        If the variant is unknown, the secret cannot be used, or an image cannot be read, anonymized or written.
    """
    variant = load_params().variant(name)
    secret = load_secret() if variant.needs_secret else None
    source = DATA / RAW
    paths = list_images(source)
    with new_folder(DATA / name) as folder:

        def convert(path: str) -> None:
            with naming(source / path):
                image = read_image(source / path)
                try:
                    result = anonymize_image(image, path, variant, secret)
                except Exception as error:
                    reason = " ".join(f"{type(error).__name__}: {error}".split())
                    raise PipelineError(f"`{source / path}`: {name} failed: {reason}") from error
                write_image(folder / path, result)

        for _ in map_ordered(convert, paths, total=len(paths), label=name):
            pass
    finish(f"anonymize: {len(paths)} images with {name} into {DATA / name}/")


if __name__ == "__main__":
    run_stage(anonymize, *sys.argv[1:])
