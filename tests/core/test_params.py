"""`params.yaml` is read as DVC reads it, and every mistake in it gets one line."""

import re
from functools import partial

import h5py
import numpy as np
import pytest
import yaml
from dvc.utils.serialize import load_yaml

from stages.core.errors import PipelineError
from stages.core.params import RAW, Acting, load_params, sections, variants
from stages.core.params.variants import method_names
from tests.clones import ROOT
from tests.faults import message_of

refusal = partial(message_of, PipelineError, load_params)


@pytest.fixture
def edit(workspace):
    def make(change) -> None:
        file = workspace() / "params.yaml"
        params = yaml.safe_load(file.read_text())
        change(params)
        file.write_text(yaml.safe_dump(params, sort_keys=False))

    return make


# A value that just is not allowed, and the keys of which that is true.
WRONG = [
    (0, "data.test_fraction data.max_per_class data.max_pixels sample.train_images train.epochs train.learning_rate"),
    (-1, "data.max_rejected data.seed regions.threshold.mtcnn train.validation_fraction variants.gaussian_blur.sigma"),
    (1, "data.test_fraction data.follow_outside_links train.validation_fraction"),
    (1.1, "data.max_rejected compare.max_accuracy_drop compare.max_identity_accuracy"),
    (2.5, "train.epochs data.max_side variants.morphology.kernel_size"),
    (7, "data.max_side data.source data.identity_pattern"),
    (11, "attack.image_size regions.smallest_face"),
    (31, "sample.size train.image_size compare.gallery_images"),
    (63, "regions.max_side"),
    (72, "attack.image_size"),
    (1025, "sample.size train.image_size variants.gaussian_blur.sigma"),
    (2**32, "data.max_pixels data.seed sample.seed attack.seed variants.blocking_merging.seed"),
    (float("inf"), "train.learning_rate compare.max_times_chance"),
    ("10", "train.epochs data.max_side data.test_fraction"),
    (True, "train.epochs data.max_side variants.gaussian_blur.sigma compare.show_images"),
    ("", "data.source"),
    ("(i)(d)", "data.identity_pattern data.group_pattern"),
    ("(", "data.group_pattern"),
    ("nowhere", "regions.boxes attack.effort train.optimizer train.precision variants.morphology.operation"),
    (["mtcnn", "nowhere.onnx"], "regions.detector"),
    (["params.yaml"], "regions.detector"),
    (["mtcnn", "mtcnn"], "regions.detector"),
    ("nowhere.onnx", "attack.recognizer"),
    ({"model": "params.yaml"}, "attack.recognizer"),
    ("nowhere.h5", "train.weights"),
    ("params.yaml", "train.weights"),
    ("raw", "datasets train.head train.seeds"),
    ([], "datasets train.seeds"),
    ({}, "variants"),
    ([1, 1], "train.seeds"),
    (None, "data compare"),
]


@pytest.mark.parametrize(("value", "keys"), WRONG)
def test_every_wrong_value_gets_a_line(workspace, value, keys):
    workspace(dict.fromkeys(keys.split(), value))
    lines = sorted(refusal().splitlines())
    for line, key in zip(lines, sorted(keys.split()), strict=True):
        assert line.startswith(f"`{key}` must be ") and line.endswith(f"; received: {value!r}")


@pytest.mark.parametrize(
    ("key", "value", "named", "received"),
    [
        ("train.head", [64, 1.5], "train.head[1]", "1.5"),
        ("train.head", [0], "train.head[0]", "0"),
        ("train.seeds", [0, -1], "train.seeds[1]", "-1"),
        ("train.optimizer", "a" * 1000, "train.optimizer", f"'{'a' * 99}..."),
        ("datasets", [RAW, 7], "datasets[1]", "7"),
        ("datasets", [RAW, "blur"], "datasets", "['raw', 'blur']"),
        ("datasets", ["morphology"], "datasets", "['morphology']"),
        ("datasets", [RAW, RAW], "datasets", "['raw', 'raw']"),
    ],
)
def test_a_mistake_in_a_list_is_named_and_shortened(workspace, key, value, named, received):
    workspace({key: value})
    message = refusal()
    assert message.startswith(f"`{named}` m") and message.endswith(f"; received: {received}")


