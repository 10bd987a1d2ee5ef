"""The pipeline agrees with itself: stages, their dependencies, their params and the READMEs."""

import json
import re
from pathlib import Path

import networkx
import pytest
import yaml
from markupsafe import escape

from stages.core.errors import PipelineError
from stages.core.params import load_params
from stages.core.params.variants import read_variant
from stages.results.columns import METRIC_KEYS
from tests.clones import ROOT, run

PIPELINE = yaml.safe_load((ROOT / "dvc.yaml").read_text())
STAGES = {name: stage.get("do", stage) for name, stage in PIPELINE["stages"].items()}


def test_a_variant_depends_on_its_own_method_and_an_attack_on_all():
    methods = {name: [path for path in STAGES[name]["deps"] if "methods" in path] for name in ("anonymize", "attack")}
    assert methods["anonymize"] == ["stages/methods/${item.method}.py", "stages/methods/shared"]
    assert methods["attack"] == ["stages/methods"]


def test_every_param_has_a_comment_and_the_default_trains_on_every_variant():
    for line in (ROOT / "params.yaml").read_text().splitlines():
        leaf = ":" in line and not line.lstrip().startswith("#") and not line.split("#")[0].rstrip().endswith(":")
        # `datasets` and `variants.*.method` speak for themselves.
        assert not leaf or "#" in line or "method:" in line, line
    params = load_params(ROOT / "params.yaml")
    assert params.datasets == ["raw", *params.variants]


def test_each_default_variant_and_its_model_is_an_artifact():
    variants = load_params(ROOT / "params.yaml").variants
    expected = {name: {"path": f"data/{name}", "type": "dataset"} for name in variants}
    expected |= {f"{name}_model": {"path": f"data/models/{name}", "type": "model"} for name in variants}
    assert PIPELINE["artifacts"] == expected


def test_no_variant_may_be_named_like_a_folder_of_another_stage():
    outs = [
        Path(out if isinstance(out, str) else next(iter(out))) for stage in STAGES.values() for out in stage["outs"]
    ]
    taken = {path.parts[1] for path in outs if path.parts[0] == "data" and "$" not in path.parts[1]}
    assert taken >= {"raw", "sample", "features", "models", "scores"}
    for name in taken:
        with pytest.raises(PipelineError, match="a name in `variants` must"):
            read_variant(name, {"method": "mask", "value": 128})


@pytest.mark.parametrize("file", sorted((ROOT / ".dvc" / "plots").glob("*.json")), ids=lambda file: file.stem)
def test_a_plot_sorts_no_facets_as_vega_lite_would_then_mix_up_those_that_only_some_revisions_have(file):
    template = json.loads(file.read_text())
    assert not [facet for facet in template.get("facet", {}).values() if "sort" in facet]
    axes = [layer.get("encoding", {}).get("x", {}).get("field") for layer in template.get("spec", template)["layer"]]
    assert file.stem != "confusions" or "<DVC_METRIC_Y>" in axes  # a column for each class, if never predicted too


def test_a_clone_without_a_cache_has_nothing_to_do(tmp_path):
    run(tmp_path, "git", "clone", "-q", str(ROOT), "clone")
    output = run(tmp_path / "clone", "dvc", "repro", "--dry", "--pull", "--allow-missing")
    assert "Data and pipelines are up to date" in output, output


def test_the_readme_shows_the_committed_comparison():
    assert (ROOT / "metrics" / "comparison.md").read_text() in (ROOT / "README.md").read_text()


def test_the_readme_draws_the_stages_as_they_depend_on_each_other():
    text = run(ROOT, "dvc", "dag", "--mermaid", "--collapse-foreach-matrix")
    names = dict(re.findall(r'(node\d+)\["(\w+)"\]', text))
    graph = networkx.DiGraph((names[start], names[end]) for start, end in re.findall(r"(node\d+)-->(node\d+)", text))
    drawn = re.findall(r"^    (\w+) --> (\w+)$", (ROOT / "stages" / "README.md").read_text(), re.MULTILINE)
    assert sorted(drawn) == sorted(networkx.transitive_reduction(graph).edges)


LIMITS = {"README.md": 12_000}  # bytes
READMES = sorted(path.relative_to(ROOT) for path in ROOT.glob("**/README.md") if ".venv" not in path.parts)


@pytest.mark.parametrize("readme", READMES, ids=str)
def test_a_readme_is_short_and_its_links_lead_somewhere(readme):
    def anchors(file: Path) -> set[str]:
        titles = re.findall(r"^#+ (.*)$", file.read_text(), re.MULTILINE)
        return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}

    text = (ROOT / readme).read_text()
    assert len(text.encode()) <= LIMITS.get(str(readme), 8_000)
    for target in re.findall(r"\]\(((?!http)[^)]+)\)", text):
        path, _, anchor = target.partition("#")
        file = (ROOT / readme).parent / path if path else ROOT / readme
        assert file.exists() and (not anchor or anchor in anchors(file)), target


def test_a_stage_is_a_described_module_with_a_function_of_its_name():
    for name, stage in STAGES.items():
        assert stage["desc"]
        assert stage["cmd"].split()[:3] == ["python", "-m", f"stages.{name}"]
        assert f"def {name}(" in (ROOT / f"stages/{name}.py").read_text()


def test_every_param_of_a_stage_exists():
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    for stage in STAGES.values():
        for key in stage.get("params", []):
            section = params
            for part in key.split("."):
                section = section if part.startswith("$") else section[part]


def test_committed_metrics_have_the_same_columns():
    datasets = load_params(ROOT / "params.yaml").datasets
    raw, *rows = [json.loads((ROOT / "metrics" / "m" / f"{name}.json").read_text()) for name in datasets]
    assert all(list(row) == list(rows[0]) for row in rows)
    assert set(raw) == set(rows[0]) - {"accuracy_drop", "recommended"}
    assert set(rows[0]) <= set(METRIC_KEYS)
    assert raw["accuracy"] >= 0.9


def test_the_committed_report_is_small_and_gives_the_same_answer():
    report = (ROOT / "metrics" / "report.html").read_text(encoding="utf-8")
    assert len(report) < 5_000_000
    answer = (ROOT / "metrics" / "comparison.md").read_text(encoding="utf-8").splitlines()[-1]
    assert answer.startswith("Recommended")
    assert escape(answer) in report
