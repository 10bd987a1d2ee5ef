"""Gathers what `metrics/report.html` shows."""

import base64
import io
import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import pandas as pd
from ruamel.yaml import YAML
from ruamel.yaml.representer import RoundTripRepresenter

from stages.core.boxes import REGION
from stages.core.images import read_image
from stages.core.params import RAW, Params
from stages.core.paths import INGEST_REPORT, OUTLINED, RESTORED, SAMPLE
from stages.report.heat import class_differences, confused_classes, confusion
from stages.report.plots import curves_svg, exposed_words, frontier_svg
from stages.report.recommendation import bound_text
from stages.results.columns import Column, attacker_name, cell, columns_of, show
from stages.results.decision import Verdict
from stages.results.gallery import gallery_folders
from stages.results.privacy import CONVINCING_SHARE, attacks_run, convinces
from stages.results.scores import read_privacy, read_utility
from stages.results.statistics import FEWEST_RUNS, wilson_interval

_QUALITY = [cv2.IMWRITE_JPEG_QUALITY, 90]  # a quarter of PNG's size
_DIFFERENCES = {"accuracy": "Accuracy, row less column, in points", "named": "Images named, row less column, in points"}


class Metrics(NamedTuple):
    """A table of the page: data sets in rows, metrics in columns, and what these mean."""

    caption: str
    columns: list[Column]
    rows: list[tuple[str, list[tuple[str, str]]]]  # data set; of each metric the value, and its interval or nothing


