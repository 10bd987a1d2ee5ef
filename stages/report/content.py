"""Gathers what `metrics/report.html` shows."""

import base64
import io
import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

import cv2
import pandas as pd
from ruamel.yaml import YAML

from stages.core.images import read_image
from stages.core.params import RAW, SAMPLE, Params
from stages.report.heat import class_differences, confused_classes, confusion
from stages.report.plots import curves_svg, frontier_svg
from stages.report.recommendation import attacker_convinces
from stages.results.gallery import OUTLINED, RESTORED, gallery_folders
from stages.results.privacy import CONVINCING_SHARE
from stages.results.scores import read_privacy, read_utility
from stages.results.statistics import wilson_interval

_INGEST = Path("metrics/ingest.json")
# Columns that the table lacks where few or no people are known, no image has a key point, there is no variant, or there
# are few validation images.
_UNKNOWN = {"efficient": False} | dict.fromkeys(
    (
        *(
            "identity_accuracy_noise_known",
            "identity_rank5",
            "keypoint_survival",
            "membership_tpr_at_fpr1",
            "p_value",
            "people_named",
        ),
        *("region_identity_accuracy_naive", "region_identity_accuracy_restored", "region_identity_chance"),
        *("region_keypoint_survival", "region_named", "region_named_low", "region_named_high"),
        *("images_left_open", "regions_found", "regions_given", "regions_missed"),
    ),
    math.nan,
)
_QUALITY = [cv2.IMWRITE_JPEG_QUALITY, 90]  # a quarter of PNG's size


def page_content(
    table: pd.DataFrame, curves: pd.DataFrame, groups: pd.DataFrame, answer: str, shown: list[str], params: Params
) -> dict[str, Any]:
    """Gather what the page's template names.

    Parameters
    ----------
    table, curves, groups : pandas.DataFrame
        From `stages.compare`.
    answer : str
        The recommendation.
    shown : list of str
        The data sets whose images may be shown.
    params : Params
        All of `params.yaml`.

    Returns
    -------
    dict of str to object
        The same for the same results.
    """
    utility = [read_utility(dataset) for dataset in params.datasets]
    privacy = [read_privacy(dataset) for dataset in params.datasets]
    # What was restored of an image is as personal as the original.
    scenes = gallery_rows(shown, params.compare.gallery_images, show_restored=RAW in shown) if shown else []
    fewest = min(Counter(utility[0]["labels"]).values())
    low, high = wilson_interval(fewest // 2, fewest)
    data = json.loads(_INGEST.read_text(encoding="utf-8"))
    classes = confused_classes(utility)
    has_people = "identity_accuracy" in table
    return dict(
        answer=answer,
        has_people=has_people,
        weak_attacker=has_people and not attacker_convinces(table),
        convincing=CONVINCING_SHARE,
        has_membership="membership_auc" in table,
        has_noise="identity_accuracy_noise_guessed" in table,
        left_out=int(table["people_left_out"].max()) if has_people else 0,
        rule=params.compare,
        rows=[_UNKNOWN | row for row in table.to_dict("records")],
        has_regions="region_reconstruction_ssim" in table,
        has_left_open="images_left_open" in table,
        has_missed="regions_missed" in table,
        has_found="regions_found" in table,
        has_recognition="region_recognition_accuracy" in table,
        findings=[key for key in table if any(key in one["findings"] for one in privacy)],
        groups=groups.to_dict("records"),
        seeds=len(utility[0]["predictions"]),
        frontier=frontier_svg(table, params.compare),
        all_shown=len(shown) == len(params.datasets),
        gallery=scenes,
        has_restored=any(restored for scene in scenes for _, _, restored in scene),
        curves=[curves_svg(curves, measure) for measure in ("accuracy", "loss")],
        classes=class_differences(table),
        fewest=fewest,
        class_spread=(high - low) / 2,
        confusions=[confusion(dataset, one, classes) for dataset, one in zip(params.datasets, utility, strict=True)],
        hidden_classes=len(utility[0]["classes"]) - len(classes),
        data=data,
        image_count={split: sum(counts.values()) for split, counts in data["images"].items()},
        class_count=len(utility[0]["classes"]),
        made_with=made_with([*utility, *privacy]),
        settings=settings_text(params),
        is_sample=params.data.source == SAMPLE,
        renamed=params.data.rename,
        detail=params.attack.image_size,
        fewest_people=int(table["people_asked"].min()) if has_people else 0,
    )


def gallery_rows(datasets: list[str], count: int, *, show_restored: bool) -> list[list[tuple[str, str, str | None]]]:
    """Read the images of the gallery, a row for each scene.

    Parameters
    ----------
    datasets : list of str
        The columns.
    count : int
        How many rows.
    show_restored : bool
        Whether to add what the attack made of them.

    Returns
    -------
    list of list of tuple
        Data set, its image, and that image restored or None; images as data URLs.
    """
    folders = gallery_folders(datasets)
    names = sorted({file.name for _, folder in folders for file in folder.glob("*.png")})[:count]

    def cell(dataset: str, folder: Path, name: str) -> tuple[str, str, str | None]:
        restored = RESTORED / dataset / name
        is_shown = show_restored and dataset != RAW and folder != OUTLINED
        return dataset, _data_url(folder / name), _data_url(restored) if is_shown else None

    return [[cell(dataset, folder, name) for dataset, folder in folders] for name in names]


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
    # As params.yaml spells it; the library would write nothing.
    writer.representer.add_representer(type(None), lambda to, _: to.represent_scalar("tag:yaml.org,2002:null", "null"))
    writer.dump(values, text)
    return text.getvalue()


def _last_part(path: str | None) -> str | None:
    return f".../{Path(path).name}" if path is not None and Path(path).is_absolute() else path


def made_with(scores: list[dict]) -> list[tuple[str, str]]:
    """List what the results were made with, each step's machine once.

    Parameters
    ----------
    scores : list of dict
        What `evaluate` and `attack` wrote.

    Returns
    -------
    list of tuple of str
        The steps, and the versions and processor that they had in common.
    """
    steps: dict[str, list[str]] = {}
    for made in (made for one in scores for made in one["made_with"].items()):
        text = ", ".join(f"{key} {value}" for key, value in made[1].items())
        if made[0] not in steps.setdefault(text, []):
            steps[text].append(made[0])
    return [(", ".join(names), text) for text, names in steps.items()]
