import json
import re
from html.parser import HTMLParser
from pathlib import Path

import h5py
import pytest

from stages.compare import compare
from stages.results.scores import privacy_file, utility_file
from tests.synthetic import INGEST, MADE_WITH, NAMED, WRONG, privacy, utility, verdicts

SECTIONS = ["answer", "table", "frontier", "gallery", "curves", "classes", "confusion", "settings", "limits"]
VOID = {"meta", "br", "input", "img"}


class Page(HTMLParser):
    """The tags of a page with their attributes, its text, and whether every tag is closed."""

    def __init__(self, source: str):
        super().__init__()
        self.tags, self.open, self.text = [], [], ""
        self.feed(source)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.text += " ".join(data.split()) + " "

    def values(self, tag, attribute):
        return [attributes[attribute] for name, attributes in self.tags if name == tag and attribute in attributes]

    @property
    def ids(self):
        return [attributes["id"] for _, attributes in self.tags if "id" in attributes]


@pytest.fixture
def page(results):
    """The function that makes the page."""

    def make(prepare=lambda: None, **options) -> Page:
        results(**options)
        prepare()
        compare()
        made = Page(Path("metrics/report.html").read_text(encoding="utf-8"))
        assert made.open == []
        return made

    return make


def test_sections_come_in_order_and_every_anchor_leads_to_one(page):
    made = page()
    assert [name for name in made.ids if name in SECTIONS] == SECTIONS
    assert len(set(made.ids)) == len(made.ids)
    targets = [target for target in made.values("a", "href") if target.startswith("#")]
    assert targets == [f"#{name}" for name in SECTIONS[1:]]


def test_nothing_is_fetched_and_nothing_runs(page):
    made = page()
    assert not {tag for tag, _ in made.tags} & {"script", "link", "iframe", "object", "base"}
    assert all(target.startswith("#") for target in made.values("a", "href") + made.values("use", "xlink:href"))
    assert all(source.startswith("data:image/jpeg;base64,") for source in made.values("img", "src"))
    assert not [name for _, attributes in made.tags for name in attributes if name.startswith("on")]
    assert "default-src 'none'" in "".join(made.values("meta", "content"))
    assert "url(http" not in Path("metrics/report.html").read_text(encoding="utf-8")


def test_the_gallery_has_every_data_set_and_a_switch_to_what_was_restored(page):
    made = page()
    assert made.values("img", "alt") == [
        "Scene 1, raw",
        "Scene 1, gaussian_blur",
        "Scene 1, gaussian_blur, restored",
        "Scene 1, morphology",
        "Scene 1, morphology, restored",
    ]
    assert len(set(made.values("img", "src"))) == 5
    assert made.values("input", "id") == made.values("label", "for") == ["switch"]


def test_of_real_people_only_images_that_protect_are_shown_and_the_page_says_so(page):
    made = page(changes={"data.source": "photos", "compare.max_identity_accuracy": 0.4})
    assert made.values("img", "alt") == ["Scene 1, morphology"]
    assert "switch" not in made.ids
    assert "it shows only the data sets below" in made.text
    assert "it shows no images" in page(changes={"data.source": "photos"}).text


def test_on_request_they_are(page):
    assert len(page(changes={"data.source": "photos", "compare.show_images": "all"}).values("img", "src")) == 5


def test_raw_alone_of_real_people_has_no_gallery(page):
    assert page(changes={"data.source": "photos", "datasets": ["raw"]}).values("img", "src") == []


def test_the_answer_comes_first_and_the_table_has_every_number(page):
    made = page()
    assert made.text.index(
        "Recommended: none. No variant was shown to protect enough; morphology comes closest."
    ) < made.text.index("Every data set")
    assert "20.0 % 8–42" in made.text
    assert "5 of 5 57–100 %" in made.text
    assert "95.0 % ± 11.4" in made.text
    assert "0.016" in made.text  # p of morphology


def test_an_attacker_that_fails_on_raw_images_is_said_to_prove_nothing(page):
    def weaken():
        privacy_file("raw").write_text(json.dumps(privacy(15)))

    made = page(weaken)
    assert "weak" in made.ids
    assert "names the right person in only 75.0% of the raw test images, and guessing in 20.0%" in made.text
    assert "weak" not in page().ids


