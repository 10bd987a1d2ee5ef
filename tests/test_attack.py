"""The attack stage: who may be named, what reaches the attacker, and what it finds."""

import json
import shutil

import numpy as np
import pytest

from stages.anonymize import anonymize
from stages.attack import attack
from stages.attacks._learning import network, patches
from stages.attacks.identity import Identifier, learn, train_identifier
from stages.attacks.pixels import psnr
from stages.core.boxes import Box, write_boxes
from stages.core.datasets import Dataset
from stages.core.errors import PipelineError
from stages.core.images import list_images, read_image, write_image
from stages.core.machine import environment
from stages.core.params import load_params
from stages.core.paths import PARTIAL
from stages.core.people import read_people, write_people
from stages.core.seeding import generator
from stages.evidence import identification, leftovers
from stages.evidence.noise import noise_removers
from stages.evidence.target import load_target
from stages.evidence.views import make_views
from stages.methods.dp_pix import dp_pix
from stages.results import privacy
from stages.results.columns import ATTACKERS
from stages.results.gallery import write_gallery
from stages.results.scores import Privacy, privacy_file
from tests.models import recognizer_model

SMALL = {"attack.image_size": 32, "attack.reconstruction_images": 10}
DP_PIX = {"method": "dp_pix", "block_size": 8, "epsilon": 0.2, "neighbourhood": 16}
OTHER = "gaussian_blur"  # a variant, of whatever images
FACE = Box(10, 8, 16, 20, "head")
MASK = {"method": "mask", "value": 0, "where": "regions", "shape": "box", "grow": 1}  # all that a crop shows


@pytest.fixture(autouse=True)
def quick_network(monkeypatch):
    monkeypatch.setattr(patches, "SAMPLES", 1_000)
    monkeypatch.setattr(patches, "EPOCHS", 2)


def write_portraits(folder, change=lambda image: image, train=12):
    """Write images of 4 people, some to train and 3 to test: a strong pattern a person, a face in it, little noise."""
    for person in range(4):
        rng = np.random.default_rng(person)
        pattern = rng.integers(40, 216, (8, 8, 3)).repeat(6, axis=0).repeat(6, axis=1)
        pattern[8:28, 10:26] = rng.integers(40, 216, (5, 4, 3)).repeat(4, axis=0).repeat(4, axis=1)
        for split, count, first in (("train", train, 0), ("test", 3, 1000)):
            for number in range(count):
                noise = np.random.default_rng([person, first + number]).normal(0, 6, pattern.shape)
                image = np.clip(pattern + noise, 0, 255).astype(np.uint8)
                write_image(folder / split / f"c{number % 2}" / f"id{person}_{number}.png", change(image))


def write_identities(folder):
    """Write who is in which image, as `ingest` does."""
    write_people({path: path.split("/id")[1].split("_")[0] for path in list_images(folder)})


@pytest.fixture
def people(workspace):
    """The folder of data, with raw images of known people."""
    folder = workspace(SMALL | {"variants.dp_pix": DP_PIX}) / "data"
    write_portraits(folder / "raw")
    write_identities(folder / "raw")
    for table in ("regions.csv", "detections.csv"):
        write_boxes(folder / table, {})
    return folder


@pytest.fixture
def faces(people, workspace):
    """The function that gives raw images a face each, which a variant hides; and returns the folder of data."""

    def make(variant=MASK, found=lambda boxes: boxes, changes: dict | None = None):
        workspace(SMALL | {"variants.faces": variant} | (changes or {}))
        shutil.rmtree(people / "raw")
        write_portraits(people / "raw", train=8)
        write_identities(people / "raw")
        boxes = {path: [FACE] for path in list_images(people / "raw")}
        write_boxes(people / "regions.csv", boxes)
        write_boxes(people / "detections.csv", found(boxes))
        anonymize("faces")
        return people

    return make


def privacy_row(scores):
    return privacy.privacy_row(Privacy(**scores))


