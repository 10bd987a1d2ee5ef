"""The attack stage: who may be named, what reaches the attacker, and what it finds."""

import json
import shutil

import numpy as np
import pytest

from stages import attack as stage
from stages.anonymize import anonymize
from stages.attack import attack
from stages.attacks.fidelity import psnr
from stages.core.images import list_images, read_image, write_image
from stages.core.machine import environment
from stages.core.memo import FOLDER
from stages.core.people import write_people as write_table
from stages.core.seeding import generator
from stages.results.gallery import write_gallery
from stages.results.scores import privacy_file, privacy_row


def write_people(folder, change=lambda image: image, people=4, train=12, test=3):
    """Write images of one strong pattern a person, with a little noise."""
    for split, count, first in (("train", train, 0), ("test", test, 1000)):
        for person in range(people):
            pattern = np.random.default_rng(person).integers(40, 216, (8, 8, 3)).repeat(5, axis=0).repeat(5, axis=1)
            for number in range(count):
                noise = np.random.default_rng([person, first + number]).normal(0, 6, pattern.shape)
                image = np.clip(pattern + noise, 0, 255).astype(np.uint8)
                write_image(folder / split / f"c{number % 2}" / f"id{person}_{number}.png", change(image))


def name_people(folder):
    """Write who is in which image, as `ingest` does."""
    write_table({path: path.split("/id")[1].split("_")[0] for path in list_images(folder)})


@pytest.fixture
def people(workspace):
    folder = workspace({"attack.image_size": 32, "attack.reconstruction_images": 10})
    write_people(folder / "data/raw")
    name_people(folder / "data/raw")
    return folder


def scores_of(dataset):
    attack(dataset)
    return json.loads(privacy_file(dataset).read_text())


def test_raw_images_and_an_identity_variant_score_the_same(people):
    write_people(people / "data/gaussian_blur")
    raw, same = scores_of("raw"), scores_of("gaussian_blur")
    informed = raw["identity"]["attacks"]["informed"]
    assert np.mean(np.equal(informed["people"], informed["named"])) > 0.9
    assert same["identity"]["attacks"]["informed"] == informed
    assert same["identity"]["left_out"] == {"people": 0, "images": 0}
    assert privacy_row(same)["unchanged_pixels"] == 1
    assert privacy_row(raw)["reconstruction_psnr_gain"] == 0


def test_a_constant_image_leaves_the_attacker_at_chance(people):
    write_people(people / "data/gaussian_blur", lambda image: np.full_like(image, 128))
    row = privacy_row(scores_of("gaussian_blur"))
    assert row["identity_accuracy"] == row["identity_chance"] == 0.25
    assert row["unchanged_pixels"] < 0.01
    assert row.get("keypoint_survival", 0) == 0


