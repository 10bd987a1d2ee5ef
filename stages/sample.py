"""Draws the embedded data set: everyday scenes with one object (the class) and one person (the identity).

Writes `data/sample/drawn/{train,test}/<class>/id<identity>_<number>.png`, everybody's tone of skin to `groups.csv`, and
where heads and people are to `regions.csv`, so that a fresh clone runs with no download.
"""

import math
from pathlib import Path

import numpy as np

from stages.core.boxes import REGIONS, Box
from stages.core.errors import PipelineError, run_stage
from stages.core.files import new_folder, write_file
from stages.core.images import encode_image
from stages.core.lock import open_repo, unknown_files
from stages.core.parallel import map_ordered, print_summary
from stages.core.params import SampleParams, load_params
from stages.core.paths import RAW_FOLDER, SAMPLE
from stages.core.people import GROUPS
from stages.core.seeding import generator
from stages.core.stale import withdraw
from stages.scenes import CLASSES, IDENTITIES, draw_scene
from stages.scenes.identities import PEOPLE


def plan_scenes(params: SampleParams) -> list[tuple[str, str, int]]:
    """Choose the class and the person of every image, independently of each other."""
    scenes = []
    for split, count in (("train", params.train_images), ("test", params.test_images)):
        pairs: list[tuple[str, int]] = []
        while len(pairs) < count:
            pairs += _draw_round(generator(params.seed, f"{split} {len(pairs)}"))
        for number, (name, identity) in enumerate(pairs[:count]):
            scenes.append((f"{split}/{name}/id{identity:02d}_{number:06d}.png", name, identity))
    return scenes


def _draw_round(rng: np.random.Generator) -> list[tuple[str, int]]:
    # Each pair once, in an order whose every beginning has balanced classes and people: both lists repeat, and one is
    # shifted by one place whenever the first pair would come again.
    classes, people = rng.permutation(len(CLASSES)), rng.permutation(IDENTITIES)
    period = math.lcm(len(CLASSES), IDENTITIES)
    return [
        (CLASSES[classes[number % len(CLASSES)]], int(people[(number + number // period) % IDENTITIES]))
        for number in range(len(CLASSES) * IDENTITIES)
    ]


def _write_table(file: Path, columns: str, rows: list[tuple]) -> None:
    lines = [f"path,{columns}", *(",".join(map(str, row)) for row in sorted(rows))]
    write_file(file, "".join(f"{line}\n" for line in lines).encode())


def _check_own_images() -> None:
    """Stop before DVC replaces outputs if somebody keeps images in their place."""
    files = sorted(path for path in SAMPLE.parent.glob("[!.]*") if path != SAMPLE)
    if any(RAW_FOLDER.glob("[!.]*")):
        with open_repo() as repo:
            files += unknown_files(repo, RAW_FOLDER)
    if files:
        raise PipelineError(
            f"`{files[0]}`{f' and {len(files) - 1} more' if files[1:] else ''} must not lie in {SAMPLE.parent}/ or "
            f"{RAW_FOLDER}/, which DVC replaces; move it to a folder of your own, and name that in `data.source`"
        )


def sample() -> None:
    """Draw all scenes into `data/sample/drawn`, or leave it empty where another source is taken."""
    withdraw()
    everything = load_params()
    params = everything.sample
    _check_own_images()
    scenes = plan_scenes(params) if Path(everything.data.source) == SAMPLE else []
    with new_folder(SAMPLE) as folder:

        def draw(planned: tuple[str, str, int]) -> tuple[bytes, tuple[Box, ...]]:
            path, name, identity = planned
            rng = generator(params.seed, path)
            scene = draw_scene(name, identity, rng, size=params.size, variation=params.variation)
            return encode_image(scene.image, Path(path)), (scene.head, scene.person)

        regions: list[tuple] = []
        drawn = map_ordered(draw, scenes, total=len(scenes), label="sample")
        for (path, _, _), (encoded, boxes) in zip(scenes, drawn, strict=True):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(encoded)
            regions += [(path, *box[:5]) for box in boxes]
        if scenes:
            _write_table(folder / GROUPS, "group", [(path, PEOPLE[identity].tone) for path, _, identity in scenes])
            _write_table(folder / REGIONS, "x,y,width,height,label", regions)
    if scenes:
        print_summary(
            f"sample: drew {len(scenes)} images of {len(CLASSES)} classes and {IDENTITIES} people into {SAMPLE}/"
        )
    else:
        print_summary(f"sample: drew nothing, as `data.source` is another folder; {SAMPLE}/ is empty")


if __name__ == "__main__":
    run_stage(sample)
