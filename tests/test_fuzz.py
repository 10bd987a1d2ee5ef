import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.sources.decoding import RejectedImage, decode_image
from stages.sources.naming import LONGEST_NAME, folded, output_names
from tests import fuzz
from tests.strange import KINDS, MAX_PIXELS, PLACES
from tests.strange.watch import Run, run_watched

STARTS = [
    b"\x89PNG\r\n\x1a\n",
    b"\xff\xd8\xff\xe0",
    b"RIFF\0\0\0\0WEBPVP8 ",
    b"BM",
    b"II*\0",
    b"MM\0*",
    b"P5 ",
    b"P3 ",
    b"Pf",
]
CHANGES = st.lists(st.tuples(st.integers(0, 2**16), st.integers(0, 255)), max_size=4)
# Found examples stay found: the same ones are tried in each run.
examples = settings(max_examples=250, deadline=10_000, derandomize=True, database=None)


def check(content: bytes) -> np.ndarray | None:
    """Return the pixels, or None where the file is rejected with a reason of one line."""
    try:
        image = decode_image(content, max_pixels=MAX_PIXELS)
    except RejectedImage as error:
        assert str(error).isprintable()
        assert 0 < len(str(error)) < 300
        return None
    assert image.dtype == np.uint8
    assert image.ndim == image.shape[2] == 3
    assert 0 < image.size <= 3 * MAX_PIXELS
    return image


@examples
@given(st.sampled_from(sorted(KINDS)), st.integers(0, 2**32 - 1))
@pytest.mark.filterwarnings("ignore")
def test_each_kind_is_taken_with_its_pixels_or_rejected(kind, seed):
    strange = KINDS[kind](np.random.default_rng(seed))
    image = check(strange.content)
    if strange.verdict != "either":
        assert (image is None) == (strange.verdict == "rejected")
    if image is not None and strange.pixels is not None:
        assert image.shape == strange.pixels.shape
        assert np.abs(image.astype(int) - strange.pixels).max() <= strange.tolerance


@examples
@given(st.sampled_from(sorted(KINDS)), st.integers(0, 2**32 - 1), CHANGES)
@pytest.mark.filterwarnings("ignore")
def test_changed_bytes_give_an_image_or_a_reason(kind, seed, changes):
    content = bytearray(KINDS[kind](np.random.default_rng(seed)).content)
    for place, value in changes:
        if content:
            content[place % len(content)] = value
    check(bytes(content))


@examples
@given(st.sampled_from(STARTS), st.binary(max_size=200))
@pytest.mark.filterwarnings("ignore")
def test_any_bytes_give_an_image_or_a_reason(start, rest):
    check(start + rest)


@examples
@given(st.lists(st.text(st.characters(exclude_characters="/\0"), min_size=1, max_size=300), min_size=1, unique=True))
def test_any_names_are_written_under_different_names(names):
    paths = [f"train/a/{name}" for name in names if name not in (".", "..")]
    written = list(output_names(paths, ".png").values())
    assert len({folded(name) for name in written}) == len(paths)
    assert all(name.isprintable() and name.endswith(".png") for name in written)
    assert all(len(part.encode()) <= LONGEST_NAME for name in written for part in name.split("/"))


def test_fuzz_finds_nothing_and_says_what_became_of_each_kind(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["fuzz", "--images", str(5 * len(PLACES))])
    with pytest.raises(SystemExit) as caught:
        fuzz.main()
    out, err = capsys.readouterr()
    assert err == ""
    assert caught.value.code == 0
    assert f"{5 * len(PLACES)} images: 0 crash, 0 hang, 0 stopped, 0 unanonymized, 0 lost, 0 wrong" in out
    shown = {line.split(" | ")[0].removeprefix("| ") for line in out.splitlines()}
    assert {*KINDS, *PLACES} <= shown


WORKSPACE_STAGE = """
import os, time
from stages.core.errors import PipelineError
def decode_image(): {work}
def ingest():
    decode_image()
    decode_image()
"""


@pytest.mark.parametrize(
    ("work", "outcome"),
    [
        ("pass", "done"),
        ("raise PipelineError('no')", "stopped"),
        ("raise ValueError", "crash"),
        ("os.abort()", "crash"),
        ("time.sleep(60)", "hang"),
    ],
)
def test_watch_sees_how_a_stage_ends(tmp_path, monkeypatch, work, outcome):
    # A module of the test in the place of the stage.
    (tmp_path / "strange_stage.py").write_text(WORKSPACE_STAGE.format(work=work))
    monkeypatch.syspath_prepend(tmp_path)
    run = run_watched(tmp_path, "ingest", seconds=2, module="strange_stage")
    assert isinstance(run, Run)
    assert run.outcome == outcome
    assert (run.peak > 0) == (outcome == "done")
