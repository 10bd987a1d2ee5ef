"""Renders `metrics/report.html`: one file that needs neither a network nor scripts."""

import base64
import json
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import jinja2
import pandas as pd
from markupsafe import Markup

from stages.core.boxes import REGION
from stages.core.images import read_image
from stages.core.params import RAW, Params
from stages.core.paths import INGEST_REPORT, OUTLINED, RESTORED, SAMPLE
from stages.report.heat import class_differences, confused_classes, confusion
from stages.report.plots import curves_svg, frontier_svg
from stages.report.recommendation import BoundText, bound_text
from stages.report.settings import made_with, settings_text
from stages.results.columns import Column, attacker_name, cell, columns_of, exposure_of, show
from stages.results.decision import Verdict
from stages.results.gallery import gallery_folders
from stages.results.privacy import CONVINCING_SHARE, attacks_run, convinces
from stages.results.scores import Privacy, Utility, read_privacy, read_utility
from stages.results.statistics import FEWEST_RUNS, wilson_interval
from stages.results.utility import ACCURACIES

_FOLDER = Path(__file__).parent
_QUALITY = [cv2.IMWRITE_JPEG_QUALITY, 90]  # a quarter of PNG's size
_CAPTIONS = {
    "cost": "What each data set costs",
    "named": "What the attackers find in each data set",
    "regions": "What is left of the main region",
    "membership": "What the networks give away of their training images",
}
_DIFFERENCES = {
    "accuracy": "Accuracy on raw images, row less column, in points",
    "accuracy_anonymized": "Accuracy on anonymized images, row less column, in points",
    "named": "Images named, row less column, in points",
}
_GROUP_COLUMNS = (
    Column("group", "group", "text"),
    Column("images", "test images", "count"),
    Column("accuracy", "accuracy on raw images", "share", interval="accuracy"),
    Column("accuracy_drop", "drop on raw images, in points", "points", interval="accuracy_drop"),
    Column("accuracy_drop_p", "p", "p"),
    Column("identity_accuracy", "images named, informed", "share", interval="identity"),
    Column("identity_p", "p", "p"),
)


class Results(NamedTuple):
    """All that `compare` computed."""

    table: pd.DataFrame
    verdicts: dict[str, Verdict]
    pairs: pd.DataFrame
    curves: pd.DataFrame
    groups: pd.DataFrame
    answer: str
    pictured: list[str]  # the data sets whose images may be shown


class Metrics(NamedTuple):
    """A table of the page: data sets in rows, metrics in columns, and what these mean."""

    caption: str
    columns: list[Column]
    rows: list[tuple[str, list[tuple[str, str]]]]  # data set; of each metric the value, and its interval or nothing


def render_page(results: Results, params: Params) -> bytes:
    """Fill the page's template; HTML in UTF-8, where all text from outside is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    utility = [read_utility(dataset) for dataset in params.datasets]
    privacy = [read_privacy(dataset) for dataset in params.datasets]
    content = {
        "style": Markup((_FOLDER / "style.css").read_text(encoding="utf-8")),
        "answer": results.answer,
        "all_pictured": len(results.pictured) == len(params.datasets),
        "gallery": gallery_rows(results.pictured, params.compare.gallery_images),
        "guarantees": _guarantees(params.datasets, privacy),
        "is_sample": Path(params.data.source) == SAMPLE,
        "renamed": params.data.rename,
        "deployed_on": params.compare.deployed_on,
        "detail": params.attack.image_size,
        "data": json.loads(INGEST_REPORT.read_text(encoding="utf-8")),
        "made_with": made_with(params.datasets, utility, privacy),
        "settings": settings_text(params),
        **_verdicts(results.verdicts),
        **_attackers(results.table, privacy),
        **_tables(results, privacy),
        "exposed": exposure_of(results.table).words,
        "frontiers": [frontier_svg(results.table, params.compare, images) for images in ACCURACIES],
        "curves": [curves_svg(results.curves, measure) for measure in ("accuracy", "loss")],
        **_classes(results.table, params.datasets, utility),
    }
    return environment.get_template("page.html.jinja").render(**content).encode()


def _attackers(table: pd.DataFrame, privacy: list[Privacy]) -> dict[str, Any]:
    has_people = "named" in table
    attackers = dict.fromkeys(attacker for scores in privacy for attacker in attacks_run(scores))
    chances = table["strongest_chance"].agg(["min", "max"]) if has_people else ()
    asked = {"people_asked": "min", "images_asked": "max", "people_left_out": "max"}
    return {
        "has_people": has_people,
        "is_attacked": "strongest_chance" in table,
        "weak_attacker": has_people and not convinces(table[table["dataset"] == RAW].iloc[0]),
        "convincing": show(CONVINCING_SHARE, "share"),
        "chance": " to ".join(dict.fromkeys(show(chance, "share") for chance in chances)),
        "attackers": [attacker_name(attacker) for attacker in attackers],
        **{key: int(table[key].agg(how)) if has_people else 0 for key, how in asked.items()},
    }


def _guarantees(datasets: list[str], privacy: list[Privacy]) -> list[dict[str, Any]]:
    """Return what variants with groups of people promise, for which images, and which attackers broke it."""
    return [
        found.certificate
        | {
            "name": name,
            "share": show(1 / found.certificate["k"], "share"),
            "best_guess": "" if found.best_guess is None else show(found.best_guess, "share"),
            "broken_by": [attacker_name(attacker) for attacker in found.broken_by],
        }
        for name, scores in zip(datasets, privacy, strict=True)
        if (found := scores.guarantee)
    ]


def _verdicts(verdicts: dict[str, Verdict]) -> dict[str, Any]:
    """Put each variant's bounds into words, in a column for every bound that any variant has."""
    texts = {name: {bound.key: bound_text(bound) for bound in verdict.bounds} for name, verdict in verdicts.items()}
    heads: dict[str, BoundText] = {}
    for bounds in texts.values():
        heads |= {key: bounds[key] for key in bounds if key not in heads}
    rows = [(name, verdicts[name].status, [bounds.get(key) for key in heads]) for name, bounds in texts.items()]
    return {"bounds": list(heads.values()), "verdicts": rows}


