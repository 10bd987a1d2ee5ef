"""What evaluate says of the images that networks were trained on, where it is known how much they remember."""

from pathlib import Path

import numpy as np
import pytest

from stages.evaluate import evaluate
from stages.results.scores import read_utility
from stages.results.utility import utility_row
from stages.train import train
from tests.clones import set_param
from tests.training import write_features

PATHS = [f"{name}/{number:03}.png" for name in ("cat", "dog") for number in range(250)]


def write_noise(split: str, paths: list[str], seed: int) -> None:
    """Write features that tell nothing of their class: a network can only learn them by heart."""
    write_features("raw", split, np.random.default_rng(seed).normal(size=(len(paths), 2048)), paths)


@pytest.fixture
def trained(workspace, save_images, monkeypatch):
    """The function that trains networks on features whose classes are random, with changes of the params."""

    monkeypatch.setenv("PIPELINE_WORKERS", "1")  # so that all networks are trained in this process

    def make(paths=PATHS, **changes) -> None:
        head = {
            "backbone": "frozen",
            "head": [],
            "epochs": 12,
            "learning_rate": 0.05,
            "validation_fraction": 0.25,
            "seeds": [0, 1],
        }
        folder = workspace({f"train.{key}": value for key, value in (head | changes).items()})
        save_images(folder / "data/raw/train", paths)
        save_images(folder / "data/raw/test", PATHS[::100], first_seed=len(PATHS))
        write_noise("train", paths, 0)
        write_noise("test", PATHS[::100], 1)
        train("raw")

    return make


def test_what_is_learned_by_heart_is_found_and_images_that_no_network_saw_are_not(trained, monkeypatch):
    monkeypatch.setattr("stages.evaluate.SHADOWS", 24)
    trained()
    set_param(Path(), "attack.effort", "thorough")
    evaluate("raw")
    row = utility_row(read_utility("raw"), read_utility("raw"))
    assert row["membership_auc"] > 0.9 and row["membership_tpr_at_fpr1"] > 0.1
    assert row["membership_auc_lira"] > 0.9 and row["membership_auc_rmia"] > 0.7
    assert 0.01 < row["membership_lira_low"] < row["membership_lira_tpr_at_fpr01"]
    set_param(Path(), "attack.effort", "quick")
    write_noise("train", PATHS, 2)
    evaluate("raw")
    row = utility_row(read_utility("raw"), read_utility("raw"))
    assert row["membership_auc"] == pytest.approx(0.5, abs=0.06)
    assert row["membership_low"] < 0.5 < row["membership_high"]
    assert not [key for key in row if "lira" in key]


def test_without_validation_images_nothing_is_said_of_membership(trained):
    trained(epochs=1, validation_fraction=0, seeds=[0])
    evaluate("raw")
    scores = read_utility("raw")
    assert (scores.probe.labels, scores.membership) == (scores.labels, None)
    assert not [key for key in utility_row(scores, scores) if key.startswith("membership")]


def test_classes_too_small_for_validation_images_are_left_out(trained):
    dogs = [f"dog/{number}.png" for number in range(20)]
    trained(PATHS[:200] + dogs, validation_fraction=0.02, epochs=3, seeds=[0])  # 4 of 200, none of 20
    evaluate("raw")
    shares = 196 * np.array(read_utility("raw").membership.placements)
    assert shares == pytest.approx(shares.round(), abs=1e-3)  # of cats alone
