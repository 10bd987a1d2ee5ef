"""Prepares the tables that the page shades: what each class loses, and which classes are confused."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from stages.core.params import RAW
from stages.results.scores import Utility
from stages.results.utility import confusion_counts, confusion_shares

MOST_CLASSES = 20  # of a confusion matrix on the page; more cannot be read
_CLASS = "class "
_FULL = 0.6  # opacity of the strongest shade, under which text stays legible


class Cell(NamedTuple):
    """A number on the page with its shade."""

    text: str
    heat: float = 0.0  # opacity of the shade
    kind: str = ""  # which colour: loss or gain


class Heat(NamedTuple):
    """A shaded table."""

    title: str
    columns: list[str]
    rows: list[tuple[str, list[Cell]]]


def class_differences(table: pd.DataFrame) -> Heat:
    """Tabulate what each variant costs on each class, the worst class first."""
    classes = [name for name in table if name.startswith(_CLASS)]
    accuracy = table.set_index("dataset")[classes].T
    changes = accuracy.drop(columns=RAW).sub(accuracy[RAW], axis=0)
    order = changes.min(axis=1).sort_values(kind="stable").index if len(changes.columns) else classes
    rows = []
    for name in order:
        cells = [Cell(f"{accuracy.loc[name, RAW]:.0%}")]
        for change in changes.loc[name]:
            points, shade = round(100 * change), round(min(1.0, abs(change)) * _FULL, 2)
            cells.append(Cell(f"{points:+d}" if points else "0", shade, "gain" if change > 0 else "loss"))
        rows.append((name.removeprefix(_CLASS), cells))
    return Heat("", [RAW, *changes.columns], rows)


def confusion(dataset: str, scores: Utility, classes: list[int]) -> Heat:
    """Tabulate how often the networks of a data set confuse which classes."""
    names = [scores.classes[label] for label in classes]
    rows = [
        [Cell(f"{100 * share:.0f}" if share else "", round(share * _FULL, 2), "loss") for share in shares]
        for shares in confusion_shares(scores)[np.ix_(classes, classes)]
    ]
    for place, cells in enumerate(rows):
        cells[place] = cells[place]._replace(kind="gain")
    return Heat(dataset, names, list(zip(names, rows, strict=True)))


def confused_classes(scores: list[Utility]) -> list[int]:
    """Return the classes that a page has room for: those most often mistaken, over all data sets, in their order."""
    counts = np.sum([confusion_counts(utility) for utility in scores], axis=0)
    errors = counts.sum(axis=1) - counts.diagonal()
    return sorted(np.argsort(-errors, kind="stable")[:MOST_CLASSES].tolist())
