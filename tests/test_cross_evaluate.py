"""Cross-evaluation: what it tests on what, and that it costs nothing while it is off."""

import sys

import numpy as np
import pandas as pd
import pytest

from stages.core.features import FEATURES, create_inputs, write_index
from stages.core.network import MODELS, build_classifier, predict, start_tensorflow, weights_file
from stages.core.params import load_params
from stages.cross_evaluate import FILE, cross_evaluate

PATHS = [f"{name}/{number}.png" for name in ("cat", "dog") for number in range(15)]
LABELS = np.repeat([0, 1], 15)


@pytest.fixture
def networks(workspace):
    """The function that makes random heads and features for two data sets."""

    def make(cross: bool, seeds: tuple[int, ...] = (0,)) -> None:
        changes = {"train.backbone": "frozen", "train.head": [], "train.seeds": list(seeds), "evaluate.cross": cross}
        workspace({"datasets": ["raw", "morphology"], **changes})
        params = load_params().train
        for number, dataset in enumerate(("raw", "morphology")):
            folder = FEATURES / dataset / "test"
            create_inputs(folder, (30, 2048), np.float32)[:] = np.random.default_rng(number).normal(size=(30, 2048))
            write_index(folder, PATHS, ["cat", "dog"])
            (MODELS / dataset).mkdir(parents=True)
            for seed in seeds:
                start_tensorflow(10 * number + seed, "float32")
                build_classifier(params, 2).save_weights(MODELS / dataset / weights_file(seed))

    return make


def accuracy_of(trained_on: str, tested_on: str, seed: int) -> float:
    model = build_classifier(load_params().train, 2)
    model.load_weights(MODELS / trained_on / weights_file(seed))
    inputs = np.load(FEATURES / tested_on / "test" / "inputs.npy")
    return float(np.mean(predict(model, inputs).argmax(axis=1) == LABELS))


def test_every_network_is_tested_on_every_data_set(networks):
    networks(cross=True, seeds=(0, 1))
    cross_evaluate()
    table = pd.read_csv(FILE).set_index("trained_on")
    assert list(table.index) == list(table.columns) == ["raw", "morphology"]
    for trained_on in table.index:
        for tested_on in table.columns:
            expected = np.mean([accuracy_of(trained_on, tested_on, seed) for seed in (0, 1)])
            assert table.loc[trained_on, tested_on] == round(expected, 4)
    assert len(set(table.to_numpy().ravel())) > 2


def test_while_off_it_writes_a_header_and_reads_no_network(networks, monkeypatch, capsys):
    networks(cross=False)
    monkeypatch.setitem(sys.modules, "stages.core.network", None)  # an import of it fails
    cross_evaluate()
    assert FILE.read_text() == "trained_on,raw,morphology\n"
    assert "off, as `evaluate.cross` is false" in capsys.readouterr().out
