"""Who imports whom: no circles, the table of stages/README.md, and what each stage imports when it runs."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import networkx
import pytest
import yaml

from tests.clones import ROOT

STAGES = {
    name: stage.get("do", stage) for name, stage in yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"].items()
}
FILES = sorted((ROOT / "stages").rglob("*.py"))


def file_of(name: str) -> Path | None:
    path = ROOT / name.replace(".", "/")
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


def imports_of(module: Path) -> set[Path]:
    """Return the files of ours that a module imports, also within functions."""
    found = set()
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {file_of(alias.name) for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            of_names = {file_of(f"{node.module}.{alias.name}") for alias in node.names} - {None}
            found |= of_names or {file_of(node.module)}
    return {file for file in found if file in FILES}


GRAPH = networkx.DiGraph((file, imported) for file in FILES for imported in imports_of(file))
GRAPH.add_nodes_from(FILES)


def is_listed(file: Path, places: list[Path]) -> bool:
    return any(place in (file, *file.parents) for place in places)


def test_there_are_no_circles():
    assert [circle for circle in networkx.strongly_connected_components(GRAPH) if len(circle) > 1] == []


def test_folders_import_what_the_readme_says():
    rows = re.findall(r"^\| `(\w+)/` \|.*\| (.*) \|$", (ROOT / "stages/README.md").read_text(), re.MULTILINE)
    allowed = {
        name: [ROOT / "stages" / path for path in (name, *re.findall(r"`([\w/.]+)`", cell))] for name, cell in rows
    }
    assert {file.relative_to(ROOT / "stages").parts[0] for file in FILES if file.parent != ROOT / "stages"} <= set(
        allowed
    )
    for file, imported in GRAPH.edges:
        folder = file.relative_to(ROOT / "stages").parts[0]
        assert folder not in allowed or is_listed(imported, allowed[folder]), f"{file} imports {imported}"


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_depends_on_just_what_it_imports_and_on_no_other_stage(name):
    module = ROOT / f"stages/{name}.py"
    code = f"import json, sys, stages.{name}; print(json.dumps(dict.fromkeys(sys.modules)))"
    line = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    modules = json.loads(line)
    assert not modules.keys() & {"dask", "distributed"}  # which only a cluster needs
    at_run_time = {file_of(module) for module in modules if module.startswith("stages.")}
    imported = networkx.descendants(GRAPH, module) | at_run_time
    assert imported & {ROOT / f"stages/{stage}.py" for stage in STAGES} == {module}
    imported -= {file for file in FILES if len(ast.parse(file.read_text()).body) == 1}  # packages that hold no code
    listed = [ROOT / path for path in STAGES[name]["deps"] if path.startswith("stages/") and "$" not in path]
    assert [file for file in imported if not is_listed(file, listed)] == []
    assert [place for place in listed if not any(is_listed(file, [place]) for file in imported)] == []


def test_one_module_imports_tensorflow_and_keras():
    importing = re.compile(r"^ *import (tensorflow|keras)\b", re.MULTILINE)
    assert [file for file in FILES if importing.search(file.read_text())] == [ROOT / "stages/network/runtime.py"]