def scores_of(dataset):
    attack(dataset)
    return json.loads(privacy_file(dataset).read_text())


def shares(identity):
    """Return the share of images in which each attacker names the right person; all of them have a name in words."""
    assert {name for name in identity["attacks"] if not name.startswith("informed_")} <= ATTACKERS.keys()
    return {name: np.mean(np.equal(found["people"], found["named"])) for name, found in identity["attacks"].items()}


def test_raw_images_and_an_identity_variant_score_the_same(people):
    write_portraits(people / OTHER)
    raw, same = scores_of("raw"), scores_of(OTHER)
    assert set(shares(same["identity"])) == {"informed", "naive", "restored", "size", "tiles"}  # none on noise
    # Fewer images are measured than are asked about, but all are restored.
    assert len(same["measured"]["psnr"]) == 10 < len(same["identity"]["attacks"]["restored"]["named"]) == 12
    assert shares(same["identity"])["informed"] == shares(raw["identity"])["informed"] > 0.9
    assert same["identity"]["left_out"] == {"people": 0, "images": 0}
    assert privacy_row(same)["unchanged_pixels"] == 1
    assert privacy_row(raw)["reconstruction_psnr_gain"] == 0
    assert raw["made_with"] == {"attack": environment()}


@pytest.fixture
def learned(monkeypatch):
    """The training images of each attacker who learned."""
    seen = []

    def watched(sets, seed, *trainer):
        seen.append(sets[0][0])
        return learn(sets, seed, *trainer)

    monkeypatch.setattr(identification, "learn", watched)
    return seen


def test_no_test_image_reaches_the_attackers_training(people, learned):
    write_portraits(people / OTHER)
    attack(OTHER)
    for file in people.glob("*/test/*/*.png"):
        write_image(file, np.zeros((48, 48, 3), np.uint8))
    shutil.rmtree(PARTIAL)  # so that the naive attacker learns again
    attack(OTHER)
    assert len(learned) == 4
    np.testing.assert_array_equal(learned[:2], learned[2:])


def test_the_naive_attacker_learns_once_for_all_data_sets_and_anew_from_other_images(people, learned):
    write_portraits(people / OTHER, lambda image: 255 - image)
    alone = scores_of(OTHER)["identity"]["attacks"]
    raw = scores_of("raw")["identity"]["attacks"]
    assert len(learned) == 2
    assert alone["naive"] != raw["naive"] == raw["informed"]
    write_image(next((people / "raw/train").rglob("*.png")), np.zeros((48, 48, 3), np.uint8))
    attack("raw")
    assert len(learned) == 3


def test_images_are_linked_to_their_originals_without_any_names(people, workspace, capsys):
    (people.parent / "model.onnx").write_bytes(recognizer_model())
    workspace(SMALL | {"attack.recognizer": "model.onnx"})
    write_people({})
    write_portraits(people / OTHER, lambda image: 255 - image)
    row = privacy_row(scores_of(OTHER))
    assert not any(key.startswith("identity") for key in row)
    assert row["linkage_accuracy"] > 0.9
    assert row["recognition_chance"] == row["linkage_chance"]
    assert "`data.identity_pattern`" in capsys.readouterr().out  # how people become known


def test_the_gallerys_images_come_back_restored_and_raw_ones_as_they_are(people):
    write_portraits(people / OTHER, lambda image: 255 - image)
    for dataset in ("raw", OTHER):
        attack(dataset)
        write_gallery(dataset, seed=0)
    names = list_images(people / "restored" / OTHER)
    assert names == [f"{number:02d}.png" for number in range(12)]
    for name in names:
        same, original, restored, anonymized = (
            read_image(people / folder / dataset / name)
            for dataset in ("raw", OTHER)
            for folder in ("restored", "gallery")
        )
        np.testing.assert_array_equal(same, original)
        assert psnr(restored, original) > psnr(anonymized, original) + 6


