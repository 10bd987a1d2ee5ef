"""Makes the network's inputs out of a data set, once: resized images, or features of a frozen backbone.

Writes `data/features/<dataset>/{train,test}/`, so that no image is decoded, and no frozen backbone run, twice.
"""

import sys
from pathlib import Path

import numpy as np

from stages.core.errors import run_stage
from stages.core.files import new_folder
from stages.core.images import SPLITS, class_of, list_images, read_resized
from stages.core.parallel import finish
from stages.core.params import load_params
from stages.network.inputs import FEATURES, create_inputs, write_index

DATA = Path("data")


def extract(dataset: str) -> None:
    """Write the inputs of both splits of a data set.

    Parameters
    ----------
    dataset : str
        ``raw`` or a variant.
    """
    params = load_params().require_classes("extract").train
    frozen = params.backbone == "frozen"
    if frozen:
        # Keras takes seconds to import, and only a frozen backbone needs it here.
        from stages.network.backbone import load_backbone, run_backbone

        backbone = load_backbone(params.weights, params.image_size, params.precision)
    count = 0
    for split in SPLITS:
        source = DATA / dataset / split
        paths = list_images(source)
        with new_folder(FEATURES / dataset / split) as folder:
            images = read_resized(source, paths, params.image_size, f"{dataset} {split}")
            if frozen:
                inputs = create_inputs(folder, (len(paths), 2048), np.float32)
                start = 0
                for features in run_backbone(backbone, images):
                    inputs[start : start + len(features)] = features
                    start += len(features)
            else:
                inputs = create_inputs(folder, (len(paths), params.image_size, params.image_size, 3), np.uint8)
                for index, image in enumerate(images):
                    inputs[index] = image
            write_index(folder, paths, sorted({class_of(path) for path in paths}))
        count += len(paths)
    kind = "backbone features" if frozen else "resized images"
    finish(f"extract: {kind} of {count} {dataset} images into {FEATURES / dataset}/")


if __name__ == "__main__":
    run_stage(extract, *sys.argv[1:])
