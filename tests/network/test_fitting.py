"""Fitting: validation images, learning, determinism, and what early stopping and interruptions leave."""

import contextlib
import os
import random
import signal
import subprocess
import sys
from concurrent.futures import CancelledError

import numpy as np
import pandas as pd
import pytest

from stages.core.errors import PipelineError
from stages.core.store import read_arrays, write_arrays
from stages.network import fitting, speed, training
from stages.network.classifier import build_classifier, cross_entropy
from stages.network.fitting import fit
from stages.network.inputs import Features, validation_mask
from stages.network.runtime import start_tensorflow
from tests.clones import ROOT, train_params
from tests.faults import wait_for
from tests.training import LABELS, PATHS, fit_in, head_params, killed_in_process, separable_features


def assert_equal(first, second):
    pd.testing.assert_frame_equal(first.history, second.history, check_exact=True)
    assert list(first.weights) == list(second.weights)
    for path, expected in first.weights.items():
        np.testing.assert_array_equal(expected, second.weights[path])


def test_a_seed_holds_out_the_same_share_of_each_class_and_the_same_images_in_every_data_set():
    mask = validation_mask(PATHS, LABELS, 0.25, 0)
    assert [int(mask[label == LABELS].sum()) for label in (0, 1)] == [5, 5]
    order = np.random.default_rng(1).permutation(40)
    shuffled = validation_mask([PATHS[index] for index in order], LABELS[order], 0.25, 0)
    assert {PATHS[index] for index in order[shuffled]} == {PATHS[index] for index in np.flatnonzero(mask)}
    assert (mask != validation_mask(PATHS, LABELS, 0.25, 1)).any()
    assert not validation_mask(["a/1.png"], np.array([0]), 0.9, 0).any()


def test_a_network_learns_and_depends_on_its_seed_but_not_on_company_or_threads(tmp_path, monkeypatch):
    params = head_params(head=[32, 0.5], epochs=6)
    monkeypatch.setenv("PIPELINE_WORKERS", "2")
    together = fit_in(tmp_path, params, seeds=(3, 4))
    assert [fitted.seed for fitted in together] == [3, 4]
    assert all(fitted.history["accuracy"].iloc[-1] > 0.8 for fitted in together)
    monkeypatch.setenv("PIPELINE_WORKERS", "1")
    for fitted, alone in zip(together, fit_in(tmp_path, params, seeds=(3, 4)), strict=True):
        assert_equal(fitted, alone)
    first, second = (next(iter(fitted.weights.values())) for fitted in together)
    assert not np.array_equal(first, second)


def test_from_images_that_are_all_alike_a_network_learns_how_common_the_classes_are(tmp_path):
    params = train_params(epochs=2, batch_size=8, learning_rate=0.01, validation_fraction=0.25)
    labels = np.array([0] * 24 + [1] * 8)
    inputs = np.full((32, 32, 32, 3), 128, np.uint8)
    features = Features(inputs, labels, ["a", "b"], [f"{'ab'[label]}/{i}.png" for i, label in enumerate(labels)])
    (fitted,) = fit(features, params, "mask", {0: tmp_path / "state.npz"})
    assert np.isfinite(fitted.history["loss"]).all()
    assert fitted.history["val_accuracy"].iloc[-1] == 0.75


@pytest.fixture
def interrupt_after(monkeypatch):
    """The function that makes trainings save every epoch and end, as if by Ctrl-C, after some; None lets them go on."""
    monkeypatch.setattr(training, "SAVE_SECONDS", 0)
    add = training.State.add

    def choose(epochs):
        def add_and_stop(self, row, **options):
            add(self, row, **options)
            if len(self.history) == epochs:
                raise KeyboardInterrupt

        monkeypatch.setattr(training.State, "add", add_and_stop)

    return choose


@pytest.mark.parametrize(
    ("changes", "left"),
    [
        ({"head": [8, 0.5, 8], "validation_fraction": 0.25}, 1),
        # All was done already, and just the network was not written.
        ({"epochs": 30, "patience": 2, "learning_rate": 0.5, "validation_fraction": 0.25}, 0),
    ],
)
def test_an_interrupted_training_ends_as_an_undisturbed_one(changes, left, interrupt_after, tmp_path, capsys):
    params = head_params(**changes)
    interrupt_after(None)
    (undisturbed,) = fit_in(tmp_path / "undisturbed", params)
    count = len(undisturbed.history)
    assert (2 < count < 30) if params.patience else count == params.epochs
    interrupt_after(count - left)
    with pytest.raises(KeyboardInterrupt):
        fit_in(tmp_path, params)
    interrupt_after(None)
    (resumed,) = fit_in(tmp_path, params)
    assert f"goes on after epoch {count - left}" in capsys.readouterr().out
    assert_equal(undisturbed, resumed)


