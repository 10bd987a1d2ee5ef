"""What `dvc plots` draws."""

import pandas as pd
import yaml

from stages.compare import comparison_table
from stages.core.params import load_params
from stages.report.series import frontier_points, joined_confusions, learning_curves
from stages.results.scores import utility_file
from tests.clones import ROOT
from tests.synthetic import WRONG, change, utility


def test_curves_have_a_row_a_seed_with_or_without_validation(results):
    text = "seed,epoch,accuracy,loss,val_accuracy,val_loss\n0,1,0.5,2,0.1,4\n1,1,0.7,1,0.3,2\n1,2,0.9,0.5,0.4,1\n"
    results(histories={"raw": text})
    curves = learning_curves(list(WRONG))
    assert curves[curves["dataset"] == "raw"].to_numpy().tolist() == [
        ["raw", "training", 0, 1, 2, 0.5],
        ["raw", "training", 1, 1, 1, 0.7],
        ["raw", "training", 1, 2, 0.5, 0.9],
        ["raw", "validation", 0, 1, 4, 0.1],
        ["raw", "validation", 1, 1, 2, 0.3],
        ["raw", "validation", 1, 2, 1, 0.4],
    ]
    assert curves[curves["dataset"] == "morphology"]["images"].tolist() == ["training"] * 2


def test_confusions_are_shares_of_what_the_images_show(results):
    results()
    change(utility_file("gaussian_blur"), predictions=[*utility(4)["predictions"], [1] * 20])
    table = joined_confusions(["raw", "gaussian_blur"])
    assert table.to_numpy().tolist() == [
        ["raw", "boat", "boat", 0.9],
        ["raw", "boat", "car", 0.1],
        ["raw", "car", "car", 1.0],
        ["gaussian_blur", "boat", "boat", 0.3],
        ["gaussian_blur", "boat", "car", 0.7],
        ["gaussian_blur", "car", "car", 1.0],
    ]


def test_frontier_keeps_its_columns_where_nobody_is_known(results):
    results()
    known = frontier_points(comparison_table(list(WRONG), load_params().compare)[0])
    assert known[["exposed", "accuracy"]].to_numpy().tolist() == [
        *([1.0, 0.95], [0.6, 0.8], [0.2, 0.6]),
        *([1.0, 1.0], [0.6, 1.0], [0.2, 1.0]),
    ]
    assert known["deployed_on"].tolist() == ["raw images"] * 3 + ["anonymized images"] * 3
    assert (known["exposed_low"] < known["exposed"] + 1e-9).all()
    assert set(known["exposed_by"]) == {"naming"}
    results(people=False)
    unknown = frontier_points(comparison_table(list(WRONG), load_params().compare)[0])
    assert list(unknown.columns) == list(known.columns)
    assert (unknown["exposed"] == 0.5).all() and set(unknown["exposed_by"]) == {"linkage"}


def test_every_plot_of_the_pipeline_finds_its_file_and_columns(compared):
    plots = [plot for plot in yaml.safe_load((ROOT / "dvc.yaml").read_text())["plots"] if isinstance(plot, dict)]
    assert len(plots) == 4
    for settings in (settings for plot in plots for settings in plot.values()):
        assert (ROOT / ".dvc" / "plots" / f"{settings['template']}.json").is_file()
        for file, column in settings["y"].items():
            assert {settings["x"], column} <= set(pd.read_csv(compared / file).columns)
