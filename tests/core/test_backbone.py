"""The frozen backbone: the fast way agrees with the plain one."""

import numpy as np
import pytest

from stages.core.backbone import BATCH, RANDOM_WEIGHTS_SEED, load_backbone, run_backbone
from stages.core.network import build_backbone, start_tensorflow


@pytest.fixture(scope="module")
def images():
    return list(np.random.default_rng(0).integers(0, 256, (BATCH + 3, 32, 32, 3), np.uint8))


@pytest.fixture(scope="module")
def plain(images):
    start_tensorflow(RANDOM_WEIGHTS_SEED, "float32")
    return build_backbone(None, 32).predict_on_batch(np.stack(images))


def features(images, precision):
    return np.concatenate(list(run_backbone(load_backbone(None, 32, precision), iter(images))))


def test_every_image_gets_its_features_in_order(images, plain):
    np.testing.assert_allclose(features(images, "float32"), plain, rtol=1e-3, atol=1e-3 * np.abs(plain).max())


def test_bfloat16_differs_by_its_rounding_alone(images, plain):
    difference = np.abs(features(images, "bfloat16") - plain)
    assert difference.max() < 0.05 * np.abs(plain).max()


def test_the_number_of_workers_changes_nothing(images, monkeypatch):
    monkeypatch.setenv("PIPELINE_WORKERS", "1")
    one = features(images, "float32")
    monkeypatch.setenv("PIPELINE_WORKERS", "5")
    np.testing.assert_array_equal(features(images, "float32"), one)
