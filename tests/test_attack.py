"""The attack stage: who may be named, what reaches the attacker, and what it finds."""

import json
import shutil

import numpy as np
import pytest

from stages import attack as stage
from stages.anonymize import anonymize
from stages.attack import attack
from stages.attacks import naming
from stages.attacks._learning import network
from stages.attacks.fidelity import psnr
from stages.attacks.identity import Identifier
from stages.core.boxes import Box, write_boxes
from stages.core.datasets import Dataset, divide, write_part
from stages.core.errors import PipelineError
from stages.core.images import list_images, read_image, write_image
from stages.core.machine import environment
from stages.core.paths import PARTIAL
from stages.core.people import write_people
from stages.core.seeding import generator
from stages.methods.dp_pix import dp_pix
from stages.results import privacy
from stages.results.columns import ATTACKERS
from stages.results.gallery import write_gallery
from stages.results.scores import Privacy, privacy_file
from tests.attacks.test_recognition import onnx

SMALL = {"attack.image_size": 32, "attack.reconstruction_images": 10}
DP_PIX = {"method": "dp_pix", "block_size": 8, "epsilon": 0.2, "neighbourhood": 16}
OTHER = "gaussian_blur"  # a variant, of whatever images


def write_portraits(folder, change=lambda image: image):
    """Write images of one strong pattern a person, with a little noise: of 4 people, 12 to train and 3 to test."""
    for split, count, first in (("train", 12, 0), ("test", 3, 1000)):
        for person in range(4):
            pattern = np.random.default_rng(person).integers(40, 216, (8, 8, 3)).repeat(5, axis=0).repeat(5, axis=1)
            for number in range(count):
                noise = np.random.default_rng([person, first + number]).normal(0, 6, pattern.shape)
                image = np.clip(pattern + noise, 0, 255).astype(np.uint8)
                write_image(folder / split / f"c{number % 2}" / f"id{person}_{number}.png", change(image))


def name_people(folder):
    """Write who is in which image, as `ingest` does."""
    write_people({path: path.split("/id")[1].split("_")[0] for path in list_images(folder)})


@pytest.fixture
def people(workspace):
    folder = workspace(SMALL | {"variants.dp_pix": DP_PIX}) / "data"
    write_portraits(folder / "raw")
    name_people(folder / "raw")
    for table in ("regions.csv", "detections.csv"):
        write_boxes(folder / table, {})
    return folder


def privacy_row(scores):
    return privacy.privacy_row(Privacy(**scores))


def exposure(scores):
    return privacy.exposure(Privacy(**scores))


def scores_of(dataset):
    attack(dataset)
    return json.loads(privacy_file(dataset).read_text())


def named(scores):
    """Return the share of images in which each attacker names the right person, all of which have a name in words."""
    assert scores["identity"]["attacks"].keys() <= ATTACKERS.keys()
    return {name: np.mean(np.equal(one["people"], one["named"])) for name, one in scores["identity"]["attacks"].items()}


def test_raw_images_and_an_identity_variant_score_the_same(people):
    write_portraits(people / OTHER)
    raw, same = scores_of("raw"), scores_of(OTHER)
    assert set(named(same)) == {"informed", "naive", "restored"}  # nobody attacks noise that there is not
    assert named(same)["informed"] == named(raw)["informed"] > 0.9
    assert same["identity"]["left_out"] == {"people": 0, "images": 0}
    assert privacy_row(same)["unchanged_pixels"] == 1
    assert privacy_row(raw)["reconstruction_psnr_gain"] == 0
    assert raw["made_with"] == {"attack": environment()}


def test_a_constant_image_leaves_the_attacker_at_chance(people):
    write_portraits(people / OTHER, lambda image: np.full_like(image, 128))
    row = privacy_row(scores_of(OTHER))
    assert row["identity_accuracy"] == row["identity_chance"] == 0.25
    assert row["unchanged_pixels"] < 0.01
    assert row.get("keypoint_survival", 0) == 0


@pytest.fixture
def learned(monkeypatch):
    """The images of each attacker who learned."""
    seen, train = [], naming.train_identifier
    monkeypatch.setattr(
        naming, "train_identifier", lambda images, *who, **seed: seen.append(images) or train(images, *who, **seed)
    )
    return seen


def test_no_test_image_reaches_the_attackers_training(people, learned):
    write_portraits(people / OTHER)
    attack(OTHER)
    for file in people.glob("*/test/*/*.png"):
        write_image(file, np.zeros((40, 40, 3), np.uint8))
    shutil.rmtree(PARTIAL)  # so that the naive attacker learns again
    attack(OTHER)
    assert len(learned) == 4
    np.testing.assert_array_equal(learned[:2], learned[2:])


