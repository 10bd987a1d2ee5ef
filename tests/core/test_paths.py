"""Tests that the paths of the pipeline have one home."""

import ast
import re

from tests.clones import ROOT


def test_no_other_module_makes_a_path_of_data_or_metrics_of_its_own():
    found = []
    for file in set((ROOT / "stages").rglob("*.py")) - {ROOT / "stages/core/paths.py"}:
        for call in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "Path":
                texts = [str(node.value) for node in ast.walk(call) if isinstance(node, ast.Constant)]
                found += [f"{file}: {text}" for text in texts if re.match("(data|metrics)(/|$)", text)]
    assert not found