def test_early_stopping_keeps_the_best_epoch(tmp_path):
    params = head_params(epochs=30, patience=2, learning_rate=0.05, validation_fraction=0.25)
    (stopped,) = fit_in(tmp_path, params)
    losses = stopped.history["val_loss"]
    assert len(losses) == losses.argmin() + 3 > 3
    model, features = build_classifier(params, 2), separable_features()
    model.set_weights(list(stopped.weights.values()))
    held_out = validation_mask(PATHS, LABELS, 0.25, 3)
    probabilities = model.predict_on_batch(features.inputs[held_out])
    assert cross_entropy(probabilities, LABELS[held_out]) == pytest.approx(losses.min(), rel=1e-4)


def test_every_image_is_counted_and_what_the_counter_raises_ends_training_and_validation(tmp_path):
    counted = []
    params = head_params(epochs=2, validation_fraction=0.25)

    def count(images):
        counted.append(images)
        if sum(counted) > limit:
            raise CancelledError

    for limit in (80, 35, 10):  # all of two epochs; in the first validation; in the first epoch
        counted.clear()
        if limit == 80:
            training.train_network(separable_features(), params, 3, tmp_path / "state.npz", count)
            assert sum(counted) == 80
        else:
            with pytest.raises(CancelledError):
                training.train_network(separable_features(), params, 3, tmp_path / "state.npz", count)


def test_a_process_that_is_killed_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setenv("PIPELINE_WORKERS", "2")
    monkeypatch.setattr(fitting, "_train_in_process", killed_in_process)
    with pytest.raises(PipelineError, match="was killed"):
        fit_in(tmp_path, head_params(), seeds=(3, 4))


TWO_PROCESSES = """
import signal
import sys
from pathlib import Path
from tests.training import fit_in, fitting, head_params, wait_in_process

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell has its background jobs ignore Ctrl-C
    fitting._train_in_process = wait_in_process
    fit_in(Path(sys.argv[1]), head_params(), seeds=(3, 4))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_no_process_is_left_of_a_killed_stage_whether_it_works_or_waits_for_work(number, tmp_path):
    (tmp_path / "script.py").write_text(TWO_PROCESSES)
    settings = os.environ | {"PIPELINE_WORKERS": "2", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "script.py", str(tmp_path)]
    process = subprocess.Popen(command, cwd=tmp_path, env=settings, stderr=subprocess.DEVNULL, start_new_session=True)
    with contextlib.suppress(ProcessLookupError):
        try:
            wait_for((tmp_path / "4").exists)
            process.send_signal(number)
            process.wait(20)
            wait_for(lambda: os.killpg(process.pid, 0))  # raises where no process is left
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def test_a_process_that_trains_is_not_reached_by_ctrl_c():
    with fitting._without_ctrl_c():
        command = [sys.executable, "-c", "import signal, os; os.kill(os.getpid(), signal.SIGINT); print('goes on')"]
        assert subprocess.run(command, capture_output=True, text=True).stdout == "goes on\n"
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])


@pytest.mark.parametrize(("times", "slow"), [(4.5, False), (5.5, True)])
def test_steps_that_a_matrix_product_does_not_explain_are_named(times, slow, monkeypatch):
    monkeypatch.setattr(speed, "matrix_product_rate", lambda precision: 1e9)
    params = head_params(backbone="trainable", image_size=32)
    seconds = speed.operations(params.batch_size, 32, training=True) / 1e9 * times
    assert bool(speed.slow_step(params, [seconds] * 10)) == slow
    assert not speed.slow_step(params, [seconds] * 9)
    assert not speed.slow_step(head_params(), [seconds] * 10)


def test_initial_weights_do_not_depend_on_what_other_threads_draw():
    def build() -> bytes:
        start_tensorflow("float32")
        return b"".join(
            weights.tobytes() for weights in build_classifier(head_params(head=[4, 0.5]), 2, 3).get_weights()
        )

    random.seed(1)
    expected = build()
    random.seed(2)
    assert build() == expected


def test_a_state_that_is_not_whole_is_not_used(tensorflow, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(training, "SAVE_SECONDS", 0)
    params, file = head_params(), tmp_path / "state.npz"
    model = build_classifier(params, 2)
    training.compile_model(model, params, 5)
    training.State(file, model).add({"loss": 1.0}, is_best=False)
    assert training.State(file, model).history == [{"loss": 1.0}]
    content, arrays = file.read_bytes(), read_arrays(file)
    for damage in (
        lambda: file.write_bytes(b""),
        lambda: file.write_bytes(content[:-1]),
        lambda: write_arrays(file, {name: arrays[name] for name in arrays if name != "history"}),
        lambda: write_arrays(file, {name: arrays[name] for name in arrays if name != "variable_1"}),
    ):
        damage()
        assert training.State(file, model).history == []
        assert "is not whole; what it held is made anew" in capsys.readouterr().out
