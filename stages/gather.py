"""Gathers the finished experiments of a sweep, and the workspace, into one frontier: a command, not a stage.

Reads `metrics/comparison.csv` and `params.yaml` of each experiment of HEAD, writes `metrics/sweep.{csv,md,png}`. Leaves
out a table that, by `dvc.lock`, was made from other data, params or code than lie beside it.
"""

import io
import json
from pathlib import Path
from typing import NamedTuple

import dvc.api
import pandas as pd
from dvc.repo import Repo
from dvc.repo.brancher import switch
from ruamel.yaml import YAML

from stages.core.errors import PipelineError, run_stage
from stages.core.files import write_file
from stages.core.lock import differences, open_repo
from stages.core.parallel import print_summary
from stages.core.params import RAW, load_params
from stages.core.paths import COMPARISON, PARAMS_FILE, SWEEP
from stages.report.plots import draw_frontier
from stages.report.tables import brief_rows, to_markdown
from stages.results.utility import correct_p_values

WORKSPACE, HEAD = "workspace", "HEAD"
_FINISHED = (None, "Success")  # states of experiments, as DVC names them: run here, and by the queue


class Result(NamedTuple):
    """What one experiment found."""

    experiment: str
    table: pd.DataFrame  # of `metrics/comparison.csv`
    variants: dict[str, dict]  # of `params.yaml`


def sweep_table(results: list[Result]) -> tuple[pd.DataFrame, list[str]]:
    """Join the rows of all results that can be compared."""
    base = _raw_row(results[0])
    used = [result for result in results if _raw_row(result).equals(base)]
    names = {result.experiment for result in used}
    left_out = [result.experiment for result in results if result.experiment not in names]
    rows = pd.concat(
        [result.table.assign(experiment=result.experiment, settings=_settings(result)) for result in used],
        ignore_index=True,
    )
    # What the other rows of an experiment change is computed anew.
    metrics = [name for name in results[0].table if name not in ("dataset", "p_value_raw", "p_value_anonymized")]
    rows = rows.drop_duplicates(["dataset", "settings", *metrics], ignore_index=True)
    rows["dataset"] = rows["dataset"] + _differences(rows)
    rows = rows.drop(columns="settings")
    correct_p_values(rows)
    return rows, left_out


def gather() -> None:
    """Write the frontier of the workspace and of all finished experiments of HEAD whose results are up to date."""
    with open_repo() as repo:
        rows = [row for row in dvc.api.exp_show() if row["Experiment"] and row["State"] in _FINISHED]
        if not rows:
            raise PipelineError("there must be finished experiments of HEAD (see `dvc exp show`); found: none")
        results: list[Result] = []
        left_out: dict[str, str] = {}
        experiments = sorted((row["Experiment"], row["rev"]) for row in rows)
        for name, revision in [(WORKSPACE, WORKSPACE), (HEAD, HEAD), *experiments]:
            if name == HEAD and results:
                continue  # HEAD is the base only if the workspace has no results
            with switch(repo, revision):
                if changed := _stale(repo):
                    left_out[name] = f"its table was made with other {', '.join(changed)}"
                else:
                    results.append(_result(repo, name))
    table, incomparable = sweep_table(results) if results else (None, [])
    left_out |= dict.fromkeys(incomparable, "its row of raw images differs, so its data or its training differed")
    for name, reason in left_out.items():
        print(f"gather: left out {name}: {reason}")
    if table is None:
        raise PipelineError("an experiment must have been run to its end, with `compare`; found: none")
    write_file(SWEEP.with_suffix(".csv"), table.to_csv(index=False).encode())
    write_file(SWEEP.with_suffix(".md"), to_markdown(brief_rows(table)).encode())
    write_file(SWEEP.with_suffix(".png"), draw_frontier(table, load_params().compare)["png"])
    used = len(results) - len(incomparable)
    print_summary(f"gather: {len(table)} rows of {used} results, {len(left_out)} left out, into {SWEEP}.{{csv,md,png}}")


def _stale(repo: Repo) -> list[str]:
    """Name what has changed since the table of a revision was made; at most three."""
    changed = differences(repo, "compare")
    (out,) = (out for out in repo.index.outs if out.fs_path == _path(repo, COMPARISON))
    if not out.exists or out.changed_checksum():
        changed.append(str(COMPARISON))
    return changed if len(changed) <= 3 else [*changed[:3], "..."]


def _result(repo: Repo, name: str) -> Result:
    comparison, params = (repo.fs.read_bytes(_path(repo, file)) for file in (COMPARISON, PARAMS_FILE))
    return Result(name, pd.read_csv(io.BytesIO(comparison)), YAML(typ="safe").load(params)["variants"])


def _path(repo: Repo, file: Path) -> str:
    return repo.fs.join(repo.root_dir, *file.parts)


def _raw_row(result: Result) -> pd.Series:
    # Columns of attacks that only other rows have are empty.
    return result.table.set_index("dataset").loc[RAW].dropna()


def _settings(result: Result) -> list[str]:
    return [json.dumps(result.variants.get(name), sort_keys=True) for name in result.table["dataset"]]


def _differences(rows: pd.DataFrame) -> list[str]:
    """Name the settings of each row in which it differs from other rows of the same data set."""
    settings = rows["settings"].map(json.loads)
    texts = []
    for name, own in zip(rows["dataset"], settings, strict=True):
        alternatives = settings[rows["dataset"] == name]
        parts = [
            f"{key}={value}"
            for key, value in (own or {}).items()
            if any(alternative.get(key) != value for alternative in alternatives)
        ]
        texts.append(f" {', '.join(parts)}" if parts else "")
    return texts


if __name__ == "__main__":
    run_stage(gather)
