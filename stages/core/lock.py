"""Compares the params, the code and the data with those that results were made from, by `dvc.lock`."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dvc.dependency import Dependency, ParamsDependency
from dvc.exceptions import DvcException
from dvc.output import Output
from dvc.repo import Repo
from dvc.scm import SCMError
from dvc.utils.flatten import flatten
from dvc_data.hashfile.build import build
from dvc_data.hashfile.hash_info import HashInfo
from dvc_data.hashfile.tree import Tree

from stages.core.errors import PipelineError, line_of


@contextmanager
def open_repo() -> Iterator[Repo]:
    """Open the DVC repository of this folder; errors of DVC become a `PipelineError`."""
    try:
        with Repo() as repo:
            yield repo
    except (DvcException, SCMError) as error:
        raise PipelineError(f"DVC cannot read this repository: {line_of(error)}") from error


def differences(repo: Repo, target: str) -> list[str]:
    """Name what the results of a stage were made from, directly or not, and what is different now."""
    outs = {out.fs_path: out for out in repo.index.outs}
    changed: set[str] = set()
    for stage in repo.stage.collect(target, with_deps=True):
        if stage.changed_stage():
            changed.add(f"dvc.yaml: {stage.name}")
        for dep in stage.deps:
            if isinstance(dep, ParamsDependency):
                changed |= _changed_params(dep)
            elif not dep.hash_info or _is_changed(dep, outs):
                changed.add(repo.fs.relpath(dep.fs_path, repo.root_dir))
    return sorted(changed, key=lambda name: ("/" in name, name))  # params first


def unknown_files(repo: Repo, folder: Path) -> list[Path]:
    """List the files in the place of an output that are not in DVC's cache, so somebody else put them there."""
    found = sorted(file for file in folder.rglob("*") if not file.is_dir())
    (out,) = (out for out in repo.index.outs if Path(out.fs_path) == folder.resolve())
    tree = out.get_obj() if out.hash_info else None
    known = {folder.joinpath(*key) for key, _, _ in tree} if isinstance(tree, Tree) else set()
    return [file for file in found if file not in known]


def _changed_params(dep: ParamsDependency) -> set[str]:
    before, now = (flatten(values) for values in (dep.hash_info.value or {}, dep.read_params()))
    return {key for key in {*before, *now} if key not in before or key not in now or before[key] != now[key]}


def _hash_now(dep: Dependency) -> HashInfo:
    if not dep.fs.isdir(dep.fs_path):
        return dep.get_hash()
    # Of the folders of a commit, DVC by itself hashes what `.dvcignore` names too.
    _, _, everything = build(dep.local_cache, dep.fs_path, dep.fs, dep.hash_name, dry_run=True)
    tree = Tree()
    for key, meta, hash_info in everything if isinstance(everything, Tree) else ():
        if not dep.repo.dvcignore.is_ignored_file(dep.fs.join(dep.fs_path, *key)):
            tree.add(key, meta, hash_info)
    tree.digest()
    return tree.hash_info


def _is_changed(dep: Dependency, outs: dict[str, Output]) -> bool:
    if dep.fs_path in outs:
        return dep.hash_info != outs[dep.fs_path].hash_info
    start = f"{dep.fs_path}/"
    below = {tuple(path[len(start) :].split("/")): out for path, out in outs.items() if path.startswith(start)}
    if not below:
        return dep.exists and dep.hash_info != _hash_now(dep)
    if any(out.hash_info.isdir for out in below.values()):
        return False  # what the folders hold is not in dvc.lock, but their stages wrote files too
    tree = Tree()
    for key, out in below.items():
        tree.add(key, None, out.hash_info)
    tree.digest()
    return dep.hash_info != tree.hash_info
