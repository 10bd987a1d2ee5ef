"""Makes the network's inputs out of a data set, once: resized images, or features of a frozen backbone.

Writes `data/features/<dataset>/{train,test}/`, so that no image is decoded, and no frozen backbone run, twice. Inputs
of parts that have not changed since the last run are copied.
"""

import hashlib
import sys
from collections.abc import Iterator

import numpy as np

from stages.core.datasets import Dataset, Part
from stages.core.errors import run_stage
from stages.core.files import new_folder
from stages.core.images import SPLITS, class_of, decode_image, resize_image
from stages.core.parallel import count_image, map_parts, print_summary
from stages.core.params import TrainParams, load_params
from stages.core.paths import DATA, FEATURES
from stages.core.store import key_of, unchanged_images
from stages.network.inputs import LastInputs, create_inputs, write_index
from stages.network.weights import weights_key

_CODE = ("core", "extract.py", "network")


def make_inputs(source: Dataset, part: Part, params: TrainParams) -> np.ndarray:
    """Make the network's inputs of a part of a data set."""
    size = params.image_size

    def images() -> Iterator[np.ndarray]:
        for path, encoded in source.read_part(part):
            yield resize_image(decode_image(encoded, source.folder / path), (size, size))
            count_image()

    if params.backbone == "trainable":
        inputs = np.empty((len(part), size, size, 3), np.uint8)
        for row, image in enumerate(images()):
            inputs[row] = image
        return inputs
    # Keras takes seconds to import, and only a frozen backbone needs it here.
    from stages.network.backbone import load_backbone, run_backbone

    return run_backbone(load_backbone(params.weights, size, params.precision), images())


def extract(dataset: str) -> None:
    """Write the inputs of both splits of a data set."""
    params = load_params().require_classes("extract").train
    accelerators: list[str] = []
    if params.backbone == "frozen":
        from stages.network.backbone import load_backbone
        from stages.network.runtime import accelerator_names

        # Kept for the workers, which must not build it at the same time. Weights that do not fit are refused here.
        load_backbone(params.weights, params.image_size, params.precision)
        accelerators = accelerator_names()
    used = [params.image_size, params.backbone, weights_key(params.weights), params.precision]
    settings = key_of(_CODE, used, accelerators=accelerators)
    source = Dataset(DATA / dataset)
    counts = [_extract_split(source, dataset, split, params, settings) for split in SPLITS]
    total, same = (sum(each) for each in zip(*counts, strict=True))
    kind = "backbone features" if params.backbone == "frozen" else "resized images"
    print_summary(f"extract: {kind} of {total} {dataset} images into {FEATURES / dataset}/{unchanged_images(same)}")


def _extract_split(source: Dataset, dataset: str, split: str, params: TrainParams, settings: str) -> tuple[int, int]:
    """Return how many images there are, and of how many the inputs are those of the last run."""
    paths = source.paths(split)
    parts = [part for part in source.parts(split) if part.paths]
    row_of = {f"{split}/{path}": row for row, path in enumerate(paths)}
    last = LastInputs(dataset, split)
    known = last.keys  # all that workers of a cluster need of it
    inputs, keys, same = None, {}, 0

    def make(part: Part) -> tuple[str, np.ndarray | None]:
        key = _key(settings, source, part)
        return key, None if known.get(part.name) == key else make_inputs(source, part, params)

    with new_folder(FEATURES / dataset / split) as folder:
        for part, (key, made) in zip(parts, map_parts(make, parts, label=f"{dataset} {split}"), strict=True):
            rows = [row_of[path] for path in part.paths]
            values = last.read([paths[row] for row in rows]) if made is None else made
            same += len(part) if made is None else 0
            if inputs is None:
                inputs = create_inputs(folder, (len(paths), *values.shape[1:]), values.dtype)
            inputs[rows] = values
            keys[part.name] = key
        write_index(folder, paths, sorted({class_of(path) for path in paths}))
        last.replace(folder, keys)
    return len(paths), same


def _key(settings: str, source: Dataset, part: Part) -> str:
    digest = hashlib.sha256(settings.encode())
    for path, encoded in source.read_part(part):
        digest.update(f"{path!r} {len(encoded)} ".encode() + encoded)
    return digest.hexdigest()


if __name__ == "__main__":
    run_stage(extract, *sys.argv[1:])
