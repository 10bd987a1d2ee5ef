"""The page: what it says of which results, and that it fetches, runs and gives away nothing."""

import re
from html.parser import HTMLParser
from pathlib import Path

import h5py
import numpy as np
import pytest

from stages.compare import compare
from stages.core.cells import CELL
from stages.core.images import read_image
from stages.core.params import load_params
from stages.core.paths import INGEST_REPORT
from stages.report.settings import made_with, settings_text
from stages.results.scores import Privacy, Utility, privacy_file, utility_file
from tests.synthetic import MADE_WITH, PATHS, WRONG, change, privacy, utility, verdicts

FIRST = ["answer", "verdicts", "attacker", "words", "limits"]
LATER = ["frontier", "gallery", "curves", "table", "pairs", "classes", "confusion", "settings"]
VOID = {"meta", "br", "input", "img"}


class Page(HTMLParser):
    """The tags of a page with their attributes, its text, and whether every tag is closed."""

    def __init__(self, folder: Path):
        super().__init__()
        self.source = (folder / "metrics/report.html").read_text(encoding="utf-8")
        self.tags, self.open, self.text = [], [], ""
        self.feed(self.source)
        assert self.open == []
        self.text = " ".join(self.text.split())
        self.ids = [attributes["id"] for _, attributes in self.tags if "id" in attributes]

    def handle_starttag(self, tag, attrs):
        self.handle_startendtag(tag, attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.text += f" {data}"

    def values(self, tag, attribute):
        return [attributes[attribute] for name, attributes in self.tags if name == tag and attribute in attributes]


@pytest.fixture(scope="module")
def usual(compared):
    """The page of the usual results."""
    return Page(compared)


@pytest.fixture
def page(results):
    """The function that makes the page of other results."""

    def make(prepare=lambda: None, **options) -> Page:
        folder = results(**options)
        prepare()
        compare()
        return Page(folder)

    return make


def test_sections_come_in_order_and_nothing_is_fetched_and_nothing_runs(usual):
    assert [name for name in usual.ids if name in FIRST + LATER] == FIRST + LATER
    assert len(set(usual.ids)) == len(usual.ids)
    targets = usual.values("a", "href")
    assert [target for target in targets if target.startswith("#")] == ["#pairs", *(f"#{name}" for name in LATER)]
    assert not {tag for tag, _ in usual.tags} & {"script", "link", "iframe", "object", "base"}
    assert all(target.startswith("#") for target in targets + usual.values("use", "xlink:href"))
    assert {target[1:] for target in targets + usual.values("use", "xlink:href")} <= set(usual.ids)
    assert all(source.startswith("data:image/jpeg;base64,") for source in usual.values("img", "src"))
    assert not [name for _, attributes in usual.tags for name in attributes if name.startswith("on")]
    assert "default-src 'none'" in "".join(usual.values("meta", "content"))
    assert "url(http" not in usual.source


def test_the_first_screen_has_the_answer_the_failed_bound_and_the_attacker(usual):
    start = usual.text[: usual.text.index("Privacy and accuracy")]
    for words in ("Recommended: none", "images named beyond guessing", "3.5 of the 5 people", "who knows the method"):
        assert words in start


def test_every_number_is_followed_by_the_ends_of_its_interval(usual):
    for words in (
        "50.0 % 27.2 to 72.8",
        "95.0 % 76.4 to 99.1",
        "raw 0.625 0.207 to 0.877 12.5 % 0.625 gaussian_blur",
        "training, evaluation, attack: system Some system, processor Fast 9000, numpy 1.2.3",
        "gaussian_blur 40.0",
    ):
        assert words in usual.text, words
    assert re.findall(r"<b>([-\d.]+)</b>", usual.source) == ["40.0", "-40.0"]  # differences that are none by chance
    columns = ["raw", "gaussian_blur", "gaussian_blur, restored", "morphology", "morphology, restored"]
    assert usual.values("img", "alt") == [f"Scene 1, {column}" for column in columns]
    assert len(set(usual.values("img", "src"))) == 5
    assert usual.values("input", "id") == usual.values("label", "for") == ["switch"]
    assert not {"weak", "paths", "groups"} & set(usual.ids)
    assert not [words for words in ("noise guessed", "deviation of seeds", "±") if words in usual.text]


def test_all_can_be_read_without_a_mouse_or_eyes(usual):
    tags = [tag for tag, _ in usual.tags]
    assert tags.count("main") == 1
    assert tags.count("caption") == tags.count("table")
    scrolled = [attributes for tag, attributes in usual.tags if attributes.get("class") == "scroll"]
    assert len(scrolled) == tags.count("table")
    assert all(table["tabindex"] == "0" and table["aria-label"] for table in scrolled)
    assert not re.findall(r"<th[^>]*>\s*</th>", usual.source)


def guarantee(best_guess: float | None, unknown: int = 0, left_open: int = 0, *, is_equal: bool = True) -> dict:
    counts = {"images_of_nobody_known": unknown, "images_left_open": left_open}
    return {"best_guess": best_guess, "broken_by": [], "certificate": {"k": 4, "byte_equal": is_equal} | counts}


def test_what_is_worth_a_warning_or_a_column_has_one(page):
    evil = '<script>alert("x")</script>'

    def prepare():
        change(INGEST_REPORT, paths_that_name_people=7)
        for dataset, wrong in WRONG.items():
            scores = utility(wrong)
            change(utility_file(dataset), predictions_anonymized=scores["predictions"] * 3)
            change(utility_file(dataset), predictions=scores["predictions"] * 3, loss=[1] * 3, classes=[evil, "a & b"])
            change(utility_file(dataset), membership=scores["membership"] | {"auc": {"loss": 0.6, "calibrated": 0.7}})
            learned = privacy(15 if dataset == "raw" else 4)
            learned["identity"]["left_out"] = {"people": 3, "images": 12}
            learned["findings"] |= {"palette_distance": 0.125}
            learned["guarantee"] = guarantee(0.3) if dataset == "raw" else guarantee(None, 5, 6, is_equal=False)
            learned["identity"]["attacks"]["brightness"] = verdicts(7)
            if dataset == "morphology":
                learned["identity"]["attacks"] |= {"noise_guessed": verdicts(5), "noise_known": verdicts(19)}
            change(privacy_file(dataset), **learned)
        change(privacy_file("raw"), made_with={"attack": MADE_WITH | {"processor": "Slow 1"}})

    made = page(prepare, changes={"train.learning_rate": 0.25}, groups={path: "<young>" for path in PATHS})
    assert {"weak", "paths", "groups"} <= set(made.ids)
    numbers = (
        "paths of 7",
        "3 people",
        "processor Slow 1",
        "learning_rate: 0.25",
        "k = 4",
        "5 images",
        "6 images",
        "0.125",
    )
    names = ("noise guessed", "brightness", "35.0 %", "<young>", "largest gap", evil, "a & b")
    assert [words for words in numbers + names if words not in made.text] == []
    assert "script" not in {tag for tag, _ in made.tags}


@pytest.mark.parametrize(
    ("changes", "pictured", "words"),
    [
        ({"compare.max_identity_accuracy": 0.7}, ["morphology"], "it shows only the data sets below"),
        ({"datasets": ["raw"], "data.rename": True}, [], "names of classes, which data.rename keeps"),
    ],
)
def test_of_real_people_only_images_that_protect_are_pictured_unless_asked_for(page, changes, pictured, words):
    made = page(lambda: change(INGEST_REPORT, paths_that_name_people=7), changes={"data.source": "photos", **changes})
    assert made.values("img", "alt") == [f"Scene 1, {name}" for name in pictured]
    assert "switch" not in made.ids
    gallery = read_image(Path("metrics/gallery.png"))
    levels = [50 * list(WRONG).index(name) + 20 for name in pictured]
    assert [level for level in (20, 70, 120) if np.all(gallery == level, axis=2).sum() >= CELL**2] == levels
    assert (gallery == 255).all() == (not pictured)
    assert words in made.text


def test_no_path_of_the_machine_is_told(workspace, tmp_path):
    weights = tmp_path / "someone" / "resnet.h5"
    weights.parent.mkdir()
    h5py.File(weights, "w").close()
    workspace({"data.source": "/home/someone/photos", "train.weights": str(weights)})
    text = settings_text(load_params())
    assert "someone" not in text
    assert ".../photos" in text
    assert ".../resnet.h5" in text


def test_a_step_that_was_done_with_other_kernels_says_of_which_data_sets():
    on, off = ({"training": {"oneDNN": state}} for state in ("on", "off"))
    attack = Privacy(**privacy(0) | {"made_with": {"attack": {"oneDNN": "on"}}})
    scores = [Utility(**utility(0) | {"made_with": made}) for made in (on, off, on)]
    assert made_with(["raw", "blur", "mask"], scores, [attack] * 3) == [
        ("training of raw, mask; attack", "oneDNN on"),
        ("training of blur", "oneDNN off"),
    ]