@pytest.mark.parametrize("key", ["trian", "sample.colour", "variants.morphology.seed"])
def test_an_unknown_key_is_refused_with_those_that_there_are(workspace, key):
    known = yaml.safe_load((workspace() / "params.yaml").read_text())
    for name in key.split(".")[:-1]:
        known = known[name]
    workspace({key: 1})
    problem, allowed = refusal().split("; allowed here: ")
    assert problem == f"`{key}` is not a parameter" and set(known) <= set(allowed.split(", "))


@pytest.mark.parametrize("entry", [{"method": "blur"}, {"method": ["mask"]}, {"sigma": 1}, None, 3])
def test_an_unknown_method_is_refused(workspace, entry):
    workspace({"variants.mine": entry})
    assert refusal().startswith(f"`variants.mine.method` must be one of {', '.join(method_names())}; received: ")


@pytest.mark.parametrize("content", ["import missing_package", "def broken(image, *, size: 3", "", "1 / 0"])
def test_a_broken_method_stops_only_itself_and_its_arguments_are_not_checked(workspace, monkeypatch, content):
    folder = workspace()
    (folder / "broken.py").write_text(content)
    monkeypatch.setattr(variants, "_METHODS_FOLDER", folder)
    variant = variants.read_variant("mine", {"method": "broken", "size": 3, "where": "regions"})
    assert (variant.method, variant.arguments, variant.acting.where) == ("broken", {"size": 3}, "regions")


def test_every_bad_name_of_a_variant_is_refused(edit):
    names = ["Blur", "1", "2blur", "_blur", "my-blur", "blur 7", "blur.1", "a/b", "..", "", "raw", "ingest", "null"]
    edit(lambda params: params["variants"].update({name: {"method": "mask", "value": 0} for name in names}))
    lines = refusal().splitlines()
    assert all(line.startswith("a name in `variants` must ") for line in lines)
    assert [line.partition("; received: ")[2] for line in lines] == names


def test_keys_that_are_no_text_are_refused(edit):
    edit(lambda params: (params.update({1: 2}), params["variants"].update({1: {}, None: {}, 2.5: {}})))
    received = ["1, int", "None, NoneType", "2.5, float", "1"]
    assert [line.rsplit("; received: ")[-1] for line in refusal().splitlines()] == received


@pytest.mark.parametrize(
    "key", ["train", "data.seed", "variants.gaussian_blur.sigma", "variants.blocking_merging.seed"]
)
def test_a_missing_key_is_named(edit, key):
    def remove(section):
        *path, last = key.split(".")
        for name in path:
            section = section[name]
        del section[last]

    edit(remove)
    assert refusal() == f"`{key}` is missing"


@pytest.mark.parametrize("kept", [0, 8, 100, 2000])
def test_a_truncated_weights_file_is_refused(workspace, kept):
    file = workspace({"train.weights": "resnet.weights.h5"}) / "resnet.weights.h5"
    with h5py.File(file, "w") as weights:
        weights["layers"] = np.ones((30, 30))
    assert load_params().train.weights == "resnet.weights.h5"
    file.write_bytes(file.read_bytes()[:kept])
    assert refusal().startswith("`train.weights` must be a whole HDF5 file (")
    assert refusal().endswith("); received: 'resnet.weights.h5'")


def write_as(file, **texts):
    """Write the text of a value at each key, which may be in any section."""
    content = file.read_text()
    for key, text in texts.items():
        content, count = re.subn(rf"(?m)^( +{key}:) \S+", lambda match, text=text: f"{match[1]} {text}", content)
        assert count == 1
    file.write_text(content)


def test_numbers_may_be_written_in_any_way(workspace):
    texts = {"learning_rate": "1e-4", "max_pixels": "1e8", "epochs": "10.0", "head": "[64.0, 5e-1, 8]"}
    write_as(workspace() / "params.yaml", **texts, sigma="1e-1", kernel_size="9.0")
    params = load_params()
    values = [params.train.learning_rate, params.data.max_pixels, params.train.epochs, params.train.head]
    blur, morphology = (params.variant(name).arguments for name in ("gaussian_blur", "morphology"))
    values += [blur["sigma"], morphology["kernel_size"]]
    assert repr(values) == "[0.0001, 100000000, 10, [64, 0.5, 8], 0.1, 9]"  # 10, not 10.0


