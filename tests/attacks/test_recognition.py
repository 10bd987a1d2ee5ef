"""A stranger's recognizer names whom it sees, and nobody else but by chance."""

import cv2
import numpy as np
import pytest

from stages.attacks import recognition
from stages.attacks.evidence import Evidence, Photos
from stages.attacks.recognition import Recognizer, recognize
from stages.core.machine import WORKERS_VARIABLE
from tests.models import recognizer_model, write_yunet

PEOPLE, EACH = 8, 3
WHO = np.arange(PEOPLE).repeat(EACH)


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    return Recognizer(recognizer_model())


def faces(seed: int) -> np.ndarray:
    """Draw noisy faces of PEOPLE x EACH, whose colours tell people apart: (n, 56, 56, 3)."""
    rng = np.random.default_rng(seed)
    coarse = np.random.default_rng(99).integers(0, 256, (PEOPLE, 4, 4, 3)).repeat(EACH, axis=0)
    noisy = (coarse + rng.normal(0, 12, coarse.shape)).clip(0, 255).astype(np.uint8)
    return noisy.repeat(14, axis=1).repeat(14, axis=2)


def shares(recognizer, anonymized, raw, people=WHO) -> tuple[float, float, float]:
    originals = np.arange(len(raw)) if people is WHO else None
    found = recognize(recognizer.embed(anonymized), recognizer.embed(raw), people, people, originals=originals)
    return float(found.named.mean()), float(found.chance.mean()), found.true_accept_rate


def test_faces_become_points_of_length_1_by_their_red_green_and_blue(recognizer):
    red, point = np.zeros((1, 30, 30, 3), np.uint8), np.repeat([0.25, 0, 0], 16)
    red[..., 0] = 50
    np.testing.assert_allclose(recognizer.embed(red), [point], atol=1e-6)
    assert not recognizer.embed(red * 0).any() and recognizer.embed(red[:0]).shape == (0, 48)


def test_people_are_recognized_in_raw_and_blurred_faces_and_not_in_masked_ones(recognizer):
    raw = faces(0)
    assert shares(recognizer, raw, raw) == (1, (EACH - 1) / (PEOPLE * EACH - 1), 1)
    blurred = np.stack([cv2.GaussianBlur(face, (0, 0), 4) for face in raw])
    named, _, accepted = shares(recognizer, blurred, raw)
    assert min(named, accepted) > 0.9
    named, chance, accepted = shares(recognizer, np.full_like(raw, 128), raw)
    assert named <= 1.6 * chance and accepted <= 0.1


def test_a_gallery_anonymized_alike_and_all_framings_count(recognizer):
    def photos(seed: int) -> Photos:
        framed = np.stack([np.full_like(faces(seed), 90), faces(seed)], axis=1)  # the first framing shows nobody
        return Photos(framed, 255 - framed, WHO)

    train, nobody = photos(0), Photos(*(part[:0] for part in photos(0)))
    found, names = recognition.recognition(Evidence(train, nobody, photos(1), 0), recognizer)
    assert found["alike_aligned_accuracy"] > 0.9 > found["alike_aligned_accuracy"] - 0.4 > found["aligned_accuracy"]
    assert found["alike_accuracy"] == found["chance"] == 1 / PEOPLE
    assert np.mean(names["_alike_aligned"] == WHO) == found["alike_aligned_accuracy"]


@pytest.mark.parametrize("settings", [{"channels": "bgr"}, {"mean": 40}, {"scale": 0.5}, {"size": 84}])
def test_a_model_gets_colours_and_sizes_as_it_takes_them(settings):
    face = np.zeros((1, 84, 84, 3), np.uint8)
    face[..., 0], face[..., 1] = 50, 80
    model = recognizer_model(settings.get("size", 112))
    values = {"mean": [10, 40, -40], "channels": [0, 80, 50]}.get(next(iter(settings)), [50, 80, 0])
    expected = np.repeat(np.array(values, float), 16) / np.linalg.norm(np.repeat(values, 16))
    np.testing.assert_allclose(Recognizer(model, **settings).embed(face)[0], expected, atol=1e-6)


