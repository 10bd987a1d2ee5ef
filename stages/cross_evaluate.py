"""Tests every data set's networks on every data set's test images: a command, not a stage.

Reads `data/features/` and `data/models/`, writes the accuracies to `metrics/cross_evaluation.{csv,md}`.
"""

import numpy as np
import pandas as pd

from stages.core.errors import PipelineError, run_stage
from stages.core.files import write_file
from stages.core.parallel import print_summary, progress
from stages.core.params import Params, load_params
from stages.core.paths import CROSS_EVALUATION, FEATURES
from stages.network.classifier import build_classifier, make_predictor
from stages.network.inputs import read_features
from stages.network.runtime import start_tensorflow
from stages.network.weights import load_weights, weights_file
from stages.report.tables import to_markdown, to_terminal


def cross_evaluate() -> None:
    """Write and print the matrix of accuracies."""
    params = load_params()
    needed = [FEATURES / dataset / "test" / "index.json" for dataset in params.datasets]
    needed += [weights_file(dataset, seed) for dataset in params.datasets for seed in params.train.seeds]
    if missing := [file for file in needed if not file.is_file()]:
        raise PipelineError(f"`{missing[0]}` is missing; run `dvc repro` first")
    matrix = _test_all(params).round(4)
    cells = [[name, *(f"{share:.3f}" for share in row)] for name, row in matrix.iterrows()]
    rows = [["trained on", *matrix.columns], *cells]
    write_file(CROSS_EVALUATION.with_suffix(".csv"), matrix.to_csv(index_label="trained_on").encode())
    write_file(CROSS_EVALUATION.with_suffix(".md"), to_markdown(rows).encode())
    print_summary(f"cross_evaluate: {len(matrix)} x {len(matrix)} accuracies into {CROSS_EVALUATION}.{{csv,md}}")
    print("rows: what the networks were trained on; columns: whose test images they saw")
    print(to_terminal(rows))


def _test_all(params: Params) -> pd.DataFrame:
    tests = {dataset: read_features(dataset, "test") for dataset in params.datasets}
    start_tensorflow(params.train.precision)
    model = build_classifier(params.train, len(tests[params.datasets[0]].classes))
    predict = make_predictor(model)
    matrix = pd.DataFrame(0.0, params.datasets, params.datasets)
    with progress(total=len(tests) ** 2 * len(params.train.seeds), label="cross_evaluate", unit="tests") as bar:
        for trained_on in params.datasets:
            for seed in params.train.seeds:
                load_weights(model, weights_file(trained_on, seed))
                for dataset, images in tests.items():
                    right = predict(images.inputs).argmax(axis=1) == images.labels
                    matrix.loc[trained_on, dataset] += np.mean(right) / len(params.train.seeds)
                    bar.update()
    return matrix


if __name__ == "__main__":
    run_stage(cross_evaluate)
