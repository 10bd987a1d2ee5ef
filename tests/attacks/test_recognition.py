"""A stranger's recognizer names whom it sees, and nobody else but by chance."""

import pickle

import cv2
import numpy as np
import pytest

from stages.attacks import recognition
from stages.attacks.evidence import UNKNOWN, Evidence, Photos
from stages.attacks.recognition import Recognizer, compare_faces, true_accept_rate
from stages.core.machine import WORKERS_VARIABLE
from stages.core.parallel import map_bounded
from tests.models import recognizer_model, write_yunet

PEOPLE, EACH, SIDE = 8, 3, 112
WHO = np.arange(PEOPLE).repeat(EACH)


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    return Recognizer(recognizer_model())


def faces(seed: int) -> np.ndarray:
    """Draw noisy faces of PEOPLE x EACH, whose colours tell people apart."""
    rng = np.random.default_rng(seed)
    coarse = np.random.default_rng(99).integers(0, 256, (PEOPLE, 4, 4, 3)).repeat(EACH, axis=0)
    noisy = (coarse + rng.normal(0, 12, coarse.shape)).clip(0, 255).astype(np.uint8)
    return noisy.repeat(SIDE // 4, axis=1).repeat(SIDE // 4, axis=2)


def shares(recognizer, anonymized, raw) -> tuple[float, float]:
    probes, gallery = recognizer.embed(anonymized), recognizer.embed(raw)
    found = compare_faces(probes, gallery, WHO, are_same=True)
    return np.mean(found.pooled(np.arange(len(WHO))) == WHO), true_accept_rate(probes, gallery, WHO, WHO)


def photos(recognizer, *framings: np.ndarray, people=WHO, change=lambda faces: faces) -> Photos:
    """Return what a recognizer makes of faces in several framings, raw and changed."""
    raw, changed = (
        np.stack([recognizer.embed(look(framing)) for framing in framings], axis=1)
        for look in (lambda faces: faces, change)
    )
    return Photos(raw, changed, people)


def recognized(train: Photos, test: Photos) -> tuple[dict, dict]:
    return recognition.recognition(Evidence(train, Photos(*(part[:0] for part in train)), test, 0))


def test_faces_become_points_of_length_1_by_their_red_green_and_blue(recognizer):
    red, point = np.zeros((1, SIDE, SIDE, 3), np.uint8), np.repeat([0.25, 0, 0], 16)
    red[..., 0] = 50
    np.testing.assert_allclose(recognizer.embed(red), [point], atol=1e-6)
    assert not recognizer.embed(red * 0).any() and recognizer.embed(red[:0]).shape == (0, 48)


def test_people_are_recognized_in_raw_and_blurred_faces_and_not_in_masked_ones(recognizer):
    raw = faces(0)
    assert shares(recognizer, raw, raw) == (1, 1)
    assert min(shares(recognizer, np.stack([cv2.GaussianBlur(face, (0, 0), 8) for face in raw]), raw)) > 0.9
    named, accepted = shares(recognizer, np.full_like(raw, 128), raw)
    assert named <= 1.6 / PEOPLE and accepted <= 0.1


def test_a_gallery_anonymized_alike_counts_in_the_framing_that_tells_most(recognizer):
    def framed(seed: int) -> Photos:
        strangers = faces(seed)[np.random.default_rng(seed).permutation(len(WHO))]
        return photos(recognizer, strangers, faces(seed), strangers, change=lambda faces: 255 - faces)

    found, names = recognized(framed(0), framed(1))
    assert found["alike_accuracy"] == found["alike_tpr_at_fpr1"] == 1
    assert found["accuracy"] < 0.3
    assert names["recognizer_alike"].pooled(WHO).tolist() == WHO.tolist()


@pytest.mark.parametrize("changes", [("Sub",), ("Sub", "Exp")])
def test_a_constant_network_names_by_chance_and_always_the_same_person(changes):
    constant = Recognizer(recognizer_model(SIDE, *changes))
    found, names = recognized(*(photos(constant, faces(seed), change=np.flip) for seed in (0, 1)))
    assert found["accuracy"] == found["alike_accuracy"] == found["chance"] == 1 / PEOPLE
    assert found["tpr_at_fpr1"] == found["alike_tpr_at_fpr1"] == 0
    for found in names.values():
        assert set(found.pooled(np.arange(len(WHO)))) == {0}


@pytest.mark.parametrize(
    "settings",
    [{"channels": "bgr"}, {"mean": 40}, {"mean": [10, 20, 30], "channels": "bgr"}, {"scale": 0.5}, {"size": 84}],
)
@pytest.mark.parametrize("layout", ["nchw", "nhwc"])
def test_a_model_gets_colours_sizes_and_layouts_as_it_takes_them(settings, layout):
    size = settings.get("size", SIDE)
    face = np.tile(np.array([50, 80, 0], np.uint8), (1, size, size, 1))
    channels = np.array([50, 80, 0])[:: -1 if "channels" in settings else 1] - settings.get("mean", 0)
    expected = channels.repeat(16) / np.linalg.norm(channels.repeat(16))
    found = Recognizer(recognizer_model(size, layout=layout), **settings).embed(face)[0]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_without_labels_a_face_is_found_by_its_own_original(recognizer):
    def linked(change) -> dict:
        test = photos(recognizer, faces(0), people=np.full(len(WHO), UNKNOWN), change=change)
        return recognized(Photos(*(part[:0] for part in test)), test)[0]

    chance = 1 / len(WHO)
    assert linked(lambda faces: faces) == {"accuracy": 1, "chance": chance, "tpr_at_fpr1": 1}
    assert linked(lambda faces: np.full_like(faces, 77))["accuracy"] == pytest.approx(chance)


def test_a_face_is_never_named_by_itself():
    found = compare_faces(np.eye(3), np.eye(3), np.array([0, 0, 1]), are_same=True)
    assert found.values.tolist() == [[1, 1], [1, 1], [1, 2]]  # the last one is the only face of its person


@pytest.mark.parametrize("people", [[1, 1], [0, 0]])
def test_without_pairs_of_both_kinds_nothing_is_verified(people):
    assert true_accept_rate(np.eye(2), np.eye(2)[:1], np.array(people), np.array([1])) is None


def test_names_of_others_are_found_by_chance(recognizer):
    rng = np.random.default_rng(0)
    train, test = (photos(recognizer, faces(seed)) for seed in (0, 1))
    found = [recognized(train, test._replace(people=rng.permutation(WHO)))[0] for _ in range(40)]
    assert np.mean([row["alike_accuracy"] for row in found]) == pytest.approx(1 / PEOPLE, abs=0.045)
    assert np.mean([row["tpr_at_fpr1"] for row in found]) < 0.04


def test_neither_workers_nor_parts_nor_processes_change_what_is_found(recognizer, monkeypatch):
    def found(embed) -> bytes:
        points = np.concatenate(list(map_bounded(embed, np.split(faces(0), len(WHO)))))
        return points.tobytes() + compare_faces(points, points, WHO, are_same=True).values.tobytes()

    monkeypatch.setenv(WORKERS_VARIABLE, "1")
    alone = found(recognizer.embed)
    monkeypatch.setenv(WORKERS_VARIABLE, "3")
    monkeypatch.setattr(recognition, "CHUNK", 5)
    assert found(pickle.loads(pickle.dumps(recognizer)).embed) == alone


def test_of_many_pairs_a_part_is_verified(monkeypatch):
    monkeypatch.setattr(recognition, "MOST_PAIRS", 30)
    points = np.concatenate([np.eye(10), -np.eye(10)])
    assert true_accept_rate(points, points[:10], np.arange(20) % 10, np.arange(10)) == 2 / 3


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (b"", "OpenCV says"),
        (b"nothing of the kind", "OpenCV says"),
        (recognizer_model()[:100], "OpenCV says"),
        (recognizer_model(84), "OpenCV says"),  # another size
        (recognizer_model(length=24), r"with 1 outputs, the first of shape \(1, 24, 2\)"),
        (recognizer_model(SIDE, "Neg", "Sqrt"), "not finite"),
    ],
)
def test_what_is_no_recognizer_is_refused_in_one_line(model, said):
    with pytest.raises(ValueError, match=f"`model` must be an ONNX file .* {len(model)} bytes, .*{said}") as info:
        Recognizer(model)
    assert "\n" not in str(info.value)


def test_a_detector_is_no_recognizer(tmp_path):
    with pytest.raises(ValueError, match="to one vector.* with 12 outputs"):
        Recognizer(write_yunet(tmp_path / "yunet.onnx").read_bytes(), size=32)