def test_an_attack_on_the_noise_has_its_columns_where_it_was_run(page):
    def denoise():
        learned = privacy(4)
        learned["identity"]["attacks"] |= {"noise_guessed": verdicts(5), "noise_known": verdicts(19)}
        privacy_file("morphology").write_text(json.dumps(learned))

    text = page(denoise).text
    assert "noise guessed" in text and "25.0 %" in text and "95.0 %" in text
    assert "noise guessed" not in page().text


def test_paths_that_name_people_are_warned_of(page):
    def count():
        Path("metrics/ingest.json").write_text(json.dumps(INGEST | {"paths_that_name_people": 7}))

    text = page(count).text
    assert "The paths of 7 images hold the name or number of the person" in text
    assert "data.rename: true gives numbers instead" in text
    assert "names of classes, which data.rename keeps" in page(count, changes={"data.rename": True}).text
    assert "paths" not in page().ids


def test_people_who_were_not_asked_about_are_counted(page):
    def leave_out():
        for dataset, named in NAMED.items():
            learned = privacy(named)
            learned["identity"]["left_out"] = {"people": 3, "images": 12}
            privacy_file(dataset).write_text(json.dumps(learned))

    assert "3 people of known identity in test images were not asked about" in page(leave_out).text


def test_intervals_over_few_people_are_said_to_be_too_narrow(page):
    assert "5 people are so few that the intervals over people are too narrow" in page().text


def test_without_people_nothing_is_said_of_them(page):
    made = page(people=False)
    assert "so few" not in made.text
    assert "was not measured" in made.text
    assert "by chance" not in made.text
    assert "nan" not in made.text


def test_images_without_key_points_leave_their_cells_empty(page):
    def flatten():
        for dataset in WRONG:
            privacy_file(dataset).write_text(json.dumps(privacy(16) | {"keypoint_survival": [None]}))

    assert "nan" not in page(flatten).text


def test_several_seeds_show_their_deviation(page):
    def repeat():
        for dataset, wrong in WRONG.items():
            scores = utility(wrong)
            scores["predictions"] *= 3
            utility_file(dataset).write_text(json.dumps(scores | {"loss": [1, 1, 1]}))

    made = page(repeat)
    assert "3 networks a data set" in made.text
    assert "deviation of seeds" in made.text
    assert "deviation of seeds" not in page().text


def test_it_is_said_that_predictions_depend_on_the_seed_and_the_processor(page):
    text = page().text
    assert "another seed may change it by more than the intervals tell. Another processor changes predictions" in text


def test_names_of_classes_are_text_and_nothing_else(page):
    evil = '<script>alert("x")</script>'

    def rename():
        for dataset, wrong in WRONG.items():
            utility_file(dataset).write_text(json.dumps(utility(wrong) | {"classes": [evil, "a & b"]}))

    made = page(rename)
    assert evil in made.text
    assert "a & b" in made.text
    assert "script" not in {tag for tag, _ in made.tags}


def test_what_made_the_numbers_is_told_once_for_all_steps_on_the_same_machine(page):
    def move():
        other = MADE_WITH | {"processor": "Slow 1"}
        privacy_file("raw").write_text(json.dumps(privacy(20) | {"made_with": {"attack": other}}))

    assert "training, evaluation, attack: system Some system, processor Fast 9000, numpy 1.2.3" in page().text
    made = page(move)
    assert "attack: system Some system, processor Slow 1, numpy 1.2.3" in made.text


def test_no_path_of_the_machine_is_told(page, tmp_path):
    weights = tmp_path / "someone" / "resnet.h5"
    weights.parent.mkdir()
    h5py.File(weights, "w").close()
    made = page(changes={"data.source": "/home/someone/photos", "train.weights": str(weights)})
    assert "someone" not in made.text
    assert ".../photos" in made.text
    assert ".../resnet.h5" in made.text


def test_settings_are_those_of_the_params(page):
    text = page(changes={"train.learning_rate": 0.25}).text
    assert "learning_rate: 0.25" in text
    assert "max_side: null" in text


def test_data_are_summed_up(page):
    text = page().text
    assert "60 training and 20 test images of 2 classes, 64 × 48 pixels" in text
    assert (
        "Files rejected: 1; training images dropped, as they or others of their group are test images too: 0." in text
    )
    assert "boat 30 + 10, car 30 + 10." in re.sub(r"\s+", " ", text)
