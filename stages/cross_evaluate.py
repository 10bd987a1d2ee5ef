"""Tests every data set's networks on every data set's test images, if `evaluate.cross` asks for it: train on one,
deploy on another.

Writes the accuracies to `metrics/cross_evaluation.csv`, a row each training data set; else a header alone.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from stages.core.errors import run_stage
from stages.core.features import read_features
from stages.core.files import write_file
from stages.core.parallel import finish, progress
from stages.core.params import Params, load_params

FILE = Path("metrics/cross_evaluation.csv")


def cross_evaluate() -> None:
    """Write the matrix of accuracies."""
    params = load_params()
    table = pd.DataFrame(_test_all(params) if params.evaluate.cross else [], columns=["trained_on", *params.datasets])
    write_file(FILE, table.round(4).to_csv(index=False).encode())
    if params.evaluate.cross:
        finish(f"cross_evaluate: {len(table)} data sets' networks on the test images of each into {FILE}")
    else:
        finish(f"cross_evaluate: off, as `evaluate.cross` is false; no rows in {FILE}")


def _test_all(params: Params) -> list[dict]:
    # Keras takes seconds to import, and nothing needs it while this is off.
    from stages.core.network import MODELS, build_classifier, predict, start_tensorflow, weights_file

    tests = {dataset: read_features(dataset, "test") for dataset in params.datasets}
    start_tensorflow(0, params.train.fitted_precision)
    model = build_classifier(params.train, len(tests[params.datasets[0]].classes))
    rows = []
    with progress(total=len(tests) ** 2 * len(params.train.seeds), label="cross_evaluate", unit="tests") as bar:
        for trained_on in params.datasets:
            right: dict[str, list[float]] = {dataset: [] for dataset in tests}
            for seed in params.train.seeds:
                model.load_weights(MODELS / trained_on / weights_file(seed))
                for dataset, images in tests.items():
                    predictions = predict(model, images.inputs).argmax(axis=1)
                    right[dataset].append(float(np.mean(predictions == images.labels)))
                    bar.update()
            rows.append({"trained_on": trained_on, **{dataset: np.mean(shares) for dataset, shares in right.items()}})
    return rows


if __name__ == "__main__":
    run_stage(cross_evaluate)
