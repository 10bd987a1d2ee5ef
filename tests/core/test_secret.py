"""The secret: made once, for its owner alone, and draws that follow from nothing else."""

import os
import pickle
import stat

import cloudpickle
import numpy as np
import pytest

from stages.core.errors import PipelineError
from stages.core.paths import SECRET_FILE
from stages.core.secret import load_secret, secret_generator, secret_key

pytestmark = pytest.mark.usefixtures("working_folder")


def test_it_is_made_once_in_each_repository_and_only_its_owner_may_ever_read_it(working_folder, monkeypatch):
    modes, link = [], os.link

    def spy(partial, file):
        modes.append(stat.S_IMODE(partial.stat().st_mode))
        link(partial, file)

    monkeypatch.setattr(os, "link", spy)
    secret = load_secret()
    assert len(secret) == 32 and load_secret() == secret
    assert [*modes, stat.S_IMODE(SECRET_FILE.stat().st_mode)] == [0o600, 0o600]
    assert [file.name for file in SECRET_FILE.parent.iterdir()] == [SECRET_FILE.name]
    (working_folder / "other").mkdir()
    monkeypatch.chdir("other")
    assert load_secret() != secret


def test_it_is_not_in_what_is_sent_to_other_processes_which_read_it_from_its_file():
    secret = load_secret()
    sent = cloudpickle.dumps(lambda: secret)
    assert bytes(secret) not in sent and secret.hex().encode() not in sent
    assert pickle.loads(sent)() == secret


def test_one_that_another_process_made_meanwhile_is_kept(monkeypatch):
    link = os.link

    def late(partial, file):
        file.write_bytes(b"x" * 32)
        file.chmod(0o600)
        link(partial, file)

    monkeypatch.setattr(os, "link", late)
    assert load_secret() == b"x" * 32


def test_an_experiment_in_a_temporary_copy_uses_the_repositorys_own(working_folder, monkeypatch):
    secret, copy = load_secret(), working_folder / ".dvc" / "tmp" / "exps" / "copy"
    copy.mkdir(parents=True)
    monkeypatch.chdir(copy)
    assert load_secret() == secret
    assert not (copy / SECRET_FILE).exists()


BROKEN = {(size, 0o600): f"hold 32 bytes; received: {size}; " for size in (0, 31)}
OPEN = {(32, 0o640): "be readable by its owner alone; run `chmod 600 data/secret.key`"}


@pytest.mark.parametrize(("kind", "words"), (BROKEN | OPEN).items())
def test_one_that_is_broken_or_that_others_may_read_is_refused(kind, words):
    size, mode = kind
    SECRET_FILE.parent.mkdir()
    SECRET_FILE.write_bytes(b"x" * size)
    SECRET_FILE.chmod(mode)
    with pytest.raises(PipelineError, match=f"^`data/secret.key` must {words}"):
        load_secret()


def test_keys_differ_by_secret_by_part_and_by_where_parts_end():
    keys = {secret_key(b"a" * 32, *parts) for parts in (("x", "y"), ("xy",), ("x", b"y", ""), ("y", "x"))}
    assert len(keys | {secret_key(b"b" * 32, "x", "y")}) == 5
    assert secret_key(b"a" * 32, "x", "y") == secret_key(b"a" * 32, b"x", b"y")


def test_the_same_purpose_gives_the_same_draws_and_another_one_others():
    first, again, different = (secret_generator(b"a" * 32, part).random(1000) for part in ("x", "x", "y"))
    np.testing.assert_array_equal(first, again)
    assert abs(np.corrcoef(first, different)[0, 1]) < 0.15