def test_an_attacker_who_guesses_the_noise_is_stopped_by_the_secret_and_one_who_knows_it_is_not(people):
    (people / "secret.key").write_bytes(bytes([4] * 32))  # of 12 images, by chance some secrets let many be named
    (people / "secret.key").chmod(0o600)
    anonymize("dp_pix")
    found = shares(scores_of("dp_pix")["identity"])
    assert found.pop("noise_known") > 0.9
    assert found.keys() == {"informed", "naive", "restored", "noise_guessed", "likelihood", "size", "tiles"}
    assert max(found["informed"], found["naive"], found["noise_guessed"]) < 0.6
    (people / "secret.key").unlink()  # what a leak would cost is not measured with another secret
    path = Dataset(people / "raw").paths("test")[0]
    assert noise_removers(load_target("dp_pix", load_params()), path).keys() == {"noise_guessed"}


def test_noise_from_what_is_published_would_be_taken_off(people, monkeypatch):
    monkeypatch.setattr(
        "stages.anonymize.anonymize_image",
        lambda image, path, variant, *_: dp_pix(image, **variant.arguments, secret_rng=generator(0, path)),
    )
    anonymize("dp_pix")
    target = load_target("dp_pix", load_params())
    path = f"test/{target.raw.paths('test')[0]}"
    original, published = target.raw.image(path), target.images.image(path)
    denoised = noise_removers(target, path.removeprefix("test/"))["noise_guessed"](published, path)
    assert psnr(denoised, original) > psnr(published, original) + 3


def test_masked_faces_are_at_chance_while_their_background_still_names_people(faces):
    faces()
    raw, masked = scores_of("raw"), scores_of("faces")
    assert min(shares(raw["region_identity"]).values()) > 0.9
    assert shares(masked["identity"])["informed"] > 0.9
    row = privacy_row(masked)
    assert row["region_identity_accuracy"] == row["region_identity_chance"] == 0.25
    assert row["region_linkage_accuracy"] == row["region_linkage_chance"]
    assert row["images_left_open"] == 0
    assert "regions_missed" not in row  # no detector could miss one
    assert row["region_unchanged_pixels"] < 0.01 < row["unchanged_pixels"]
    assert privacy.exposure(Privacy(**masked))["people_named"] == 1
    # All boxes are the same.
    assert len(set(masked["region_identity"]["attacks"]["outline"]["named"])) == 1
    assert not {"outline", "surroundings"} & raw["region_identity"]["attacks"].keys()
    assert shares(masked["region_identity"])["surroundings"] > 0.9


def test_attackers_look_at_the_largest_region_of_each_label_and_at_every_region(faces):
    corner, person = Box(0, 30, 24, 24, "head"), Box(0, 0, 40, 32, "person")
    faces(found=lambda boxes: {path: [FACE, person] if path.endswith("_1.png") else [FACE] for path in boxes})
    found = shares(scores_of("raw")["region_identity"])
    assert found["informed_head"] > 0.9 and "every" not in found
    # Where the largest region of a test image shows nobody, another one does.
    faces(found=lambda boxes: {path: [corner, FACE] if path.startswith("test") else [FACE] for path in boxes})
    found = shares(scores_of("raw")["region_identity"])
    assert found["every"] > found["informed"] + 0.3 and "informed_head" not in found


def test_attackers_see_where_a_variant_acted_and_not_the_box_that_it_was_enlarged_from(faces):
    faces(MASK | {"snap": 0.5, "grow": 0})
    target = load_target("faces", load_params())
    _, regions = make_views(target, read_people())
    image = np.random.default_rng(0).integers(0, 256, (48, 40, 3), np.uint8)
    looks = []
    for x in (1, 3):  # on a grid of 24 pixels, both are the same
        target.boxes["train/a/1.png"] = [Box(x, 2, 20, 20)]
        looks.append(regions.look(image, "train/a/1.png"))
    np.testing.assert_array_equal(*looks)


