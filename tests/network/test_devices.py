"""Networks on several devices: logical processors, in a process of their own, stand in for GPUs."""

import os
import re
import threading
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

import numpy as np
import pytest

from stages.core.errors import PipelineError
from stages.network import checkpoints, runtime
from stages.network.checkpoints import Checkpoint
from stages.network.mirrored import MirroredSteps
from stages.network.optimizers import OPTIMIZERS
from stages.network.runtime import device_groups, keras, start_tensorflow, tf
from stages.network.steps import Steps
from stages.network.variables import Network
from tests.network.test_fitting import assert_equal, fit_in, head_params

DEVICES = ["CPU:0", "CPU:1", "CPU:2", "CPU:3"]
LEARNING_RATE = 0.1


def split_the_processor(log):
    tf.debugging.set_log_device_placement(True)
    processor = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * len(DEVICES))
    os.dup2(os.open(log, os.O_CREAT | os.O_WRONLY), 2)


@pytest.fixture(scope="module")
def placement_log(tmp_path_factory):
    return tmp_path_factory.mktemp("devices") / "stderr"


@pytest.fixture(scope="module")
def elsewhere(placement_log):
    """The function that calls another one in the process with several devices."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TF_CPP_MIN_LOG_LEVEL", "0")
        with ProcessPoolExecutor(1, get_context("spawn"), split_the_processor, (placement_log,)) as pool:
            yield lambda function, *arguments: pool.submit(function, *arguments).result()


def fit_on(devices, folder, params, seeds):
    runtime.devices = lambda: devices
    return fit_in(folder, params, seeds)


def fit_and_watch(devices, folder, params, seeds):
    """Also return each network's devices, and those of its variables; fails unless networks start two by two."""
    places, traced, train, together = [], set(), Steps.train, threading.Barrier(2, timeout=60)

    def watch(steps, network, step, *batch):
        if step == 1:
            together.wait()
            traced.add(steps)
            places.append((network.devices, {variable.device[-5:] for variable in network.variables}))
        return train(steps, network, step, *batch)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Steps, "train", watch)
        return fit_on(devices, folder, params, seeds), places, len(traced)


def test_seeds_take_turns_on_the_devices_and_give_the_same_bytes(elsewhere, placement_log, tmp_path):
    params, seeds = head_params(head=[32, 0.5]), (3, 4, 5, 6)
    written = placement_log.stat().st_size if placement_log.exists() else 0
    spread, places, traces = elsewhere(fit_and_watch, ["CPU:1", "CPU:3"], tmp_path, params, seeds)
    assert sorted(places) == [(["CPU:1"], {"CPU:1"})] * 2 + [(["CPU:3"], {"CPU:3"})] * 2
    products = re.findall(r"MatMul: \(MatMul\): .*device:(CPU:\d)", placement_log.read_text()[written:])
    assert set(products) == {"CPU:1", "CPU:3"}
    assert traces == 1
    for one, other in zip(spread, elsewhere(fit_on, [], tmp_path, params, seeds), strict=True):
        assert_equal(one, other)


def test_replicas_give_what_one_device_gives(elsewhere, tmp_path):
    # Of 36 images in batches of 7, the last has one, so one of two replicas has none.
    params = head_params(head=[8], optimizer="sgd", batch_size=7, learning_rate=LEARNING_RATE)
    (alone,) = elsewhere(fit_on, DEVICES[:1], tmp_path, params, (3,))
    (shared,) = elsewhere(fit_on, DEVICES[:2], tmp_path, params.model_copy(update={"replicas": 2}), (3,))
    np.testing.assert_allclose(shared.history, alone.history, atol=1e-5)
    for path, expected in alone.weights.items():
        np.testing.assert_allclose(shared.weights[path], expected, atol=1e-5)


def test_groups_of_devices_train_side_by_side_and_give_the_same_bytes(elsewhere, tmp_path):
    params, seeds = head_params(head=[8, 0.5], replicas=2), (3, 4, 5, 6)
    together = elsewhere(fit_on, DEVICES, tmp_path, params, seeds)
    for one, other in zip(together, elsewhere(fit_on, DEVICES[:2], tmp_path, params, seeds), strict=True):
        assert_equal(one, other)


def interrupt_and_go_on(folder, params):
    checkpoints.COST_SHARE, save = float("inf"), Checkpoint.save

    def save_and_stop(checkpoint, history, best):
        save(checkpoint, history, best)
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Checkpoint, "save", save_and_stop)
        fit_on(DEVICES[:2], folder, params, (3,))
    return fit_on(DEVICES[:2], folder, params, (3,))


