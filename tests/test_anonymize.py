from pathlib import Path

import numpy as np
import pytest

from stages.anonymize import anonymize, anonymize_image
from stages.core.errors import PipelineError
from stages.core.images import list_images, read_image
from stages.core.params import Variant
from stages.methods.gaussian_blur import gaussian_blur
from tests.synthetic import untimed

PATHS = ["train/a/1.png", "train/a/nested/2.png", "train/b/3.png", "test/a/4.png", "test/b/5.png"]
CHANGES = {
    "variants.gaussian_blur.sigma": 2,
    "variants.blocking_merging.block_size": 4,
    "variants.blocking_merging.pattern": "random",
}


@pytest.fixture
def raw(workspace, save_images):
    folder = workspace(CHANGES) / "data" / "raw"
    save_images(folder, PATHS)
    return folder


@pytest.fixture
def use_method(monkeypatch):
    """The function that puts a method of the test in the place of a variant's."""

    def use(method, seed: int | None = None) -> None:
        variant = Variant(method=method, arguments={}, seed=seed)
        monkeypatch.setattr("stages.core.params.Params.variant", lambda _params, _name: variant)

    return use


def message_of(name: str = "gaussian_blur") -> str:
    with pytest.raises(PipelineError) as caught:
        anonymize(name)
    assert [folder.name for folder in Path("data").iterdir()] == ["raw"]
    return str(caught.value)


@pytest.mark.parametrize("name", ["gaussian_blur", "morphology", "blocking_merging"])
def test_tree_names_and_sizes_stay_and_no_image_does(raw, name):
    anonymize(name)
    assert list_images(Path("data") / name) == list_images(raw) == sorted(PATHS)
    for path in PATHS:
        before, after = read_image(raw / path), read_image(Path("data") / name / path)
        assert after.shape == before.shape
        assert not np.array_equal(after, before)


def test_images_are_those_of_the_method(raw, capsys):
    anonymize("gaussian_blur")
    expected = gaussian_blur(read_image(raw / PATHS[0]), sigma=2)
    assert np.array_equal(read_image(Path("data/gaussian_blur") / PATHS[0]), expected)
    assert untimed(capsys.readouterr().out) == "anonymize: 5 images with gaussian_blur into data/gaussian_blur/\n"


def test_raw_images_are_left_as_they_are(raw):
    before = {path: (raw / path).read_bytes() for path in PATHS}
    anonymize("morphology")
    assert {path: (raw / path).read_bytes() for path in PATHS} == before


@pytest.mark.parametrize("name", ["gaussian_blur", "blocking_merging"])
def test_bytes_do_not_depend_on_workers(raw, monkeypatch, name):
    written = []
    for workers in ("1", "8"):
        monkeypatch.setenv("PIPELINE_WORKERS", workers)
        anonymize(name)
        written.append([(Path("data") / name / path).read_bytes() for path in PATHS])
    assert written[0] == written[1]


@pytest.mark.parametrize("other", [("train/a/2.png", 0), ("train/a/1.png", 1)], ids=["path", "seed"])
def test_random_draws_depend_on_path_and_seed_alone(noise, other):
    def add(image: np.ndarray, *, rng: np.random.Generator) -> np.ndarray:
        return image + rng.integers(0, 256, image.shape, np.uint8)

    def run(path: str, seed: int) -> np.ndarray:
        return anonymize_image(noise(), path, Variant(method=add, arguments={}, seed=seed))

    assert np.array_equal(run("train/a/1.png", 0), run("train/a/1.png", 0))
    assert not np.array_equal(run("train/a/1.png", 0), run(*other))


def test_method_without_seed_gets_no_generator(noise):
    received = {}

    def look(image: np.ndarray, **arguments) -> np.ndarray:
        received.update(arguments)
        return image

    anonymize_image(noise(), "a", Variant(method=look, arguments={"sigma": 3}, seed=None))
    assert received == {"sigma": 3}


@pytest.mark.parametrize("name", ["raw", "blur", "../raw"])
def test_unknown_variant_is_refused(raw, name):
    assert message_of(name) == f"`variants` has no `{name}`; allowed: gaussian_blur, morphology, blocking_merging"


def test_failing_method_names_the_image_and_leaves_nothing(raw, use_method):
    def fail_on_one(image: np.ndarray) -> np.ndarray:
        if np.array_equal(image, read_image(raw / "test/b/5.png")):
            raise ValueError("two\nlines")
        return image // 2

    use_method(fail_on_one)
    assert message_of() == "`data/raw/test/b/5.png`: gaussian_blur failed: ValueError: two lines"


def test_failure_leaves_the_last_whole_folder(raw, use_method):
    anonymize("morphology")
    before = {path: (Path("data/morphology") / path).read_bytes() for path in PATHS}

    def fail(image: np.ndarray) -> np.ndarray:
        raise ValueError("no")

    use_method(fail)
    with pytest.raises(PipelineError):
        anonymize("morphology")
    assert {path: (Path("data/morphology") / path).read_bytes() for path in PATHS} == before


@pytest.mark.parametrize(
    ("method", "got"),
    [
        (lambda _: None, "NoneType"),
        (lambda image: image[1:], "(11, 16, 3) uint8"),
        (lambda image: image[..., 0], "(12, 16) uint8"),
        (lambda image: image.astype(float), "(12, 16, 3) float64"),
        (lambda image: image.tolist(), "list"),
    ],
    ids=["nothing", "smaller", "grey", "float", "list"],
)
def test_wrong_result_is_refused(raw, use_method, method, got):
    method.__name__ = "wrong"
    use_method(method)
    assert message_of().endswith(f"gaussian_blur failed: TypeError: wrong must return (12, 16, 3) uint8; got {got}")


def test_broken_raw_image_is_named(raw):
    (raw / "train/b/3.png").write_bytes(b"broken")
    assert message_of() == (
        "`data/raw/train/b/3.png` must be a whole PNG or JPEG image; run `dvc repro -f ingest` to make it anew"
    )


def test_no_raw_images_are_refused(workspace):
    workspace()
    with pytest.raises(PipelineError) as caught:
        anonymize("gaussian_blur")
    assert str(caught.value) == "`data/raw` must hold images (.png or .jpg); received: none"
