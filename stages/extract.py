"""Makes the network's inputs out of a data set, once: resized images, or features of a frozen backbone.

Writes `data/features/<dataset>/{train,test}/`, so that no image is decoded, and no frozen backbone run, twice.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from stages.core.errors import run_stage
from stages.core.executor import finish
from stages.core.features import FEATURES, create_inputs, write_index
from stages.core.images import SPLITS, class_of, list_images, new_folder, read_resized
from stages.core.params import TrainParams, load_params

DATA = Path("data")


def extract(dataset: str) -> None:
    """Write the inputs of both splits of a data set.

    Parameters
    ----------
    dataset : str
        ``raw`` or a variant.
    """
    params = load_params().train
    count = 0
    for split in SPLITS:
        source = DATA / dataset / split
        paths = list_images(source)
        with new_folder(FEATURES / dataset / split) as folder:
            images = read_resized(source, paths, params.image_size, f"{dataset} {split}")
            if params.backbone == "trainable":
                inputs = create_inputs(folder, (len(paths), params.image_size, params.image_size, 3), np.uint8)
                for index, image in enumerate(images):
                    inputs[index] = image
            else:
                _run_backbone(folder, images, len(paths), params)
            write_index(folder, paths, sorted({class_of(path) for path in paths}))
        count += len(paths)
    kind = "resized images" if params.backbone == "trainable" else "backbone features"
    finish(f"extract: {kind} of {count} {dataset} images into {FEATURES / dataset}/")


def _run_backbone(folder: Path, images: Iterator[np.ndarray], count: int, params: TrainParams) -> None:
    # Keras takes seconds to import, and only a frozen backbone needs it here.
    from stages.core.backbone import run_backbone

    inputs = create_inputs(folder, (count, 2048), np.float32)
    start = 0
    for features in run_backbone(
        images, weights=params.weights, image_size=params.image_size, precision=params.precision
    ):
        inputs[start : start + len(features)] = features
        start += len(features)


if __name__ == "__main__":
    run_stage(extract, *sys.argv[1:])
