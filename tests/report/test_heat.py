"""The shaded tables of the page."""

import numpy as np
import pandas as pd

from stages.compare import comparison_table
from stages.core.params import load_params
from stages.report.heat import MOST_CLASSES, class_differences, confused_classes, confusion
from stages.results.scores import Utility
from tests.synthetic import WRONG, utility


def texts(heat) -> dict[str, list[str]]:
    return {name: [cell.text for cell in cells] for name, cells in heat.rows}


def test_class_differences_are_points_against_raw_with_the_worst_class_first(results):
    results()
    heat = class_differences(comparison_table(list(WRONG), load_params().compare)[0])
    assert heat.columns == list(WRONG)
    assert list(texts(heat).items()) == [("boat", ["90%", "-30", "-70"]), ("car", ["100%", "0", "0"])]
    boats = dict(heat.rows)["boat"]
    assert [cell.kind for cell in boats] == ["", "loss", "loss"]
    assert 0 == boats[0].heat < boats[1].heat < boats[2].heat
    gained = class_differences(pd.DataFrame({"dataset": ["raw", "a"], "class x": [0.5, 0.75]}))
    assert gained.rows[0][1][1][::2] == ("+25", "gain")
    alone = class_differences(pd.DataFrame({"dataset": ["raw"], "class x": [0.5], "class y": [1.0]}))
    assert texts(alone) == {"x": ["50%"], "y": ["100%"]}


def test_of_many_classes_those_are_shown_that_are_mistaken_most_often():
    count = MOST_CLASSES + 2
    labels = np.repeat(np.arange(count), 2)
    predictions = np.where(np.isin(labels, (1, 2)), labels, (labels + 1) % count)
    classes = [str(label) for label in range(count)]
    scores = Utility(
        **utility(0) | {"classes": classes, "labels": labels.tolist(), "predictions": [predictions.tolist()]}
    )
    confused = confused_classes([scores])
    assert confused == [0, *range(3, count)]
    heat = confusion("raw", scores, confused)
    assert len(heat.rows) == len(heat.columns) == MOST_CLASSES
