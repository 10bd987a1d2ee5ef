"""The command that hides faces: what lands in OUT, what never does, and what a person changes by hand."""

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from stages import faces
from stages.core.boxes import Box
from stages.core.errors import PipelineError
from tests.synthetic import untimed

YELLOW = (255, 220, 0)
FACES = {"a": [(10, 8, 30, 32)], "b": [(8, 8, 24, 24), (60, 10, 80, 34)], "c": [(20, 20, 40, 44)], "none": []}


def draw(name: str, image_format: str = "PNG", **options) -> bytes:
    """Draw a photo in which yellow rectangles on blue are the faces."""
    image, content = Image.new("RGB", (96, 64), (40, 80, 160)), io.BytesIO()
    for corners in FACES[name]:
        ImageDraw.Draw(image).rectangle(corners, YELLOW)
    image.save(content, image_format, **options)
    return content.getvalue()


def find_yellow(image: np.ndarray) -> list[Box]:
    """Find the rectangles, left and right of the middle."""
    found = []
    for start in (0, 48):
        rows, columns = np.nonzero((np.abs(image[:, start : start + 48].astype(int) - YELLOW) < 40).all(axis=2))
        if len(rows) > 50:
            x, y = int(columns.min()) + start, int(rows.min())
            found.append(Box(x, y, int(columns.max()) + start + 1 - x, int(rows.max()) + 1 - y, "face", 0.9))
    return found


def hidden(file: str) -> bool:
    with Image.open(Path("out", file)) as image:
        return not find_yellow(np.array(image.convert("RGB")))


@pytest.fixture
def run(working_folder, monkeypatch, capsys):
    """The function that runs the command on ``my 'photos', ü`` and returns its last line."""
    monkeypatch.setattr(faces, "HOME", working_folder / "home")
    monkeypatch.setattr("stages.detect.load_detector", lambda params: find_yellow)
    Path("my 'photos', ü").mkdir()

    def call(*arguments: str, source: str = "my 'photos', ü", **photos: bytes) -> str:
        for name, content in photos.items():
            Path(source, name).write_bytes(content)
        faces.hide_faces(faces.read_options([source, "out", *arguments]))
        return untimed(capsys.readouterr().out.splitlines(keepends=True)[-1])

    return call


def tree(folder: str) -> list[str]:
    return sorted(file.relative_to(folder).as_posix() for file in Path(folder).rglob("*") if file.is_file())


def test_faces_are_hidden_names_and_formats_stay_and_the_rest_is_named(run):
    folder = Path("my 'photos', ü")
    (folder / "2020, ä").mkdir()
    turned = Image.Exif()
    turned[0x0112], turned[0x010F] = 3, "Q7MARK"
    (folder / "2020, ä" / 'x "1".JPG').write_bytes(draw("b", "JPEG", exif=turned, quality=70, comment=b"Q7MARK"))
    kinds = {"a.tif": "TIFF", "b.webp": "WEBP", "c.bmp": "BMP", "d.jpeg": "JPEG", "e.gif": "GIF"}
    for name, kind in kinds.items():
        (folder / name).write_bytes(draw("a", kind))
    (folder / "empty.png").write_bytes(draw("none"))
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    (folder / "film.mp4").write_bytes(b"film")
    (folder / ".hidden.jpg").write_bytes(draw("a", "JPEG"))
    assert run() == "faces: 7 photos, 7 faces hidden, 0 left open, 1 photos without a face, 2 left out\n"
    assert tree("out") == ["2020, ä/x _1_.JPG", "a.tif", "b.webp", "c.bmp", "d.jpeg", "e.jpg", "empty.png"]
    assert tree("out_check") == ["0001.jpg", "boxes.csv", "left_open.txt", "left_out.txt", "without_faces.txt"]
    assert Path("out_check/without_faces.txt").read_text() == "empty.png\n"
    left_out = Path("out_check/left_out.txt").read_text().splitlines()
    assert [line.split(" ")[0] for line in left_out] == ["broken.jpg", "film.mp4"]
    assert all(hidden(file) for file in tree("out"))
    for name, kind in kinds.items():
        with Image.open(Path("out", name.replace(".gif", ".jpg"))) as image:
            assert image.format == kind.replace("GIF", "JPEG")
    jpeg = Path("out/2020, ä/x _1_.JPG").read_bytes()
    assert b"Q7MARK" not in jpeg
    with Image.open(io.BytesIO(jpeg)) as image, Image.open(folder / "2020, ä" / 'x "1".JPG') as source:
        assert image.quantization[0] == source.quantization[0]
        upright = source.transpose(Image.Transpose.ROTATE_180).crop((0, 0, 96, 16))
        assert np.abs(np.array(image.crop((0, 0, 96, 16))).astype(int) - np.array(upright)).mean() < 2
    with Image.open("out/empty.png") as image:
        assert image.getcolors() == [(96 * 64, (40, 80, 160))]
    assert Path("home").stat().st_mode & 0o777 == 0o700


