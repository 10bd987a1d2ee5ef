"""Prepares the tables that the page shades: what each class loses, and which classes are confused."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from stages.core.params import RAW
from stages.results.utility import confusion_shares

MOST_CLASSES = 20  # of a confusion matrix on the page; more cannot be read
_CLASS = "class "
_FULL = 0.6  # opacity of the strongest shade, under which text stays legible


class Cell(NamedTuple):
    """A number on the page with its shade."""

    text: str
    heat: float = 0.0  # opacity of the shade
    kind: str = ""  # loss, gain or share: which colour


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
            points = round(100 * change)
            cells.append(Cell(f"{points:+d}" if points else "0", *_shade(change)))
        rows.append((name.removeprefix(_CLASS), cells))
    return Heat("", [RAW, *changes.columns], rows)


def _shade(change: float) -> tuple[float, str]:
    return round(min(1.0, abs(change)) * _FULL, 2), "gain" if change > 0 else "loss"


def confusion(dataset: str, scores: dict, shown: list[int]) -> Heat:
    """Count which class the networks of a data set took for which."""
    shares = confusion_shares(scores)
    names = [scores["classes"][label] for label in shown]
    rows = []
    for row, name in zip(shown, names, strict=True):
        cells = []
        for column in shown:
            share = shares[row, column]
            kind = "gain" if row == column else "loss"
            cells.append(Cell(f"{100 * share:.0f}" if share else "", round(share * _FULL, 2), kind))
        rows.append((name, cells))
    return Heat(dataset, names, rows)


def confused_classes(scores: list[dict]) -> list[int]:
    """Return the classes that a page has room for: those most often mistaken, over all data sets, in their order."""
    labels = np.array(scores[0]["labels"])
    wrong = sum((np.array(one["predictions"]) != labels).sum(axis=0) for one in scores)
    errors = np.bincount(labels, weights=wrong, minlength=len(scores[0]["classes"]))
    return sorted(np.argsort(-errors, kind="stable")[:MOST_CLASSES].tolist())
