"""An interrupted training goes on after its last saved epoch, and ends with the same bytes."""

import numpy as np
import pandas as pd
import pytest

from stages.network import checkpoints
from stages.network.checkpoints import PARTIAL, Checkpoint, training_key
from stages.network.fitting import fit
from stages.network.weights import MODELS
from stages.train import train
from tests.test_train import head_params, separable_features, write_workspace


@pytest.fixture
def interrupt_after(monkeypatch):
    """The function that makes trainings save every epoch and end, as if by Ctrl-C, after some; None lets them go on."""
    monkeypatch.setattr(checkpoints, "COST_SHARE", float("inf"))
    save = Checkpoint.on_epoch_end

    def choose(epochs):
        def save_and_stop(self, epoch, logs=None):
            save(self, epoch, logs)
            if epoch + 1 == epochs:
                raise KeyboardInterrupt

        monkeypatch.setattr(Checkpoint, "on_epoch_end", save_and_stop)

    return choose


def fit_to(file, params):
    model, history = fit(separable_features(), params, 3, "test", file)
    return model.get_weights(), history


def test_an_interrupted_training_ends_as_an_undisturbed_one(interrupt_after, tmp_path, capsys):
    epochs, params = 2, head_params(head=[8, 0.5, 8], validation_fraction=0.25)
    interrupt_after(None)
    weights, history = fit_to(tmp_path / "undisturbed.npz", params)
    interrupt_after(epochs)
    with pytest.raises(KeyboardInterrupt):
        fit_to(tmp_path / "state.npz", params)
    interrupt_after(None)
    resumed_weights, resumed_history = fit_to(tmp_path / "state.npz", params)
    assert f"goes on after epoch {epochs}" in capsys.readouterr().out
    pd.testing.assert_frame_equal(resumed_history, history, check_exact=True)
    for one, other in zip(weights, resumed_weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_early_stopping_goes_on_where_it_was(interrupt_after, tmp_path):
    params = head_params(epochs=30, patience=2, learning_rate=0.5, validation_fraction=0.25)
    interrupt_after(None)
    weights, history = fit_to(tmp_path / "undisturbed.npz", params)
    assert 2 < len(history) < 30
    # In the last one it had stopped already, and just the network was not written.
    for epochs in (len(history) - 1, len(history)):
        file = tmp_path / f"{epochs}.npz"
        interrupt_after(epochs)
        with pytest.raises(KeyboardInterrupt):
            fit_to(file, params)
        interrupt_after(None)
        resumed_weights, resumed_history = fit_to(file, params)
        pd.testing.assert_frame_equal(resumed_history, history, check_exact=True)
        for one, other in zip(weights, resumed_weights, strict=True):
            np.testing.assert_array_equal(one, other)


def test_a_broken_state_is_not_taken_for_whole(interrupt_after, tmp_path, capsys):
    interrupt_after(None)
    weights, _ = fit_to(tmp_path / "state.npz", head_params())
    whole = (tmp_path / "state.npz").read_bytes()
    for kept in (0, len(whole) - 1):
        (tmp_path / "state.npz").write_bytes(whole[:kept])
        again, history = fit_to(tmp_path / "state.npz", head_params())
        assert "is not whole; training starts anew" in capsys.readouterr().out
        assert len(history) == 4
        np.testing.assert_array_equal(weights[0], again[0])


def test_the_stage_goes_on_and_clears_up(interrupt_after, tmp_path, monkeypatch):
    folders = [tmp_path / "undisturbed", tmp_path / "interrupted"]
    for folder in folders:
        folder.mkdir()
        write_workspace(folder, monkeypatch, seeds=[4, 7])
        if folder == folders[1]:
            write_workspace(folder, monkeypatch, seeds=[4, 7], learning_rate=0.5)
            interrupt_after(1)
            with pytest.raises(KeyboardInterrupt):
                train("raw")
            # The state of other settings is no start for these.
            write_workspace(folder, monkeypatch, seeds=[4, 7])
            with pytest.raises(KeyboardInterrupt):
                train("raw")
            assert [file.name[:7] for file in PARTIAL.glob("raw/*")] == ["seed_4_"]
            assert not any(MODELS.glob("*"))
        interrupt_after(None)
        train("raw")
        assert not any(PARTIAL.glob("*"))
    for file in ("data/models/raw/seed_4.npz", "data/models/raw/seed_7.npz", "metrics/history/raw.csv"):
        assert (folders[0] / file).read_bytes() == (folders[1] / file).read_bytes()


def test_a_short_training_saves_nothing(monkeypatch, tmp_path):
    monkeypatch.setattr(checkpoints, "COST_SHARE", 1e-9)
    fit_to(tmp_path / "state.npz", head_params(epochs=1))
    assert not (tmp_path / "state.npz").exists()


def test_another_setting_or_image_has_another_key():
    features, params = separable_features(), head_params()
    key = training_key(features, params)
    assert key == training_key(separable_features(), head_params())
    assert key != training_key(features, head_params(learning_rate=0.002))
    assert key != training_key(features._replace(paths=features.paths[::-1]), params)
    features.inputs[-1, -1] += 1
    assert key != training_key(features, params)