def page_content(
    table: pd.DataFrame,
    verdicts: dict[str, Verdict],
    pairs: pd.DataFrame,
    curves: pd.DataFrame,
    groups: pd.DataFrame,
    answer: str,
    shown: list[str],
    params: Params,
) -> dict[str, Any]:
    """Gather what the page's template names."""
    utility = [read_utility(dataset) for dataset in params.datasets]
    privacy = [read_privacy(dataset) for dataset in params.datasets]
    # What was restored of an image is as personal as the original.
    scenes = gallery_rows(shown, params.compare.gallery_images, show_restored=RAW in shown) if shown else []
    fewest = min(Counter(utility[0]["labels"]).values())
    low, high = wilson_interval(fewest // 2, fewest)
    data = json.loads(INGEST_REPORT.read_text(encoding="utf-8"))
    classes = confused_classes(utility)
    raw = table[table["dataset"] == RAW].iloc[0]
    has_people = "named" in table
    findings = [key for key in table if any(key in one["findings"] for one in privacy)]
    attackers = dict.fromkeys(attacker for one in privacy for attacker in attacks_run(one))
    return dict(
        answer=answer,
        verdicts=verdict_rows(verdicts),
        has_people=has_people,
        is_attacked="strongest_chance" in table,
        weak_attacker=has_people and not convinces(raw),
        convincing=show(CONVINCING_SHARE, "share"),
        exposed=exposed_words(table),
        chance=_range(table["strongest_chance"]) if has_people else "",
        attackers=[attacker_name(attacker) for attacker in attackers],
        people_asked=int(table["people_asked"].min()) if has_people else 0,
        images_asked=int(table["images_asked"].max()) if has_people else 0,
        left_out=int(table["people_left_out"].max()) if has_people else 0,
        rule=params.compare,
        largest_share=show(params.compare.max_identity_accuracy, "share"),
        largest_drop=show(params.compare.max_accuracy_drop, "points"),
        costs=metrics_of("cost", table, "What each data set costs"),
        names=metrics_of("named", table, "What the attackers find in each data set"),
        regions=metrics_of("regions", table, "What is left of the main region")
        if f"{REGION}reconstruction_ssim" in table
        else None,
        findings=found(table, findings),
        membership=metrics_of("membership", table, "What the networks give away of their training images"),
        has_recognition=any("recognition" in key for key in findings),
        pairs=[difference_rows(pairs, measure, caption) for measure, caption in _DIFFERENCES.items()],
        groups=group_rows(groups),
        seeds=len(utility[0]["predictions"]),
        fewest_runs=FEWEST_RUNS,
        frontier=frontier_svg(table, params.compare),
        all_shown=len(shown) == len(params.datasets),
        gallery=scenes,
        has_restored=any(restored for scene in scenes for _, _, restored in scene),
        curves=[curves_svg(curves, measure) for measure in ("accuracy", "loss")],
        classes=class_differences(table),
        fewest=fewest,
        class_spread=[show(end, "share") for end in (low, high)],
        confusions=[confusion(dataset, one, classes) for dataset, one in zip(params.datasets, utility, strict=True)],
        hidden_classes=len(utility[0]["classes"]) - len(classes),
        data=data,
        image_count={split: sum(counts.values()) for split, counts in data["images"].items()},
        class_count=len(utility[0]["classes"]),
        made_with=made_with(params.datasets, utility, privacy),
        settings=settings_text(params),
        is_sample=Path(params.data.source) == SAMPLE,
        renamed=params.data.rename,
        detail=params.attack.image_size,
    )


def _range(shares: pd.Series) -> str:
    ends = [show(end, "share") for end in (shares.min(), shares.max())]
    return ends[0] if ends[0] == ends[1] else " to ".join(ends)


def verdict_rows(verdicts: dict[str, Verdict]) -> dict[str, Any]:
    """Put each variant's bounds into words, in a column for every bound that any variant has."""
    texts = {name: {bound.key: bound_text(bound) for bound in verdict.bounds} for name, verdict in verdicts.items()}
    keys = list(dict.fromkeys(key for bounds in texts.values() for key in bounds))
    heads = [next(bounds[key] for bounds in texts.values() if key in bounds) for key in keys]
    rows = [(name, verdicts[name].status, [bounds.get(key) for key in keys]) for name, bounds in texts.items()]
    return {"heads": heads, "rows": rows}


def metrics_of(name: str, table: pd.DataFrame, caption: str) -> Metrics | None:
    """Return the table of that name; None if no data set has any of its metrics."""
    return _metrics(columns_of(name, table), table, caption)


def found(table: pd.DataFrame, keys: Iterable[str]) -> Metrics | None:
    """Return a table of all numbers that attacks of any name found."""
    columns = [Column(key, key.replace("_", " "), "count" if key.endswith("_images") else "number") for key in keys]
    return _metrics(columns, table, "What other attacks find")


def _metrics(columns: list[Column], table: pd.DataFrame, caption: str) -> Metrics | None:
    if not columns:
        return None
    rows = [(row["dataset"], [cell(row, column) for column in columns]) for row in table.to_dict("records")]
    return Metrics(caption, columns, rows)


def difference_rows(pairs: pd.DataFrame, measure: str, caption: str) -> dict[str, Any] | None:
    """Arrange the differences between variants as a matrix; None where there are none."""
    if len(pairs) == 0 or pairs[f"{measure}_difference"].isna().all():
        return None
    names = list(dict.fromkeys([*pairs["variant"], *pairs["compared_with"]]))
    cells = {}
    for row in pairs.to_dict("records"):
        value, low, high = (row[f"{measure}_{part}"] for part in ("difference", "low", "high"))
        one, other = row["variant"], row["compared_with"]
        differs = bool(low > 0 or high < 0)
        for pair, numbers in (((one, other), (value, low, high)), ((other, one), (-value, -high, -low))):
            middle, *ends = (show(number, "points") for number in numbers)
            cells[pair] = (middle, " to ".join(ends), differs)
    return {
        "caption": caption,
        "names": names,
        "rows": [(name, [cells.get((name, column)) for column in names]) for name in names],
    }


def group_rows(groups: pd.DataFrame) -> list[tuple[str, list[tuple[str, str]]]]:
    """Put the numbers of each group into words."""
    columns = [
        Column("accuracy", "", "share", interval="accuracy"),
        Column("accuracy_drop", "", "points", interval="accuracy_drop"),
        Column("accuracy_drop_p", "", "p"),
        Column("identity_accuracy", "", "share", interval="identity"),
        Column("identity_p", "", "p"),
    ]
    return [
        (
            row["dataset"],
            [(row["group"] or "largest gap", ""), (str(row["images"]), ""), *(cell(row, one) for one in columns)],
        )
        for row in groups.to_dict("records")
    ]


def gallery_rows(datasets: list[str], count: int, *, show_restored: bool) -> list[list[tuple[str, str, str | None]]]:
    """Read the images of the gallery, a row for each scene."""
    folders = gallery_folders(datasets)
    names = sorted({file.name for _, folder in folders for file in folder.glob("*.png")})[:count]

    def images(dataset: str, folder: Path, name: str) -> tuple[str, str, str | None]:
        restored = RESTORED / dataset / name
        is_shown = show_restored and dataset != RAW and folder != OUTLINED
        return dataset, _data_url(folder / name), _data_url(restored) if is_shown else None

    return [[images(dataset, folder, name) for dataset, folder in folders] for name in names]


def _data_url(file: Path) -> str:
    _, encoded = cv2.imencode(".jpg", cv2.cvtColor(read_image(file), cv2.COLOR_RGB2BGR), _QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(encoded).decode()


def settings_text(params: Params) -> str:
    """Return the params as YAML; of an absolute path the last part alone, as the others tell of the machine."""
    values = params.model_dump(mode="json")
    paths = (("data", "source"), ("regions", "file"), ("train", "weights"), ("attack", "recognizer"))
    for section, key in paths:
        values[section][key] = _last_part(values[section][key])
    values["regions"]["detector"] = [_last_part(name) for name in values["regions"]["detector"]]
    text, writer = io.StringIO(), YAML()
    writer.Representer = _Representer
    writer.dump(values, text)
    return text.getvalue()


class _Representer(RoundTripRepresenter):
    """Writes null, for which the library's own, and so `params.yaml`, has nothing."""


_Representer.add_representer(type(None), lambda to, _: to.represent_scalar("tag:yaml.org,2002:null", "null"))


def _last_part(path: str | None) -> str | None:
    return f".../{Path(path).name}" if path is not None and Path(path).is_absolute() else path


def made_with(datasets: list[str], utility: list[dict], privacy: list[dict]) -> list[tuple[str, str]]:
    """List what the results were made with: the steps, of which data sets if not of all, and versions and processor."""
    steps: dict[str, dict[str, list[str]]] = {}
    for dataset, *both in zip(datasets, utility, privacy, strict=True):
        for step, made in (item for scores in both for item in scores["made_with"].items()):
            text = ", ".join(f"{key} {value}" for key, value in made.items())
            steps.setdefault(text, {}).setdefault(step, []).append(dataset)
    return [(_steps(named, datasets), text) for text, named in steps.items()]


def _steps(named: dict[str, list[str]], datasets: list[str]) -> str:
    groups: dict[str, list[str]] = {}
    for step, of in named.items():
        groups.setdefault("" if of == datasets else f" of {', '.join(of)}", []).append(step)
    return "; ".join(f"{', '.join(names)}{of}" for of, names in groups.items())
