"""Every image of `data/raw` is anonymized, with noise that nobody can repeat, or none is written."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from stages.anonymize import anonymize, anonymize_image
from stages.core.boxes import Box, write_boxes
from stages.core.cells import CELL
from stages.core.errors import PipelineError
from stages.core.files import write_file
from stages.core.images import list_images, read_image, write_image
from stages.core.masks import encode_mask
from stages.core.params import Variant
from stages.core.params.variants import Acting, read_variant
from stages.core.paths import LAST_RUN
from stages.methods.gaussian_blur import gaussian_blur
from stages.methods.shared.method import Method, find_method
from stages.regions.pictures import GAP, RED, outline
from tests.clones import set_param
from tests.faults import message_of
from tests.synthetic import untimed

PATHS = ["train/a/1.png", "train/a/nested/2.png", "train/b/3.png", "test/a/4.png", "test/b/5.png"]
DP_PIX = {"method": "dp_pix", "block_size": 4, "epsilon": 2.0, "neighbourhood": 1}
WHOLE = Variant(method="wrong", arguments={}, acting=Acting())
PLACES = Box(4, 4, 8, 8), Box(24, 24, 8, 8)
CHANGES = {
    "variants.gaussian_blur.sigma": 2,
    "variants.blocking_merging.block_size": 4,
    "variants.blocking_merging.pattern": "random",
    "variants.dp_pix": DP_PIX,
}


@pytest.fixture
def raw(workspace, save_images):
    folder = workspace(CHANGES) / "data" / "raw"
    save_images(folder, PATHS)
    return folder


def first_of(folder: Path) -> np.ndarray:
    return read_image(folder / PATHS[0])


def written(name: str) -> dict[str, bytes]:
    return {path: (Path("data") / name / path).read_bytes() for path in list_images(Path("data") / name)}


@pytest.mark.parametrize("name", ["gaussian_blur", "blocking_merging"])
def test_tree_names_and_sizes_stay_and_no_image_does_whatever_the_workers(raw, monkeypatch, name):
    before = written("raw")
    results = []
    for workers in ("1", "8"):
        monkeypatch.setenv("PIPELINE_WORKERS", workers)
        anonymize(name)
        results.append(written(name))
        shutil.rmtree(LAST_RUN)
    assert results[0] == results[1]
    assert list(results[0]) == sorted(PATHS)
    for path in PATHS:
        old, new = read_image(raw / path), read_image(Path("data") / name / path)
        assert new.shape == old.shape
        assert not np.array_equal(new, old)
    assert written("raw") == before
    assert not Path("data/secret.key").exists()  # none of these needs it


def test_images_are_those_of_the_method(raw, capsys):
    anonymize("gaussian_blur")
    assert np.array_equal(read_image(Path("data/gaussian_blur") / PATHS[0]), gaussian_blur(first_of(raw), sigma=2))
    assert untimed(capsys.readouterr().out) == "anonymize: 5 images with gaussian_blur into data/gaussian_blur/\n"


def test_public_draws_depend_on_seed_path_and_place_alone(noise):
    def fill(image: np.ndarray, **draws: np.random.Generator) -> np.ndarray:
        return np.full_like(image, draws["rng"].integers(256)) if draws else image

    def values(seed: int | None, path: str, *boxes: Box) -> list[int]:
        """Return what is drawn for the regions, or the whole image."""
        acting = Acting(where="regions" if boxes else "image", feather=0)
        variant = Variant(method="fill", arguments={}, acting=acting, seed=seed)
        result = anonymize_image(noise(0, 40, 40), path, variant, Method(fill), boxes=boxes)
        return [int(result[box.y + 4, box.x + 4, 0]) for box in boxes or PLACES]

    first, second = values(0, "a/1.png", *PLACES)
    assert values(0, "a/1.png", PLACES[0]) == [first]
    drawn = {first, second, *values(0, "a/2.png", PLACES[0]), *values(1, "a/1.png", PLACES[0])}
    whole = [values(0, "a/1.png"), values(0, "a/2.png"), values(1, "a/1.png")]
    assert len(drawn.union(*whole)) == 7
    assert values(None, "a/1.png") == [int(noise(0, 40, 40)[box.y + 4, box.x + 4, 0]) for box in PLACES]


def dp_pix_of(image: np.ndarray, path: str = "train/a/1.png", secret: bytes = b"a" * 32, **arguments) -> np.ndarray:
    variant = read_variant("dp_pix", DP_PIX | arguments)
    return anonymize_image(image, path, variant, find_method("dp_pix"), secret).astype(float)


def test_noise_that_protects_is_drawn_from_the_secret(raw):
    results = []
    for _ in range(2):
        anonymize("dp_pix")
        results.append(written("dp_pix"))
        shutil.rmtree(LAST_RUN)
    assert results[0] == results[1]
    Path("data/secret.key").unlink()
    anonymize("dp_pix")
    assert not set(written("dp_pix").values()) & set(results[0].values())


def test_without_a_secret_no_noise_is_drawn(noise):
    with pytest.raises(TypeError, match="dp_pix needs a secret; got None"):
        dp_pix_of(noise(), secret=None)


@pytest.mark.parametrize("changes", [{"secret": b"b" * 32}, {"epsilon": 2.5}, {}], ids=str)
def test_two_images_never_share_their_noise(changes):
    grey = np.full((240, 240, 3), 128, np.uint8)
    changed = grey.copy()
    changed[0, 0, 0] += not changes
    first, second = dp_pix_of(grey) - 128, dp_pix_of(changed, **changes) - 128
    assert np.array_equal(first, dp_pix_of(grey) - 128)
    assert abs(np.corrcoef(first[::4, ::4].ravel(), second[::4, ::4].ravel())[0, 1]) < 0.05


def test_the_noise_of_copies_of_an_image_does_not_average_out(noise):
    copies = [dp_pix_of(noise(), path=path) for path in ("train/a/1.png", "train/a/000001.png", "test/b/1.jpg")]
    assert np.array_equal(copies[0], np.mean(copies, axis=0))


@pytest.mark.parametrize("name", ["raw", "blur", "../raw"])
def test_unknown_variant_is_refused(raw, name):
    with pytest.raises(PipelineError, match=f"^`variants` has no `{name}`; allowed: gaussian_blur, morphology, "):
        anonymize(name)
    assert [folder.name for folder in Path("data").iterdir()] == ["raw"]


WRONG = {
    "NoneType": lambda _: None,
    "(11, 16, 3) uint8": lambda image: image[1:],
    "(12, 16) uint8": lambda image: image[..., 0],
    "(12, 16, 3) float64": lambda image: image.astype(float),
    "list": lambda image: image.tolist(),
}


@pytest.mark.parametrize(("got", "method"), WRONG.items(), ids=WRONG)
def test_wrong_result_is_refused(noise, got, method):
    message = message_of(TypeError, anonymize_image, noise(), "a/1.png", WHOLE, Method(method))
    assert message == f"wrong must return (12, 16, 3) uint8; got {got}"


PLACE = {"where": "regions", "grow": 0, "shape": "box", "feather": 0}
REGIONAL = PLACE | {"method": "mask", "value": 255}


@pytest.fixture
def regional(workspace, save_images):
    """The function that makes two raw images, the first with a region, and a variant that acts on regions."""

    def make(changes: dict | None = None, boxes: dict | None = None) -> Path:
        folder = workspace({"variants.faces": REGIONAL, **(changes or {})}) / "data"
        save_images(folder / "raw", PATHS[:2])
        write_boxes(folder / "detections.csv", {PATHS[0]: [Box(2, 1, 3, 4)]} if boxes is None else boxes)
        return folder

    return make


def test_a_variant_acts_on_regions_alone_and_images_without_one_stay_and_are_counted(regional, capsys):
    folder = regional()
    anonymize("faces")
    first, second = (read_image(folder / "raw" / path) for path in PATHS[:2])
    first[1:5, 2:5] = 255
    assert np.array_equal(first_of(folder / "faces"), first)
    assert np.array_equal(read_image(folder / "faces" / PATHS[1]), second)
    assert "; 1 without a region, so not anonymized" in capsys.readouterr().out.splitlines()[-1]


def test_a_variant_acts_on_regions_of_its_labels_alone(regional, capsys):
    boxes = {PATHS[0]: [Box(2, 1, 3, 4, "head"), Box(0, 6, 3, 4, "person")], PATHS[1]: [Box(2, 1, 3, 4, "head")]}
    folder = regional({"variants.faces.labels": "person"}, boxes)
    anonymize("faces")
    first = first_of(folder / "raw")
    first[6:10, 0:3] = 255
    assert np.array_equal(first_of(folder / "faces"), first)
    assert "; 1 without a region, so not anonymized" in capsys.readouterr().out.splitlines()[-1]
    # A mistyped one would leave people open.
    set_param(folder.parent, "variants.faces.labels", ["head", "persn"])
    with pytest.raises(PipelineError, match="`variants.faces.labels` must .* has head, person; received: persn"):
        anonymize("faces")


def test_a_region_is_removed_without_a_trace_of_what_was_there(regional):
    folder = regional({"variants.faces": PLACE | {"method": "remove"}})
    for value in (0, 255):
        raw = np.full((12, 16, 3), 77, np.uint8)
        raw[1:5, 2:5] = value
        write_image(folder / "raw" / PATHS[0], raw)
        anonymize("faces")
        assert (first_of(folder / "faces") == 77).all()


@pytest.mark.parametrize("where", ["regions", "background"])
def test_a_variant_acts_on_silhouettes_and_anew_where_one_changes(regional, where):
    folder = regional({"variants.faces.shape": "mask", "variants.faces.where": where})
    with pytest.raises(PipelineError, match="`variants.faces.shape` must be ellipse or box"):
        anonymize("faces")
    for seed in range(2):
        mask = np.random.default_rng(seed).random((12, 16)) < 0.5
        write_file(folder / "masks" / PATHS[0], encode_mask(mask))
        anonymize("faces")
        inside = np.zeros((12, 16), bool)
        inside[1:5, 2:5] = mask[1:5, 2:5]
        expected = np.where((inside if where == "regions" else ~inside)[..., None], 255, first_of(folder / "raw"))
        assert np.array_equal(first_of(folder / "faces"), expected)


def test_of_an_image_without_a_region_all_is_background(regional):
    folder = regional({"variants.faces.where": "background"})
    anonymize("faces")
    assert (read_image(folder / "faces" / PATHS[1]) == 255).all()


@pytest.mark.parametrize(
    ("required", "boxes", "message"),
    [
        (True, None, "`regions.required` demands a region in each of the 2 images; received: 1 without one"),
        (False, {}, "`variants.faces.where` must be image or background, as no image of `data/raw` has a region"),
    ],
)
def test_images_without_regions_are_refused_where_regions_are_required_or_unknown(regional, required, boxes, message):
    folder = regional({"regions.required": required}, boxes)
    with pytest.raises(PipelineError, match=message):
        anonymize("faces")
    assert not (folder / "faces").exists()


def test_contact_sheets_show_all_images_of_regions_and_frame_those_without_one(regional):
    folder = regional()
    for number in range(40):
        write_image(folder / "raw/train/a" / f"more{number}.png", first_of(folder / "raw"))
    anonymize("faces")
    sheets = list_images(folder / "contact" / "faces")
    assert sheets == ["0001.jpg", "0002.jpg"]
    first = read_image(folder / "contact" / "faces" / sheets[0]).astype(int)
    reds, frames = (np.abs(first - RED).max(axis=2) < 40).sum(), 29  # of 30 images on the sheet, one has a region
    assert reds >= frames * 4 * (GAP // 2) * CELL
    cell = first[GAP // 2 :, GAP // 2 :][:CELL, :CELL]
    assert np.abs(cell - outline(first_of(folder / "faces"), [Box(2, 1, 3, 4)], [2])).mean() < 8
    anonymize("gaussian_blur")
    assert list_images(folder / "contact" / "gaussian_blur") == ["0001.jpg"]


def test_images_in_which_no_face_was_found_are_copied_if_that_is_accepted(regional, capsys):
    folder = regional({"regions.boxes": "detected", "regions.required": False}, {})
    anonymize("faces")
    assert "; 2 without a region, so not anonymized" in capsys.readouterr().out.splitlines()[-1]
    for path in PATHS[:2]:
        assert np.array_equal(read_image(folder / "faces" / path), read_image(folder / "raw" / path))