def test_out_is_what_the_last_whole_call_made(run, monkeypatch):
    run(**{"1.png": draw("a"), "2.png": draw("b")})
    before = {file: Path("out", file).read_bytes() for file in tree("out")}
    Path("my 'photos', ü/1.png").unlink()
    with monkeypatch.context() as patch:
        patch.setattr("stages.detect.load_detector", lambda params: 1 // 0)
        with pytest.raises(ZeroDivisionError):
            run(**{"3.png": draw("c")})
    assert {file: Path("out", file).read_bytes() for file in tree("out")} == before
    Path("out/.DS_Store").write_bytes(b"")
    assert run().startswith("faces: 2 photos, 3 faces hidden")
    assert tree("out") == ["2.png", "3.png"]
    with monkeypatch.context() as patch:
        for work in ("sources.staging.decode_image", "detect.load_detector"):
            patch.setattr(f"stages.{work}", lambda *given, **options: 1 // 0)
        assert run("--method", "blur").startswith("faces: 2 photos, 3 faces hidden")
    with pytest.raises(PipelineError):
        run("--forget", "--keep", "2.png", "0", "0")
    assert [path.name for path in Path("home").iterdir() if path.is_dir()] == []
    run("--forget")
    assert [path.name for path in Path("home").iterdir() if path.is_dir()] == []


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda: Path("out/mine.png").write_bytes(b"mine"), "mine.png"),
        (lambda: Path("out/1.png").write_bytes(b"retouched"), "1.png"),
        (lambda: Path("out/.mine.png").write_bytes(b"mine"), ".mine.png"),
        (lambda: Path("out_check/note").write_bytes(b"mine"), "note"),
    ],
)
def test_what_is_not_of_an_earlier_call_is_never_replaced(run, change, named):
    run(**{"1.png": draw("a")})
    change()
    with pytest.raises(PipelineError, match=f"as an earlier call wrote it; received: {named}"):
        run(**{"1.png": draw("b")})
    assert named in tree("out") + tree("out_check")


def rows() -> list[list[str]]:
    with Path("boxes.csv").open(newline="") as file:
        return list(csv.reader(file))


def test_a_table_is_read_back_and_opens_no_photo_that_it_was_not_written_for(run):
    review = ("--review", "boxes.csv")
    run(*review, **{"1.png": draw("a"), "2.png": draw("b")})
    assert [row[0] for row in rows()] == ["path", "1.png", "2.png", "2.png"]
    kept = [row for row in rows() if row[0] != "1.png"] + [["2.png", "40", "40", "9", "9", "", ""]]
    Path("boxes.csv").write_text("\n".join(";".join(row) for row in kept))
    assert run(*review) == "faces: 2 photos, 3 faces hidden, 1 left open, 0 photos without a face, 0 left out\n"
    assert (hidden("1.png"), hidden("2.png")) == (False, True)
    assert Path("out_check/left_open.txt").read_text() == "1.png\n"
    # Neither a new photo nor another one under an old name is open because it has no row.
    assert "3 photos, 5 faces" in run(*review, **{"1.png": draw("b"), "3.png": draw("none")})
    assert hidden("1.png")
    assert [row[0] for row in rows()] == ["path", "1.png", "1.png", "2.png", "2.png", "2.png"]
    Path("boxes.csv").unlink()
    assert "3 photos, 4 faces" in run(*review)


def test_a_table_opens_no_photo_of_another_source(run):
    review = ("--review", "boxes.csv")
    run(*review, **{"1.png": draw("a")})
    Path("boxes.csv").unlink()
    Path("others").mkdir()
    run(*review, source="others", **{"1.png": draw("c")})
    assert "1 photos, 2 faces" in run(*review)  # the row of the other photo, and the face
    assert hidden("1.png")


