from pathlib import Path

import numpy as np
import pytest

from stages.anonymize import anonymize, anonymize_image
from stages.core.errors import PipelineError
from stages.core.images import list_images, read_image
from stages.core.params import Variant
from stages.core.params.variants import read_variant
from stages.methods.dp_pix import dp_pix
from stages.methods.gaussian_blur import gaussian_blur
from stages.methods.pixelation import pixelation
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


DP_PIX = {"method": "dp_pix", "block_size": 4, "epsilon": 2.0, "neighbourhood": 1}


def dp_pix_of(image: np.ndarray, path: str = "train/a/1.png", secret: bytes = b"a" * 32, **arguments) -> np.ndarray:
    return anonymize_image(image, path, read_variant("dp_pix", DP_PIX | arguments), secret).astype(float)


def test_noise_that_protects_is_drawn_from_the_secret(workspace, save_images):
    folder = workspace({**CHANGES, "variants.dp_pix": DP_PIX}) / "data"
    save_images(folder / "raw", PATHS)
    written = []
    for _ in range(2):
        anonymize("dp_pix")
        written.append([read_image(folder / "dp_pix" / path).tolist() for path in PATHS])
    (folder / "secret.key").unlink()
    anonymize("dp_pix")
    assert written[0] == written[1]
    assert not any(read_image(folder / "dp_pix" / path).tolist() in written[0] for path in PATHS)


@pytest.mark.parametrize("name", ["gaussian_blur", "blocking_merging"])
def test_a_method_without_such_noise_makes_no_secret(raw, name):
    anonymize(name)
    assert not Path("data/secret.key").exists()


def test_without_a_secret_no_noise_is_drawn(noise):
    with pytest.raises(TypeError, match="dp_pix needs a secret; got None"):
        dp_pix_of(noise(), secret=None)


@pytest.mark.parametrize("other", ["secret", "strength", "image"])
def test_two_images_never_share_their_noise(other):
    grey = np.full((240, 240, 3), 128, np.uint8)
    changed = grey.copy()
    changed[0, 0, 0] += 1
    one = dp_pix_of(grey) - 128
    same = dp_pix_of(grey) - 128
    two = {
        "secret": lambda: dp_pix_of(grey, secret=b"b" * 32),
        "strength": lambda: dp_pix_of(grey, epsilon=2.5),
        "image": lambda: dp_pix_of(changed),
    }[other]() - 128
    assert np.array_equal(one, same)
    assert abs(np.corrcoef(one[::4, ::4].ravel(), two[::4, ::4].ravel())[0, 1]) < 0.05


def test_the_noise_of_copies_of_an_image_does_not_average_out(noise):
    copies = [dp_pix_of(noise(), path=path) for path in ("train/a/1.png", "train/a/000001.png", "test/b/1.jpg")]
    assert np.array_equal(copies[0], np.mean(copies, axis=0))


def test_two_strengths_of_an_image_cannot_be_solved_for_what_they_hide(noise):
    image = 64 + noise(0, 96, 96) // 2
    means = pixelation(image, block_size=8).astype(float)
    strengths = [{"block_size": 8, "epsilon": epsilon, "neighbourhood": 4} for epsilon in (2.0, 4.0)]

    def error_of(strong: np.ndarray, weak: np.ndarray) -> float:
        # Twice the epsilon is half the noise: were it the same, it would cancel.
        return float(np.abs(2 * weak.astype(float) - strong - means).mean())

    assert error_of(*(dp_pix(image, **options, secret_rng=np.random.default_rng(0)) for options in strengths)) < 1.5
    assert error_of(*(dp_pix_of(image, **options) for options in strengths)) > 8


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
