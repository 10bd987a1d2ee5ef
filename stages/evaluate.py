"""Tests a data set's networks on the raw test images and on the data set's own, and what they tell of their training.

Writes predictions, those of a linear probe too, and how well training images are told from others, to
`data/scores/utility/<dataset>.json`, the confusion matrix and per-class accuracy to `metrics/`, and a few test images
to `data/gallery/<dataset>/`, for `compare` to show.
"""

import json
import sys
from collections.abc import Callable

import numpy as np
import pandas as pd
from sklearn.metrics import brier_score_loss

from stages.attacks.membership import attack_shadows, confidence, infer_membership
from stages.core.datasets import Dataset
from stages.core.errors import run_stage
from stages.core.files import write_file
from stages.core.machine import environment
from stages.core.parallel import map_bounded, print_summary
from stages.core.params import RAW, TrainParams, load_params
from stages.core.paths import CONFUSION, DATA, PER_CLASS
from stages.core.seeding import order_key
from stages.network.classifier import build_classifier, cross_entropy, make_predictor
from stages.network.inputs import Features, read_features, validation_mask
from stages.network.models import read_model
from stages.network.runtime import accelerator_names, start_tensorflow
from stages.network.shadows import SHADOWS, train_shadows
from stages.network.weights import load_weights, weights_file
from stages.results.gallery import write_gallery
from stages.results.probe import MOST_IMAGES, probe_features, run_probe
from stages.results.scores import MembershipScores, Probe, Utility, utility_file
from stages.results.utility import accuracy_interval, expected_calibration_error

_CHUNK = 10_000  # training images whose probabilities are in memory at once


def evaluate(dataset: str) -> None:
    """Test the networks of one data set."""
    params = load_params().require_classes("evaluate")
    raw, own, trained_on = read_features(RAW, "test"), read_features(dataset, "test"), read_features(dataset, "train")
    start_tensorflow(params.train.precision)
    model = build_classifier(params.train, len(raw.classes))
    predict = make_predictor(model)
    scores = Utility(
        classes=raw.classes,
        paths=raw.paths,
        labels=raw.labels.tolist(),
        labels_anonymized=own.labels.tolist(),
        predictions=[],
        predictions_anonymized=[],
        loss=[],
        ece=[],
        brier=[],
        made_with=_trainings(dataset, params.train.seeds) | {"evaluation": environment(accelerator_names())},
        probe=_probe(dataset, trained_on, own, raw),
    )
    held_out = _held_out(trained_on, params.train)
    confidences = []
    for seed in params.train.seeds:
        load_weights(model, weights_file(dataset, seed))
        probabilities = predict(raw.inputs)
        anonymized = probabilities if dataset == RAW else predict(own.inputs)
        scores.predictions.append(probabilities.argmax(axis=1).tolist())
        scores.predictions_anonymized.append(anonymized.argmax(axis=1).tolist())
        scores.loss.append(cross_entropy(probabilities, raw.labels))
        scores.ece.append(expected_calibration_error(probabilities, raw.labels))
        scores.brier.append(
            brier_score_loss(raw.labels, probabilities, labels=range(len(raw.classes)), scale_by_half=False)
        )
        if held_out.any():
            confidences.append(_confidence(predict, trained_on))
    shadows = None
    if params.attack.effort == "thorough" and params.train.backbone == "frozen":
        shadows = train_shadows(trained_on, params.train, confidence, SHADOWS)
        scores.shadows = attack_shadows(*shadows)
    if confidences:
        scores.membership = _membership(trained_on.labels, np.array(confidences), held_out, shadows)
    write_file(utility_file(dataset), (json.dumps(scores.model_dump(exclude_none=True)) + "\n").encode())
    _write_confusion(dataset, raw, scores)
    _write_per_class(dataset, raw, scores)
    write_gallery(dataset, params.data.seed)
    print_summary(
        f"evaluate: {dataset} is right on {scores.correct.mean():.1%} of {len(raw.labels)} raw test"
        f" images; predictions in {utility_file(dataset)}"
    )


