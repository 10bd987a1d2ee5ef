"""The heads of a frozen backbone: each as Keras trains it, whichever seeds train beside it."""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest

from stages.core.errors import PipelineError
from stages.core.params import load_params
from stages.network import fitting, heads
from stages.network.batches import batches
from stages.network.classifier import build_classifier, predict
from stages.network.heads import fit_heads
from stages.network.inputs import Features
from stages.network.runtime import keras, start_tensorflow
from tests.clones import ROOT

LABELS = np.repeat([0, 1], [28, 12])
PATHS = [f"{'ab'[label]}/{number:02d}.png" for number, label in enumerate(LABELS)]
NOISE = np.random.default_rng(0).normal(size=(40, 2048)).astype(np.float32)
SIGNAL = NOISE + LABELS[:, None] * (np.arange(2048) < 64)
HELD_OUT = fitting.validation_mask(PATHS, LABELS, 0.25)

heads.validation_mask = lambda *arguments: fitting.validation_mask(*arguments[:3])  # until it takes the seed


def params(**changes):
    small = {"backbone": "frozen", "head": [16, 0.5, 8], "epochs": 4, "batch_size": 8, "learning_rate": 0.002}
    return load_params(ROOT / "params.yaml").train.model_copy(update=small | {"validation_fraction": 0.25} | changes)


def fitted(inputs: np.ndarray, seeds: list[int], options: dict | None = None, **changes) -> list:
    return fit_heads(Features(inputs, LABELS, ["a", "b"], PATHS), params(**changes), seeds, "raw", **(options or {}))


def test_a_head_is_trained_as_keras_trains_it():
    [(seed, weights, history)] = fitted(SIGNAL, [3])
    start_tensorflow(3, "float32")
    model = build_classifier(params(), 2)
    model.compile(keras.optimizers.Adam(0.002), "sparse_categorical_crossentropy", metrics=["accuracy"])
    training = batches(SIGNAL, LABELS, np.flatnonzero(~HELD_OUT), 8, 3, range(4))
    validation = SIGNAL[HELD_OUT], LABELS[HELD_OUT]
    plain = model.fit(training, validation_data=validation, steps_per_epoch=4, epochs=4, verbose=0)
    expected = {"seed": [seed] * 4, "epoch": [1, 2, 3, 4], **plain.history}
    assert set(history) == set(expected)
    for name, values in expected.items():
        np.testing.assert_allclose(history[name], values, atol=1e-4)
    for ours, theirs in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-4)


def test_a_head_depends_neither_on_its_company_nor_on_the_number_of_threads(monkeypatch):
    monkeypatch.setenv("PIPELINE_WORKERS", "1")  # TensorFlow sets its threads once a process
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        [alone] = pool.submit(fitted, SIGNAL, [1]).result()
    monkeypatch.setenv("PIPELINE_WORKERS", "3")
    other, beside, _ = fitted(SIGNAL, [0, 1, 2])
    assert beside[0] == 1 and beside[2].equals(alone[2])
    for ours, kept, different in zip(beside[1], alone[1], other[1], strict=True):
        assert ours.tobytes() == kept.tobytes() != different.tobytes()


def test_each_head_stops_after_its_own_best_epoch_and_keeps_it():
    for _, weights, history in fitted(NOISE, [0, 1, 2], patience=2, epochs=30, learning_rate=0.01):
        assert len(history) == history["val_loss"].argmin() + 3 < 30
        model = build_classifier(params(), 2)
        model.set_weights(weights)
        right = predict(model, NOISE[HELD_OUT])[np.arange(HELD_OUT.sum()), LABELS[HELD_OUT]]
        assert -np.log(right).mean() == pytest.approx(history["val_loss"].min(), abs=1e-4)


def test_the_learning_rate_follows_the_schedule_and_the_average_of_the_weights_is_kept():
    def run(rate: float, decay: float | None = None) -> np.ndarray:
        schedule = {"learning_rate": lambda step, steps, params: rate * (step == steps - 1), "average_decay": decay}
        return fitted(SIGNAL, [0], schedule, epochs=2, batch_size=40)[0][1][0]

    start, end = run(0.0), run(0.1)
    np.testing.assert_allclose(run(0.1, 0.75), 0.75 * start + 0.25 * end, atol=1e-6)
    assert np.abs(end - start).max() > 0.05


def test_from_features_that_are_all_alike_a_head_learns_how_common_the_classes_are():
    [(_, _, history)] = fitted(np.ones_like(NOISE), [0], epochs=20, validation_fraction=0)
    assert np.isfinite(history["loss"]).all() and "val_loss" not in history and history["accuracy"].iloc[-1] == 0.7


def test_a_training_that_diverges_is_reported():
    with pytest.raises(PipelineError, match=r"raw diverged: .* lower `train.learning_rate`, received: 0.002"):
        fitted(SIGNAL, [0, 1], {"learning_rate": lambda step, steps, params: np.inf})
