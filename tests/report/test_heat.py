import numpy as np
import pandas as pd

from stages.compare import comparison_table
from stages.report.heat import MOST_CLASSES, class_differences, confused_classes, confusion
from tests.synthetic import CLASSES, WRONG, utility


def test_class_differences_are_points_against_raw_with_the_worst_class_first(results):
    results()
    heat = class_differences(comparison_table(list(WRONG)))
    assert heat.columns == list(WRONG)
    assert [name for name, _ in heat.rows] == ["boat", "car"]
    cells = dict(heat.rows)
    assert [cell.text for cell in cells["boat"]] == ["90%", "-30", "-70"]
    assert [cell.text for cell in cells["car"]] == ["100%", "0", "0"]
    assert [cell.kind for cell in cells["boat"]] == ["", "loss", "loss"]
    assert 0 == cells["boat"][0].heat < cells["boat"][1].heat < cells["boat"][2].heat


def test_a_class_that_gains_is_shaded_as_a_gain():
    table = pd.DataFrame({"dataset": ["raw", "a"], "class x": [0.5, 0.75]})
    assert class_differences(table).rows[0][1][1][::2] == ("+25", "gain")


def test_raw_alone_has_its_classes_and_no_differences():
    heat = class_differences(pd.DataFrame({"dataset": ["raw"], "class x": [0.5], "class y": [1.0]}))
    assert [(name, [cell.text for cell in cells]) for name, cells in heat.rows] == [("x", ["50%"]), ("y", ["100%"])]


def test_confusion_is_in_percent_of_what_the_images_show():
    heat = confusion("morphology", utility(8), [0, 1])
    assert (heat.title, heat.columns) == ("morphology", CLASSES)
    assert [(name, [cell.text for cell in cells]) for name, cells in heat.rows] == [
        ("boat", ["20", "80"]),
        ("car", ["", "100"]),
    ]
    assert [[cell.kind for cell in cells] for _, cells in heat.rows] == [["gain", "loss"], ["loss", "gain"]]


def test_confusion_of_several_seeds_counts_all_of_them():
    scores = utility(0)
    scores["predictions"].append([1] * 20)
    assert [cell.text for cell in confusion("raw", scores, [0, 1]).rows[0][1]] == ["50", "50"]


def test_of_many_classes_those_are_shown_that_are_mistaken_most_often():
    count = MOST_CLASSES + 2
    labels = np.repeat(np.arange(count), 2)
    wrong = np.ones(len(labels), bool)
    wrong[[2, 3, 4, 5]] = False  # classes 1 and 2 are right
    predictions = np.where(wrong, (labels + 1) % count, labels)
    scores = {
        "classes": [str(label) for label in range(count)],
        "labels": labels.tolist(),
        "predictions": [predictions.tolist()],
    }
    shown = confused_classes([scores])
    assert shown == [0, *range(3, count)]
    heat = confusion("raw", scores, shown)
    assert len(heat.rows) == len(heat.columns) == MOST_CLASSES
