"""Noise-removal attacks: the images without the noise that an attacker guesses or knows."""

import numpy as np

from stages.attacks.noise import subtract_noise
from stages.core.boxes import Box
from stages.core.paths import SECRET_FILE
from stages.core.secret import image_generator, load_secret
from stages.core.seeding import generator
from stages.evidence.target import Change, Target
from stages.methods.shared.method import find_method
from stages.regions.acting import draw_name

_MOST_JPEG_ERROR = 2.5  # grey levels, the mean of an image


def noise_removers(target: Target, test_image: str) -> dict[str, Change]:
    """Return how to remove the noise that the data set's method draws from the secret, by name of the attacker.

    Empty where the method draws nothing from the secret. A test image, relative to the split, shows whether the data
    set was made with the secret that is here: in a clone that pulled the images, it is not.
    """
    variant = target.variant
    if variant is None or not variant.needs_secret:
        return {}
    method, arguments = find_method(variant.method).apply, variant.arguments

    def remove_guessed(image: np.ndarray, path: str) -> np.ndarray:
        # An attacker who does not know the noise draws it from what is published: a seed and the path.
        def remove(part: np.ndarray, box: Box | None) -> np.ndarray:
            return subtract_noise(part, method, arguments, generator(0, draw_name(path, box)))

        return target.change(image, path, remove)

    removers: dict[str, Change] = {"noise_guessed": remove_guessed}
    if target.acting.where == "regions":
        print("attack: not measured what a leak of the noise would cost, as the noise of regions was not drawn anew")
        return removers
    secret, path = load_secret(), f"test/{test_image}"

    def draw_known(path: str) -> np.random.Generator:
        return image_generator(secret, variant.method, arguments, target.raw.image(path))

    def remove_known(image: np.ndarray, path: str) -> np.ndarray:
        return target.change(image, path, lambda part, _: subtract_noise(part, method, arguments, draw_known(path)))

    original, anonymized = target.raw.image(path), target.images.image(path)
    redrawn = target.change(original, path, lambda part, _: method(part, **arguments, secret_rng=draw_known(path)))
    if np.abs(redrawn.astype(int) - anonymized).mean() <= _MOST_JPEG_ERROR:
        return removers | {"noise_known": remove_known}
    print(
        f"attack: not measured what a leak of the noise would cost, as {target.name} was not made with this "
        f"`{SECRET_FILE}`"
    )
    return removers