@pytest.mark.parametrize("content", ["", " \n", "path", "x", "path,x,y,width\n"])
def test_a_table_without_its_header_opens_no_photo(run, content):
    run("--review", "boxes.csv", **{"1.png": draw("a")})
    Path("boxes.csv").write_text(content)
    with pytest.raises(PipelineError, match="boxes.csv`"):
        run("--review", "boxes.csv")
    assert hidden("1.png")
    Path("boxes.csv").write_text("path,x,y,width,height\n")
    assert "0 faces hidden" in run("--review", "boxes.csv")


def test_names_that_differ_in_a_blank_share_no_row(run):
    photos = {" 1.png": draw("b"), "1.png": draw("a")}
    for _ in range(2):
        assert "2 photos, 3 faces" in run("--review", "boxes.csv", **photos)
    assert all(hidden(file) for file in tree("out"))


@pytest.mark.parametrize(
    "row", ["1.png,1,1,a,9", "1.png,nan,1,9,9", "1.png,96,1,9,9", "1.png,0.1,0.1,0.5,0.5", "9.png,1,1,9,9"]
)
def test_a_row_that_cannot_be_right_is_refused_by_its_line(run, row):
    Path("boxes.csv").write_text(f"path,x,y,width,height\n{row}\n")
    with pytest.raises(PipelineError, match="boxes.csv`, line 2: "):
        run("--review", "boxes.csv", **{"1.png": draw("a")})
    assert not Path("out").exists()


def test_boxes_are_added_and_faces_kept_by_arguments(run):
    photos = {"1.png": draw("b"), "2.png": draw("none")}
    last = run("--box", "2.png", "80", "50", "40", "40", "--keep", "1.png", "70", "20", **photos)
    assert last == "faces: 2 photos, 2 faces hidden, 1 left open, 0 photos without a face, 0 left out\n"
    with Image.open("out/1.png") as image:
        assert (image.getpixel((70, 20)), image.getpixel((16, 16))) == (YELLOW, (128, 128, 128))
    with Image.open("out/2.png") as image:
        assert (image.getpixel((90, 60)), image.getpixel((10, 10))) == ((128, 128, 128), (40, 80, 160))


WRONG = {
    "within": (["--review", "out/boxes.csv"], "must lie outside OUT"),
    "photo": (["--box", "9.png", "1", "1", "5", "5"], "PHOTO must be .* such as `1.png`; received: 9.png"),
    "number": (["--box", "1.png", "1", "1", "5", "0.5"], "must be whole numbers of pixels; received: 1 1 5 0.5"),
    "beside": (["--box", "1.png", "96", "1", "5", "5"], "in pixels of its photo, `1.png`, upright 96 x 64"),
    "empty": (["--box", "1.png", "1", "1", "5", "0"], "must be in pixels of its photo"),
    "no face": (["--keep", "1.png", "60", "60"], "must be a point in a face that was found"),
    "mask": (["--strength", "3"], "`--strength` has no meaning with `--method mask`; received: 3"),
    "weak blur": (["--method", "blur", "--strength", "0"], "must be at least 10; received: 0"),
    "weak pixelate": (["--method", "pixelate", "--strength", "1"], "must be at least 8; received: 1"),
    "no number": (["--method", "blur", "--strength", "nan"], "must be at least 10; received: nan"),
    "endless": (["--method", "blur", "--strength", "inf"], "sigma` must be a finite number"),
    "both": (["--review", "boxes.csv", "--keep", "1.png", "20", "20"], "change the boxes in its table"),
}


@pytest.mark.parametrize(("arguments", "words"), WRONG.values(), ids=WRONG)
def test_an_argument_that_cannot_be_right_is_refused(run, arguments, words):
    with pytest.raises(PipelineError, match=words):
        run(*arguments, **{"1.png": draw("a")})
    assert not Path("out").exists()


@pytest.mark.parametrize("source", ["nowhere", ".", "out/x"])
def test_a_source_that_is_missing_or_holds_out_is_refused(run, source):
    with pytest.raises(PipelineError, match="SOURCE"):
        run(source=source)


def test_one_photo_without_a_face_is_copied_and_named_or_left_out(run):
    name = "my 'photos', ü/I, 1.jpg"
    Path(name).write_bytes(draw("none", "JPEG", comment=b"Q7MARK"))
    assert run(source=name) == "faces: 1 photos, 0 faces hidden, 0 left open, 1 photos without a face, 0 left out\n"
    assert tree("out") == ["I, 1.jpg"]
    assert b"Q7MARK" not in Path("out/I, 1.jpg").read_bytes()
    run("--only-with-faces", source=name)
    assert tree("out") == []
    assert Path("out_check/without_faces.txt").read_text() == "I, 1.jpg\n"