def test_an_interrupted_training_of_replicas_ends_as_an_undisturbed_one(elsewhere, tmp_path):
    params = head_params(replicas=2)
    (undisturbed,) = elsewhere(fit_on, DEVICES[:2], tmp_path, params, (3,))
    (resumed,) = elsewhere(interrupt_and_go_on, tmp_path / "interrupted", params)
    assert_equal(undisturbed, resumed)


def train_small(devices, make_layer, inputs, labels, count):
    """Train a network of one hidden layer on one batch; return its variables on each device, and the losses."""
    start_tensorflow(0, "float32")
    shape = keras.Input(inputs.shape[1:])
    model = keras.Model(shape, keras.layers.Dense(2, activation="softmax")(make_layer()(shape)))
    network = Network(model, OPTIMIZERS["sgd"], devices)
    steps = (Steps if len(devices) == 1 else MirroredSteps)(model, OPTIMIZERS["sgd"], network)
    losses = [steps.train(network, step, LEARNING_RATE, inputs, labels)[0] for step in range(1, count + 1)]
    return [[variable.numpy() for variable in replica.variables] for replica in network.replicas], losses


NORMALIZATION = partial(keras.layers.BatchNormalization, momentum=0.9)


def test_batch_normalization_of_equal_parts_is_that_of_the_whole(elsewhere):
    rng = np.random.default_rng(0)
    inputs, labels = np.tile(rng.normal(size=(6, 4)).astype(np.float32), (2, 1)), np.tile(np.arange(6) % 2, 2)
    (alone,), expected = elsewhere(train_small, DEVICES[:1], NORMALIZATION, inputs, labels, 20)
    (first, second), losses = elsewhere(train_small, DEVICES[:2], NORMALIZATION, inputs, labels, 20)
    np.testing.assert_allclose(losses, expected, atol=1e-5)
    assert losses[-1] < losses[0] - 0.05
    for one, other, single in zip(first, second, alone, strict=True):
        np.testing.assert_array_equal(one, other)
        np.testing.assert_allclose(one, single, atol=1e-5)


def test_statistics_of_batch_normalization_are_means_over_the_images_of_all_parts(elsewhere):
    inputs = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    replicas, _ = elsewhere(train_small, DEVICES[:2], NORMALIZATION, inputs, np.arange(5) % 2, 1)
    parts = inputs[:3], inputs[3:]
    variance = sum(len(part) / 5 * part.var(axis=0) for part in parts)
    for *_, moving_mean, moving_variance in replicas:
        np.testing.assert_allclose(moving_mean, 0.1 * inputs.mean(axis=0), atol=1e-6)
        np.testing.assert_allclose(moving_variance, 0.9 + 0.1 * variance, atol=1e-6)


def test_replicas_draw_dropout_of_their_own_and_keep_one_state(elsewhere):
    dropout = partial(keras.layers.Dropout, 0.5)
    replicas, _ = elsewhere(train_small, DEVICES[:2], dropout, np.ones((2, 2000), np.float32), np.zeros(2, int), 1)
    for one, other in zip(*replicas, strict=True):
        np.testing.assert_array_equal(one, other)
    (alone,), _ = elsewhere(train_small, DEVICES[:1], dropout, np.ones((2, 2000), np.float32), np.zeros(2, int), 0)
    untrained = (replicas[0][0] == alone[0]).all(axis=1).mean()
    assert 0.2 < untrained < 0.3  # dropped on both; with the same draw it would be half


@pytest.mark.parametrize(("there", "replicas"), [(0, 2), (3, 4)])
def test_fewer_gpus_than_replicas_are_refused(there, replicas, monkeypatch):
    monkeypatch.setattr(runtime, "devices", lambda: DEVICES[:there])
    with pytest.raises(PipelineError) as caught:
        device_groups(replicas)
    assert str(caught.value) == (
        f"`train.replicas` must be at most the number of GPUs, {there} on this machine, or 1; received: {replicas}"
    )


@pytest.mark.parametrize(
    ("there", "replicas", "groups"),
    [(0, 1, []), (2, 1, [["CPU:0"], ["CPU:1"]]), (3, 2, [["CPU:0", "CPU:1"]]), (4, 2, [DEVICES[:2], DEVICES[2:]])],
)
def test_gpus_are_shared_out_in_groups(there, replicas, groups, monkeypatch):
    monkeypatch.setattr(runtime, "devices", lambda: DEVICES[:there])
    assert device_groups(replicas) == groups
