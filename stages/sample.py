"""Draws the embedded data set: everyday scenes with one object (the class) and one person (the identity).

Writes `data/sample/{train,test}/<class>/id<identity>_<number>.png`, so that a fresh clone runs with no download.
"""

from pathlib import Path

from stages.core.draws import generator
from stages.core.errors import run_stage
from stages.core.executor import map_ordered
from stages.core.images import new_folder, write_image
from stages.core.params import SampleParams, load_params
from stages.scenes import CLASSES, IDENTITIES, draw_scene

SAMPLE = Path("data/sample")


def plan_scenes(params: SampleParams) -> list[tuple[str, str, int]]:
    """Choose the class and the person of every image, so that neither says anything about the other.

    Parameters
    ----------
    params : SampleParams
        How many images, and the seed.

    Returns
    -------
    list of tuple
        Relative path, class and identity. In each split every class, and every identity in it, comes equally often,
        give or take one.
    """
    scenes = []
    for split, count in (("train", params.train_images), ("test", params.test_images)):
        # One draw a round of all pairs keeps both balanced however few images are asked for.
        pairs = [(name, identity) for name in CLASSES for identity in range(IDENTITIES)]
        for number in range(count):
            if number % len(pairs) == 0:
                order = generator(params.seed, f"{split} {number}").permutation(len(pairs))
            name, identity = pairs[order[number % len(pairs)]]
            scenes.append((f"{split}/{name}/id{identity:02d}_{number:06d}.png", name, identity))
    return scenes


def sample() -> None:
    """Draw all scenes into `data/sample`."""
    params = load_params().sample
    scenes = plan_scenes(params)
    with new_folder(SAMPLE) as folder:

        def draw(scene: tuple[str, str, int]) -> None:
            path, name, identity = scene
            write_image(folder / path, draw_scene(name, identity, generator(params.seed, path), size=params.size))

        for _ in map_ordered(draw, scenes, total=len(scenes), label="sample"):
            pass
    print(f"sample: drew {len(scenes)} images of {len(CLASSES)} classes and {IDENTITIES} people into {SAMPLE}/")


if __name__ == "__main__":
    run_stage(sample)