def test_the_naive_attacker_learns_once_for_all_data_sets_and_again_from_other_images(people, learned):
    write_portraits(people / OTHER, lambda image: 255 - image)
    alone = scores_of(OTHER)
    shutil.rmtree(PARTIAL)
    learned.clear()
    raw = scores_of("raw")["identity"]["attacks"]
    assert raw["naive"] == raw["informed"]
    assert len(learned) == 1
    assert scores_of(OTHER) == alone
    assert len(learned) == 2
    write_image(next((people / "raw/train").rglob("*.png")), np.zeros((40, 40, 3), np.uint8))
    attack(OTHER)
    assert len(learned) == 4


def test_people_split_between_train_and_test_are_named_by_references(people):
    for file in (people / "raw").glob("*/*/id*"):
        if (int(file.name[2]) < 2) != (file.parts[-3] == "train"):
            file.unlink()
    name_people(people / "raw")
    identity = scores_of("raw")["identity"]
    assert identity["chance"] == 0.5
    naive = identity["attacks"]["naive"]
    assert len(naive["people"]) == 2  # of 3 images of each, 2 are references
    assert naive["named"] == naive["people"] == [int(path.split("/id")[1][0]) - 2 for path in identity["paths"]]


def test_without_identities_the_keys_are_absent_and_a_line_says_why(people, capsys):
    write_people({})
    assert not any(key.startswith("identity") for key in privacy_row(scores_of("raw")))
    assert "`data.identity_pattern` reads them off the paths, or `identities.csv`" in capsys.readouterr().out


def test_people_who_are_left_out_are_counted(people, workspace, capsys):
    workspace(SMALL | {"attack.identity_images": 24})
    identity = scores_of("raw")["identity"]
    assert identity["left_out"] == {"people": 2, "images": 6}
    assert len(set(identity["attacks"]["informed"]["people"])) == 2
    assert "2 people with 6 test images are not asked about" in capsys.readouterr().out


def test_an_attacker_that_fails_on_raw_images_says_so(people, capsys):
    for number, file in enumerate(sorted(people.rglob("*.png"))):
        write_image(file, np.random.default_rng(number).integers(0, 256, (40, 40, 3), np.uint8))
    attack("raw")
    assert "proves nothing" in capsys.readouterr().out


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
    shares = named(scores_of("dp_pix"))
    assert shares.pop("noise_known") > 0.9
    assert shares.keys() == {"informed", "naive", "restored", "noise_guessed"}
    assert max(shares["informed"], shares["naive"], shares["noise_guessed"]) < 0.6


def test_noise_from_what_is_published_would_be_taken_off(people, monkeypatch):
    monkeypatch.setattr(
        "stages.anonymize.anonymize_image",
        lambda image, path, variant, *_: dp_pix(image, **variant.arguments, secret_rng=generator(0, path)),
    )
    anonymize("dp_pix")
    assert named(scores_of("dp_pix"))["noise_guessed"] > 0.9


def test_what_a_leak_would_cost_is_not_measured_with_another_secret(people, capsys):
    anonymize("dp_pix")
    (people / "secret.key").unlink()
    assert set(named(scores_of("dp_pix"))) == {"informed", "naive", "restored", "noise_guessed"}
    assert "as dp_pix was not made with this `data/secret.key`" in capsys.readouterr().out


FACE = Box(10, 8, 16, 20, "head")
MASK = {"method": "mask", "value": 0, "where": "regions", "shape": "box", "grow": 1}  # all that a crop shows


def write_people_in_places(folder, change=lambda image, box: image):
    """Write images in which a person's face stands before a background of the person's own: 8 to train, 3 to test."""
    for split, count, first in (("train", 8, 0), ("test", 3, 1000)):
        for person in range(4):
            for number in range(count):
                rng, same = np.random.default_rng([person, first + number]), np.random.default_rng(person)
                image = same.integers(40, 216, (8, 8, 3)).repeat(6, axis=0).repeat(6, axis=1)
                image[8:28, 10:26] = same.integers(40, 216, (5, 4, 3)).repeat(4, axis=0).repeat(4, axis=1)
                image = np.clip(image + rng.normal(0, 6, image.shape), 0, 255).astype(np.uint8)
                write_image(folder / split / f"c{number % 2}" / f"id{person}_{number}.png", change(image, FACE))


@pytest.fixture
def places(people, workspace):
    """The function that makes raw images with a face each, and a variant that masks it."""

    def make(found=None, changes: dict | None = None):
        workspace(SMALL | {"variants.masked": MASK} | (changes or {}))
        shutil.rmtree(people / "raw")
        write_people_in_places(people / "raw")
        name_people(people / "raw")
        boxes = {path: [FACE] for path in list_images(people / "raw")}
        write_boxes(people / "regions.csv", boxes)
        write_boxes(people / "detections.csv", boxes if found is None else found(boxes))
        return people

    return make


def shares(identity):
    assert identity["attacks"].keys() <= ATTACKERS.keys()
    return {name: np.mean(np.equal(one["people"], one["named"])) for name, one in identity["attacks"].items()}