def _confidence(predict: Callable[[np.ndarray], np.ndarray], features: Features) -> np.ndarray:
    chunks = [slice(start, start + _CHUNK) for start in range(0, len(features.labels), _CHUNK)]
    return np.concatenate([confidence(predict(features.inputs[chunk]), features.labels[chunk]) for chunk in chunks])


def _held_out(features: Features, params: TrainParams) -> np.ndarray:
    """Return which training images each seed's network was not trained on, (seeds, images) bool."""
    return np.array(
        [validation_mask(features.paths, features.labels, params.validation_fraction, seed) for seed in params.seeds]
    )


def _membership(
    labels: np.ndarray, confidences: np.ndarray, held_out: np.ndarray, shadows: tuple[np.ndarray, np.ndarray] | None
) -> MembershipScores:
    """Return what the attacker finds who holds all raw training images, and anonymizes them as the data set was.

    Non-members are the validation images: a random choice from the same split, with the same classes. Test images may
    differ from training images in more than that no network was trained on them.
    Classes that are too small for any do not count.
    """
    rows = np.isin(labels, labels[held_out.any(axis=0)])
    shadows = shadows and (shadows[0][:, rows], shadows[1][:, rows])
    found = infer_membership(confidences[:, rows], ~held_out[:, rows], shadows)
    rates = None if found.tpr_at_fpr1 is None else found.tpr_at_fpr1.tolist()
    return MembershipScores(placements=found.placements.round(6).tolist(), auc=found.auc, tpr_at_fpr1=rates)


def _probe(dataset: str, trained_on: Features, own: Features, raw: Features) -> Probe:
    """Return what the probe learns of the data set's images, and says of raw test images and of its own."""

    def seen(name: str, split: str, features: Features) -> tuple[np.ndarray, list[int]]:
        source, places = Dataset(DATA / name), range(len(features.paths))
        chosen = sorted(sorted(places, key=lambda place: order_key(0, features.paths[place]))[:MOST_IMAGES])
        images = (f"{split}/{features.paths[place]}" for place in chosen)
        found = np.stack(list(map_bounded(lambda path: probe_features(source.image(path)), images)))
        return found, features.labels[chosen].tolist()

    (images, labels), *tests = seen(dataset, "train", trained_on), seen(RAW, "test", raw), seen(dataset, "test", own)
    on_raw, on_own = run_probe(images, np.array(labels), [test for test, _ in tests])
    return Probe(
        labels=tests[0][1],
        predictions=on_raw.tolist(),
        labels_anonymized=tests[1][1],
        predictions_anonymized=on_own.tolist(),
    )


def _trainings(dataset: str, seeds: list[int]) -> dict[str, dict[str, str]]:
    made = {seed: read_model(dataset, seed).made_with for seed in seeds}
    if all(step == made[seeds[0]] for step in made.values()):
        return {"training": made[seeds[0]]}
    return {f"training of seed {seed}": step for seed, step in made.items()}


def _write_confusion(dataset: str, raw: Features, scores: Utility) -> None:
    names = np.array(raw.classes)
    table = pd.concat(
        pd.DataFrame({"actual": names[raw.labels], "predicted": names[run]}) for run in scores.predictions
    )
    write_file(CONFUSION / f"{dataset}.csv", table.to_csv(index=False).encode())


def _write_per_class(dataset: str, raw: Features, scores: Utility) -> None:
    correct = scores.correct
    rows = []
    for label, name in enumerate(raw.classes):
        images = correct[:, raw.labels == label]
        low, high = accuracy_interval(images)
        rows.append(
            {"class": name, "images": images.shape[1], "accuracy": images.mean(), "ci95_low": low, "ci95_high": high}
        )
    write_file(PER_CLASS / f"{dataset}.csv", pd.DataFrame(rows).round(4).to_csv(index=False).encode())


if __name__ == "__main__":
    run_stage(evaluate, *sys.argv[1:])