def _tables(results: Results, privacy: list[Privacy]) -> dict[str, Any]:
    table = results.table
    findings = [key for key in table if any(key in scores.findings for scores in privacy)]
    found = [Column(key, key.replace("_", " "), "count" if key.endswith("_images") else "number") for key in findings]
    tables = {name: metrics_of(columns_of(name, table), table, caption) for name, caption in _CAPTIONS.items()}
    return {
        **tables,
        "regions": tables["regions"] if f"{REGION}reconstruction_ssim" in table else None,
        "findings": metrics_of(found, table, "What other attacks find"),
        "groups": group_metrics(results.groups),
        "has_recognition": any("recognition" in key for key in findings),
        "pairs": [difference_metrics(results.pairs, measure, caption) for measure, caption in _DIFFERENCES.items()],
    }


def metrics_of(columns: list[Column], table: pd.DataFrame, caption: str) -> Metrics | None:
    """Return a table of some columns; None if there are none."""
    rows = [(row["dataset"], [cell(row, column) for column in columns]) for row in table.to_dict("records")]
    return Metrics(caption, columns, rows) if columns else None


def difference_metrics(pairs: pd.DataFrame, measure: str, caption: str) -> Metrics | None:
    """Arrange the differences between variants as a matrix; None where there are none."""
    if pairs[f"{measure}_difference"].isna().all():
        return None
    names = list(dict.fromkeys([*pairs["variant"], *pairs["compared_with"]]))
    cells = {}
    for row in pairs.to_dict("records"):
        value, low, high = (row[f"{measure}_{part}"] for part in ("difference", "low", "high"))
        pair = row["variant"], row["compared_with"]
        for place, numbers in ((pair, (value, low, high)), (pair[::-1], (-value, -high, -low))):
            text, *ends = (show(number, "points") for number in numbers)
            cells[place] = Markup("<b>{}</b>").format(text) if low > 0 or high < 0 else text, " to ".join(ends)
    rows = [(name, [cells.get((name, column), ("", "")) for column in names]) for name in names]
    return Metrics(caption, [Column(name, name, "points") for name in names], rows)


def group_metrics(groups: pd.DataFrame) -> Metrics | None:
    """Return the table of groups of people; None if there are none."""
    columns = [column for column in _GROUP_COLUMNS if groups[column.key].notna().any()]
    return metrics_of(columns, groups.replace({"group": {"": "largest gap"}}), "Each group of groups.csv")


def _classes(table: pd.DataFrame, datasets: list[str], utility: list[Utility]) -> dict[str, Any]:
    classes = confused_classes(utility)
    fewest = min(Counter(utility[0].labels).values())
    return {
        "seeds": len(utility[0].predictions),
        "fewest_runs": FEWEST_RUNS,
        "classes": class_differences(table),
        "class_count": len(utility[0].classes),
        "fewest": fewest,
        "class_spread": [show(end, "share") for end in wilson_interval(fewest // 2, fewest)],
        "confusions": [confusion(name, scores, classes) for name, scores in zip(datasets, utility, strict=True)],
    }


def gallery_rows(datasets: list[str], count: int) -> list[list[tuple[str, str, str | None]]]:
    """Return the images of the gallery, a row for each scene: data set, image, and the image restored."""
    folders = gallery_folders(datasets) if datasets else []
    names = sorted({file.name for _, folder in folders for file in folder.glob("*.png")})[:count]

    def images(dataset: str, folder: Path, name: str) -> tuple[str, str, str | None]:
        # What was restored of an image is as personal as the original.
        has_restored = RAW in datasets and dataset != RAW and folder != OUTLINED
        return dataset, _data_url(folder / name), _data_url(RESTORED / dataset / name) if has_restored else None

    return [[images(dataset, folder, name) for dataset, folder in folders] for name in names]


def _data_url(file: Path) -> str:
    _, encoded = cv2.imencode(".jpg", cv2.cvtColor(read_image(file), cv2.COLOR_RGB2BGR), _QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(encoded).decode()
