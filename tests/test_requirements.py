"""requirements.txt lists what is imported, and nothing else."""

import ast
import re
from importlib.metadata import packages_distributions

from tests.clones import ROOT

USED_BY_NAME = {"joblib", "lz4", "xlsxwriter"}  # by mtcnn, joblib and pandas
COMMANDS = {"mypy", "ruff"}


def normal_name(package):
    return re.sub(r"[-_.]+", "-", package).lower()


def imported_packages(folder):
    nodes = [node for file in (ROOT / folder).rglob("*.py") for node in ast.walk(ast.parse(file.read_text()))]
    modules = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    modules |= {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
    tops = {module.split(".")[0] for module in modules} - {"stages", "tests"}
    installed = packages_distributions()  # without the standard library
    return {normal_name(package) for top in tops for package in installed.get(top, [])}


def listed_packages(text):
    return {normal_name(package) for package in re.findall(r"^([\w.-]+)==", text, re.MULTILINE)}


def test_requirements_list_just_what_stages_and_tests_import():
    for_stages, for_tests = map(listed_packages, (ROOT / "requirements.txt").read_text().split("# Tests"))
    assert for_stages == imported_packages("stages") | USED_BY_NAME
    assert for_tests == (imported_packages("tests") | COMMANDS) - for_stages