NUMBERS = ["1e-3", "1.e3", "010", "0o10", "0x1F", "1_000", "-.5", ".5", "+1"]
OTHERS = ["190:20:30", "on", "no", "y", "True", "~", "", ".inf", "2001-01-01", "'7'"]


@pytest.mark.parametrize("text", NUMBERS + OTHERS)
def test_values_are_read_as_dvc_reads_them(workspace, text):
    file = workspace() / "params.yaml"
    write_as(file, learning_rate=text)
    read_by_dvc = load_yaml(str(file))["train"]["learning_rate"]
    try:
        assert load_params().train.learning_rate == read_by_dvc
    except PipelineError as error:
        assert str(error).endswith(f"received: {read_by_dvc!r}")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "must be a mapping of keys; received: None"),
        (b"[raw]", "must be a mapping of keys; received: ['raw']"),
        (b"data:\n  seed: 0\n  seed: 1", "is not valid YAML: "),
        (b"data: !!python/object/apply:os.getcwd []", "is not valid YAML: "),
        (b"data: [", "is not valid YAML: "),
        (b"data: \xff\xfe", "is not valid YAML: "),
        (None, "is missing in this folder; "),
    ],
)
def test_a_file_that_is_no_mapping_is_refused_in_one_line(workspace, content, message):
    file = workspace() / "params.yaml"
    file.unlink() if content is None else file.write_bytes(content)
    assert refusal().startswith(f"`params.yaml` {message}")
    assert "\n" not in refusal()


def test_a_variant_names_the_labels_of_its_regions(workspace):
    faces = {"method": "mask", "value": 0, "where": "regions"}
    for labels, read in (("face", ["face"]), (["head", "person"], ["head", "person"]), (None, None)):
        workspace({"variants.faces": faces | {"labels": labels}})
        assert load_params().variant("faces").acting.labels == read
    for labels in ([], ["face", "face"], [""], 3):
        workspace({"variants.faces": faces | {"labels": labels}})
        assert refusal().startswith("`variants.faces.labels` must be ")
    workspace({"variants.faces": faces | {"labels": ["face"], "where": "image"}})
    assert refusal().startswith("`variants.faces.labels` has no meaning with `where: image`")
    workspace({"variants.empty": {"method": "remove"}})
    assert refusal().startswith("`variants.empty.where` must be regions with `method: remove`")


def test_a_variant_holds_its_method_its_arguments_and_a_seed_if_its_draws_are_public(workspace):
    dp_pix = {"method": "dp_pix", "block_size": 8, "epsilon": 1, "neighbourhood": 4}
    workspace({"variants.faint": {"method": "gaussian_blur", "sigma": 1}, "variants.dp_pix": dp_pix})
    variants = {name: load_params().variant(name) for name in ("gaussian_blur", "faint", "blocking_merging", "dp_pix")}
    assert [variant.method for variant in variants.values()] == ["gaussian_blur"] * 2 + ["blocking_merging", "dp_pix"]
    assert [variants[name].arguments for name in ("gaussian_blur", "faint")] == [{"sigma": 7}, {"sigma": 1}]
    assert [variant.seed for variant in variants.values()] == [None, None, 0, None]
    assert [variant.needs_secret for variant in variants.values()] == [False, False, False, True]
    assert "seed" not in variants["blocking_merging"].arguments
    workspace({"variants.dp_pix": dp_pix | {"seed": 0}})
    assert refusal().startswith("`variants.dp_pix.seed` is not a parameter; ")


@pytest.mark.parametrize(
    ("flags", "precision"), [("avx512_bf16 amx_bf16", "bfloat16"), ("avx512_bf16", "float32"), ("", "float32")]
)
def test_automatic_precision_is_bfloat16_where_that_is_faster(workspace, monkeypatch, flags, precision):
    monkeypatch.setattr(sections, "processor_flags", lambda: set(flags.split()))
    workspace({"train.precision": "auto"})
    assert load_params().train.precision == precision


def test_stages_readme_gives_the_defaults_of_where_a_variant_acts():
    text = (ROOT / "stages/methods/README.md").read_text()
    defaults = dict(re.findall(r"^\| `(\w+)` \| `?([\w.]+)`? \|", text, re.MULTILINE))
    assert {key: defaults[key] for key in Acting.model_fields} == {
        key: "null" if value is None else str(value) for key, value in Acting().model_dump().items()
    }
