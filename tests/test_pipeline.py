"""The pipeline agrees with itself: stages, their dependencies, their params and the README."""

import ast
import json
import re
from pathlib import Path

import networkx
import pytest
import yaml
from markupsafe import escape

from stages.core.errors import PipelineError
from stages.core.params import load_params, method_names
from stages.core.params.variants import read_variant
from stages.results.scores import METRIC_KEYS
from tests.clones import ROOT, run

PIPELINE = yaml.safe_load((ROOT / "dvc.yaml").read_text())
STAGES = {name: stage.get("do", stage) for name, stage in PIPELINE["stages"].items()}


def imported_files(module: Path, seen: set[Path]) -> set[Path]:
    """Return the files of ours that a module imports, directly or not."""
    for node in ast.walk(ast.parse(module.read_text())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            path = ROOT / name.replace(".", "/")
            for file in (path.with_suffix(".py"), path / "__init__.py"):
                if name.startswith("stages") and file.is_file() and file not in seen:
                    seen.add(file)
                    imported_files(file, seen)
    return seen


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_depends_on_just_the_modules_that_it_imports(name):
    module = ROOT / "stages" / f"{name}.py"
    imported = {file.relative_to(ROOT) for file in imported_files(module, {module})}
    listed = {Path(path) for path in STAGES[name]["deps"] if path.startswith("stages/")}
    covered = {file for file in imported if file in listed or any(folder in file.parents for folder in listed)}
    assert imported - covered == set()
    needed = {path for path in listed if path in imported or any(path in file.parents for file in imported)}
    # Methods are looked up by name.
    assert listed - needed <= {Path("stages/methods")}


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_is_a_verb_with_a_description_and_a_module_of_its_name(name):
    assert STAGES[name]["desc"]
    assert STAGES[name]["cmd"].split()[:3] == ["python", "-m", f"stages.{name}"]
    assert f"def {name}(" in (ROOT / "stages" / f"{name}.py").read_text()


def test_stages_never_import_each_other():
    stage_files = {ROOT / "stages" / f"{name}.py" for name in STAGES}
    for file in stage_files:
        assert not imported_files(file, {file}) & (stage_files - {file})


def test_core_imports_nothing_but_core():
    for file in (ROOT / "stages/core").rglob("*.py"):
        assert all(ROOT / "stages/core" in imported.parents for imported in imported_files(file, set())), file


def test_one_module_imports_tensorflow_and_keras():
    importing = re.compile(r"^ *import (tensorflow|keras)\b", re.MULTILINE)
    files = [file for file in (ROOT / "stages").rglob("*.py") if importing.search(file.read_text())]
    assert files == [ROOT / "stages/network/runtime.py"]


def test_the_default_params_are_valid_and_use_each_default_method():
    params = load_params(ROOT / "params.yaml")
    assert params.datasets == ["raw", *params.variants]
    assert {params.variant(name).method.__name__ for name in params.variants} <= set(method_names())


def test_each_default_variant_and_its_model_is_an_artifact():
    variants = load_params(ROOT / "params.yaml").variants
    expected = {name: {"path": f"data/{name}", "type": "dataset"} for name in variants}
    expected |= {f"{name}_model": {"path": f"data/models/{name}", "type": "model"} for name in variants}
    assert PIPELINE["artifacts"] == expected


def test_every_param_has_a_comment():
    for line in (ROOT / "params.yaml").read_text().splitlines():
        leaf = ":" in line and not line.lstrip().startswith("#") and not line.split("#")[0].rstrip().endswith(":")
        # `datasets` and `variants.*.method` speak for themselves.
        assert not leaf or "#" in line or "method:" in line, line


def test_every_param_of_a_stage_exists():
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    for name, stage in STAGES.items():
        for key in stage.get("params", []):
            value = params
            for part in key.split("."):
                value = value if part.startswith("$") else value[part]
            assert value is not None or key.startswith(("data.", "train.", "compare.")), (name, key)


def test_a_clone_without_a_cache_has_nothing_to_do(tmp_path):
    run(tmp_path, "git", "clone", "-q", str(ROOT), "clone")
    output = run(tmp_path / "clone", "dvc", "repro", "--dry", "--pull", "--allow-missing")
    assert "Data and pipelines are up to date" in output, output


def test_no_variant_may_be_named_like_a_folder_of_another_stage():
    paths = [
        Path(out if isinstance(out, str) else next(iter(out))) for stage in STAGES.values() for out in stage["outs"]
    ]
    taken = {path.parts[1] for path in paths if path.parts[0] == "data" and "$" not in path.parts[1]}
    assert taken >= {"raw", "sample", "features", "models", "scores"}
    for name in taken:
        with pytest.raises(PipelineError, match="a name in `variants` must"):
            read_variant(name, {"method": "mask", "value": 128})


def test_committed_metrics_have_the_same_columns():
    datasets = load_params(ROOT / "params.yaml").datasets
    rows = [json.loads((ROOT / "metrics" / "datasets" / f"{name}.json").read_text()) for name in datasets]
    assert all(list(row) == list(rows[0]) for row in rows)
    assert set(rows[0]) <= set(METRIC_KEYS)
    assert rows[0]["accuracy"] >= 0.9


def test_the_committed_report_is_small_and_gives_the_same_answer():
    report = (ROOT / "metrics" / "report.html").read_text(encoding="utf-8")
    assert len(report) < 5_000_000
    answer = (ROOT / "metrics" / "comparison.md").read_text(encoding="utf-8").splitlines()[-1]
    assert answer.startswith("Recommended")
    assert escape(answer) in report


@pytest.mark.parametrize(
    ("name", "readme"),
    [
        ("comparison", "README.md"),
        ("sweep", "README.md"),
        ("benchmarks", "tests/README.md"),
        ("classic", "tests/README.md"),
    ],
)
def test_a_readme_shows_the_committed_results(name, readme):
    assert (ROOT / "metrics" / f"{name}.md").read_text() in (ROOT / readme).read_text()


def test_the_readme_draws_the_stages_as_they_depend_on_each_other():
    text = run(ROOT, "dvc", "dag", "--mermaid", "--collapse-foreach-matrix")
    names = dict(re.findall(r'(node\d+)\["(\w+)"\]', text))
    graph = networkx.DiGraph((names[one], names[other]) for one, other in re.findall(r"(node\d+)-->(node\d+)", text))
    drawn = re.findall(r"^    (\w+) --> (\w+)$", (ROOT / "stages" / "README.md").read_text(), re.MULTILINE)
    assert sorted(drawn) == sorted(networkx.transitive_reduction(graph).edges)