def test_masked_faces_are_at_chance_while_their_background_still_names_people(places):
    places()
    anonymize("masked")
    raw, masked = scores_of("raw"), scores_of("masked")
    assert min(shares(raw["region_identity"]).values()) > 0.9
    assert shares(masked["identity"])["informed"] > 0.9
    row = privacy_row(masked)
    assert row["region_identity_accuracy"] == row["region_identity_chance"] == 0.25
    assert row["region_linkage_accuracy"] == row["region_linkage_chance"]
    assert row["images_left_open"] == 0
    assert "regions_missed" not in row  # no detector could miss one
    assert row["region_unchanged_pixels"] < 0.01 < row["unchanged_pixels"]
    assert exposure(masked)["people_named"] == 1


def test_a_face_that_was_not_found_is_missed_and_images_without_one_are_not_looked_at(places, monkeypatch):
    monkeypatch.setattr(stage, "load_detector", lambda params: lambda image: [FACE._replace(x=FACE.x + 1)])
    places(
        lambda boxes: {path: one for path, one in boxes.items() if not path.endswith("_2.png")},
        {"regions.boxes": "detected"},
    )
    anonymize("masked")
    scores = scores_of("masked")
    assert scores["left_open"] == {"images_left_open": 8, "regions_given": 44, "regions_missed": 8}
    assert privacy_row(scores)["regions_found"] == 1
    assert len(scores["region_identity"]["paths"]) == 8
    assert None in scores["region_psnr"]


def test_what_a_blur_of_faces_hides_is_restored_where_they_are(places):
    blur = {"method": "gaussian_blur", "sigma": 3, "where": "regions", "side": 32}
    folder = places(changes={"variants.masked": blur})
    anonymize("masked")
    row = privacy_row(scores_of("masked"))
    assert row["region_reconstruction_psnr_gain"] > 0.5
    path = list_images(folder / "masked" / "test")[0]
    outside = np.s_[40:, 40:]
    assert np.array_equal(*(read_image(folder / name / "test" / path)[outside] for name in ("raw", "masked")))


def test_images_are_linked_to_their_originals_without_any_names(people, capsys):
    write_people({})
    write_portraits(people / OTHER, lambda image: 255 - image)
    raw, same = (privacy_row(scores_of(dataset)) for dataset in ("raw", OTHER))
    assert raw["linkage_accuracy"] > 0.9
    assert (
        f"in {OTHER}, whoever holds the originals links 100.0% of 12 test images to their own"
        in capsys.readouterr().out
    )
    assert same["linkage_accuracy"] > 0.9
    assert raw["linkage_chance"] == round(1 / 12, 4)
    write_portraits(people / OTHER, lambda image: np.full_like(image, 7))
    row = privacy_row(scores_of(OTHER))
    assert row["linkage_accuracy"] == row["linkage_chance"]


def test_a_strangers_recognizer_looks_at_regions(places, tmp_path):
    (tmp_path / "model.onnx").write_bytes(onnx())
    places(changes={"attack.recognizer": "model.onnx"})
    anonymize("masked")
    raw, masked = (privacy_row(scores_of(dataset)) for dataset in ("raw", "masked"))
    assert raw["region_recognition_accuracy"] > 0.9
    assert masked["region_recognition_accuracy"] == masked["region_recognition_chance"] == 0.25
    assert raw["region_identity_accuracy_recognizer"] > 0.9  # it counts among the attackers that name people
    write_people({})
    row = privacy_row(scores_of("raw"))
    assert row["region_recognition_chance"] == round(1 / 12, 4)
    (tmp_path / "model.onnx").write_bytes(b"no network")
    with pytest.raises(PipelineError, match="`attack.recognizer`: .* such as SFace. Received: 10 bytes"):
        attack("raw")


def test_a_thorough_attacker_tries_a_network_and_the_row_says_so(people, workspace, monkeypatch):
    workspace(SMALL | {"attack.effort": "thorough"})
    write_portraits(people / OTHER)
    monkeypatch.setattr(network, "train_strongest", lambda *given, seed: Named(*given, seed=seed))
    scores = scores_of(OTHER)
    assert scores["effort"] == "thorough"
    assert scores["identity"]["attacker"] == "named"
    assert named(scores)["informed"] > 0.9
    assert named(scores)["restored_informed"] > 0.9
    assert scores_of("raw")["identity"]["attacker"] == "named"


class Named(Identifier):
    """The identifier that a network would take the place of, under another name."""

    def __init__(self, images, who, *, seed):
        arrays = naming.train_identifier(images, who, seed=seed).arrays | {"name": np.array("named")}
        self.__dict__ = Identifier.restored(arrays).__dict__


def test_shards_give_the_scores_of_files(people):
    anonymize(OTHER)
    scores = scores_of(OTHER)
    for name in ("raw", OTHER):
        files, shards = Dataset(people / name), people / f"{name} as shards"
        for part in divide(files.paths(), 10):
            write_part(shards, part.name, ((path, files.read(path)) for path in part.paths), as_shard=True)
        shutil.rmtree(people / name)
        shards.rename(people / name)
    assert Dataset(people / OTHER).is_sharded
    shutil.rmtree(PARTIAL)
    assert scores_of(OTHER) == scores