def test_without_labels_a_face_is_found_by_its_own_original(recognizer):
    raw, own = faces(0), np.arange(len(WHO))
    assert shares(recognizer, raw, raw, own) == (1, pytest.approx(1 / len(own)), 1)
    masked = shares(recognizer, np.full_like(raw, 77), raw, own)
    assert masked[0] == masked[1] == pytest.approx(1 / len(own))


def test_a_face_is_never_named_by_its_own_original_and_who_is_in_no_other_is_not_asked_about():
    points = np.eye(3)
    found = recognize(points, points, np.array([0, 0, 1]), np.array([0, 0, 1]), originals=np.arange(3))
    np.testing.assert_array_equal(found.named, [0.5, 0.5, np.nan])  # two are as near, one of them right
    np.testing.assert_array_equal(found.chance, [0.5, 0.5, np.nan])


@pytest.mark.parametrize("people", [[1, 1], [0, 1]])
def test_without_pairs_of_both_kinds_nothing_is_verified(people):
    points = np.eye(2)
    found = recognize(points[:1], points, np.array([1]), np.array(people), originals=np.array([0]))
    assert found.true_accept_rate is None


def test_names_of_others_are_found_by_chance(recognizer):
    rng = np.random.default_rng(0)
    points = recognizer.embed(faces(0))
    found = [recognize(points, points, WHO, rng.permutation(WHO), originals=np.arange(len(WHO))) for _ in range(40)]
    named, chance = (np.nanmean([getattr(one, key) for one in found]) for key in ("named", "chance"))
    assert named == pytest.approx(chance, abs=0.045)
    assert np.mean([one.true_accept_rate for one in found]) < 0.04


def test_at_most_one_in_a_hundred_others_is_accepted():
    rng = np.random.default_rng(0)
    gallery = rng.normal(size=(1000, 2))
    gallery /= np.linalg.norm(gallery, axis=1, keepdims=True)
    probe = np.array([[1.0, 0.0]])
    cosines = np.sort(gallery[1:] @ probe[0])
    for other, accepted in ((cosines[-9:].mean(), 1), (cosines[-12:-9].mean(), 0)):
        gallery[0] = other, np.sqrt(1 - other**2)
        who = np.arange(1000)
        assert recognize(probe, gallery, who[:1], who).true_accept_rate == accepted


def test_neither_workers_nor_parts_change_what_is_found(recognizer, monkeypatch):
    def found() -> bytes:
        points = recognizer.embed(faces(0))
        return b"".join(np.asarray(part).tobytes() for part in (points, *recognize(points, points, WHO, WHO)))

    monkeypatch.setenv(WORKERS_VARIABLE, "1")
    alone = found()
    monkeypatch.setenv(WORKERS_VARIABLE, "3")
    monkeypatch.setattr(recognition, "CHUNK", 5)
    assert found() == alone


def test_of_many_pairs_a_part_is_verified(monkeypatch):
    monkeypatch.setattr(recognition, "MOST_PAIRS", 30)
    points = np.concatenate([np.eye(10), -np.eye(10)])
    found = recognize(points, points[:10], np.arange(20) % 10, np.arange(10))
    assert (len(found.named), found.true_accept_rate) == (20, 2 / 3)


@pytest.mark.parametrize("model", [b"", b"nothing of the kind", recognizer_model()[:100]])
def test_what_is_no_recognizer_is_refused_in_one_line(model):
    with pytest.raises(
        ValueError, match=f"`model` must be an ONNX file .* SFace. Received: {len(model)} bytes"
    ) as info:
        Recognizer(model)
    assert "\n" not in str(info.value)


def test_a_detector_is_no_recognizer(tmp_path):
    with pytest.raises(ValueError, match="to a vector.* with 12 outputs"):
        Recognizer(write_yunet(tmp_path / "yunet.onnx").read_bytes(), size=32)


def test_wrong_faces_are_refused(recognizer):
    with pytest.raises(ValueError, match=r"`faces` must be uint8 .* Received: uint8 of shape \(2, 8, 9, 3\)"):
        recognizer.embed(np.zeros((2, 8, 9, 3), np.uint8))