def test_a_face_that_was_not_found_is_missed_and_images_without_one_are_not_looked_at(faces, monkeypatch):
    monkeypatch.setattr(leftovers, "load_detector", lambda params: lambda image: [FACE._replace(x=FACE.x + 1)])
    faces(
        found=lambda boxes: {path: regions for path, regions in boxes.items() if not path.endswith("_2.png")},
        changes={"regions.boxes": "detected"},
    )
    scores = scores_of("faces")
    assert scores["left_open"] == {"images_left_open": 8, "regions_given": 44, "regions_missed": 8}
    assert privacy_row(scores)["regions_found"] == 1
    assert len(scores["region_identity"]["paths"]) == 8
    assert None in scores["measured"]["region_psnr"]


def test_what_a_blur_of_faces_hides_is_restored_where_they_are(faces):
    faces({"method": "gaussian_blur", "sigma": 3, "where": "regions", "side": 32})
    assert privacy_row(scores_of("faces"))["region_reconstruction_psnr_gain"] > 0.5


def test_the_noise_of_regions_is_attacked_by_likelihood(faces):
    blocks = {"method": "dp_pix", "block_size": 8, "epsilon": 50, "neighbourhood": 1}
    faces(blocks | {"where": "regions", "shape": "square", "grow": 0, "feather": 0, "side": 32})
    scores = scores_of("faces")
    assert shares(scores["region_identity"])["likelihood"] > 0.9
    assert privacy_row(scores)["region_likelihood_linkage_accuracy"] > 2 / 12
    assert "likelihood" not in scores["identity"]["attacks"]


def test_a_strangers_recognizer_looks_at_regions(faces, tmp_path):
    (tmp_path / "model.onnx").write_bytes(recognizer_model())
    settings = {"model": "model.onnx", "size": 112, "mean": 0, "scale": 1, "channels": "rgb"}
    faces(changes={"attack.recognizer": settings})
    raw, masked = (privacy_row(scores_of(dataset)) for dataset in ("raw", "faces"))
    assert raw["region_recognition_accuracy"] > 0.9
    found = {masked[f"region_recognition_{kind}accuracy"] for kind in ("", "alike_")}
    assert found == {masked["region_recognition_chance"]} == {0.25}
    assert raw["region_identity_accuracy_recognizer"] > 0.9  # it counts among the attackers that name people
    (tmp_path / "model.onnx").write_bytes(b"no network")
    faces(changes={"attack.recognizer": "model.onnx"})  # stands for what SFace takes
    with pytest.raises(PipelineError, match="`attack.recognizer`: .* Received: 10 bytes"):
        attack("raw")


def test_a_thorough_attacker_tries_a_network_and_the_row_says_so(people, workspace, monkeypatch):
    def train_renamed(images, identities, *, seed):
        arrays = train_identifier(images, identities, seed=seed).arrays
        return Identifier.restored(arrays | {"name": np.array("network")})

    workspace(SMALL | {"attack.effort": "thorough"})
    write_portraits(people / OTHER)
    monkeypatch.setattr(network, "train_strongest", train_renamed)
    scores = scores_of(OTHER)
    assert scores["effort"] == "thorough"
    assert scores["identity"]["attacker"] == scores_of("raw")["identity"]["attacker"] == "network"
    assert min(shares(scores["identity"])[name] for name in ("informed", "restored_informed")) > 0.9


def test_people_split_between_train_and_test_are_named_by_references(people):
    for file in (people / "raw").glob("*/*/id*"):
        if (int(file.name[2]) < 2) != (file.parts[-3] == "train"):
            file.unlink()
    write_identities(people / "raw")
    identity = scores_of("raw")["identity"]
    assert identity["chance"] == 0.5
    naive = identity["attacks"]["naive"]
    assert len(naive["people"]) == 2  # of 3 images of each, 2 are references
    assert naive["named"] == naive["people"] == [int(path.split("/id")[1][0]) - 2 for path in identity["paths"]]