def test_no_test_image_reaches_the_attackers_training(people, monkeypatch):
    write_people(people / "data/gaussian_blur")
    seen = []

    def spy(images, who, *, seed):
        seen.append(images)
        return original(images, who, seed=seed)

    original = stage.train_identifier
    monkeypatch.setattr(stage, "train_identifier", spy)
    attack("gaussian_blur")
    before = [images.copy() for images in seen]
    for file in (people / "data").glob("*/test/*/*.png"):
        write_image(file, np.zeros((40, 40, 3), np.uint8))
    seen.clear()
    shutil.rmtree(FOLDER)  # so that the naive attacker learns again
    attack("gaussian_blur")
    assert len(before) == len(seen) == 2
    for one, other in zip(before, seen, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_naive_attacker_learns_once_for_all_data_sets_and_again_from_other_images(people, monkeypatch):
    write_people(people / "data/gaussian_blur", lambda image: 255 - image)
    alone = scores_of("gaussian_blur")
    shutil.rmtree(FOLDER)
    learned, original = [], stage.train_identifier
    monkeypatch.setattr(
        stage, "train_identifier", lambda *args, **kwargs: learned.append(1) or original(*args, **kwargs)
    )
    assert scores_of("raw")["identity"]["attacks"]["naive"] == scores_of("raw")["identity"]["attacks"]["informed"]
    assert len(learned) == 1
    assert scores_of("gaussian_blur") == alone
    assert len(learned) == 2
    write_image(next((people / "data/raw/train").rglob("*.png")), np.zeros((40, 40, 3), np.uint8))
    attack("gaussian_blur")
    assert len(learned) == 4


def test_people_split_between_train_and_test_are_named_by_references(people):
    for file in (people / "data/raw").glob("*/*/id*"):
        person = int(file.name[2])
        if (person < 2) != (file.parts[-3] == "train"):
            file.unlink()
    name_people(people / "data/raw")
    identity = scores_of("raw")["identity"]
    assert identity["chance"] == 0.5
    naive = identity["attacks"]["naive"]
    assert len(naive["people"]) == 2  # of 3 images of each, 2 are references
    assert naive["named"] == naive["people"]
    assert naive["people"] == [int(path.split("/id")[1][0]) - 2 for path in identity["paths"]]


def test_without_identities_the_keys_are_absent_and_a_line_says_why(people, capsys):
    write_table({})
    scores = scores_of("raw")
    assert not any(key.startswith("identity") for key in privacy_row(scores))
    assert "`data.identity_pattern` reads them off the paths, or `identities.csv`" in capsys.readouterr().out


def test_an_attacker_that_fails_on_raw_images_says_so(people, capsys):
    for split in ("train", "test"):
        for number, file in enumerate(sorted((people / "data/raw" / split).rglob("*.png"))):
            write_image(file, np.random.default_rng([ord(split[1]), number]).integers(0, 256, (40, 40, 3), np.uint8))
    attack("raw")
    assert "proves nothing" in capsys.readouterr().out


def test_the_gallerys_images_come_back_restored_and_raw_ones_as_they_are(people, workspace):
    workspace({"attack.image_size": 32, "attack.reconstruction_images": 10})
    write_people(people / "data/gaussian_blur", lambda image: 255 - image)
    attack("gaussian_blur")
    attack("raw")
    write_gallery("gaussian_blur", seed=0)
    write_gallery("raw", seed=0)
    for name in list_images(people / "data/restored/raw"):
        assert np.array_equal(
            read_image(people / "data/restored/raw" / name), read_image(people / "data/gallery/raw" / name)
        )
    assert list_images(people / "data/restored/gaussian_blur") == [f"{number:02d}.png" for number in range(12)]
    for name in list_images(people / "data/restored/gaussian_blur"):
        restored, anonymized, original = (
            read_image(people / "data" / folder / name)
            for folder in ("restored/gaussian_blur", "gallery/gaussian_blur", "gallery/raw")
        )
        assert psnr(restored, original) > psnr(anonymized, original) + 6


def test_it_is_recorded_what_the_scores_were_made_with(people):
    assert scores_of("raw")["made_with"] == {"attack": environment()}


def test_an_attacker_who_guesses_the_noise_is_stopped_by_the_secret_and_one_who_knows_it_is_not(people, workspace):
    noise = {"method": "dp_pix", "block_size": 8, "epsilon": 0.2, "neighbourhood": 16}
    workspace({"attack.image_size": 32, "attack.reconstruction_images": 10, "variants.dp_pix": noise})
    anonymize("dp_pix")
    identity = scores_of("dp_pix")["identity"]["attacks"]
    named = {name: np.mean(np.equal(one["people"], one["named"])) for name, one in identity.items()}
    assert named["noise_known"] > 0.9
    assert max(named["informed"], named["naive"], named["noise_guessed"]) < 0.6


def test_noise_from_what_is_published_would_be_taken_off(people, workspace, monkeypatch):
    noise = {"method": "dp_pix", "block_size": 8, "epsilon": 0.2, "neighbourhood": 16}
    workspace({"attack.image_size": 32, "attack.reconstruction_images": 10, "variants.dp_pix": noise})
    monkeypatch.setattr(
        "stages.anonymize.image_generator", lambda secret, method, arguments, path, image: generator(0, path)
    )
    anonymize("dp_pix")
    guessed = scores_of("dp_pix")["identity"]["attacks"]["noise_guessed"]
    assert np.mean(np.equal(guessed["people"], guessed["named"])) > 0.9


def test_methods_without_secret_noise_have_no_attacker_of_the_noise(people):
    write_people(people / "data/gaussian_blur")
    assert set(scores_of("gaussian_blur")["identity"]["attacks"]) == {"informed", "naive", "restored"}


def test_people_who_are_left_out_are_counted(people, workspace, capsys):
    workspace({"attack.image_size": 32, "attack.reconstruction_images": 10, "attack.identity_images": 24})
    identity = scores_of("raw")["identity"]
    assert identity["left_out"] == {"people": 2, "images": 6}
    assert len(set(identity["attacks"]["informed"]["people"])) == 2
    assert "2 people with 6 test images are not asked about" in capsys.readouterr().out
