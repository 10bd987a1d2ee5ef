from pathlib import Path

import h5py
import numpy as np
import pytest
import yaml
from dvc.utils.serialize import load_yaml

from stages.core.errors import PipelineError
from stages.core.params import RAW, load_params, method_names, sections
from stages.methods.gaussian_blur import gaussian_blur
from tests.clones import ROOT, set_param

LAYER = "a number of units (1, 2, ...) or a dropout rate (above 0, below 1)"
RESERVED = "raw, sample, features, models, scores, gallery, restored, ingest"


def message_of() -> str:
    with pytest.raises(PipelineError) as caught:
        load_params()
    return str(caught.value)


def test_own_params_are_valid(workspace):
    workspace()
    assert load_params().datasets[0] == RAW


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        ("data.source", "", "a text, not empty"),
        ("data.source", 7, "a text"),
        ("data.follow_outside_links", 1, "true or false"),
        ("data.test_fraction", 0, "greater than 0"),
        ("data.test_fraction", 1, "less than 1"),
        ("data.test_fraction", True, "a number"),
        ("data.max_side", 7, "greater than or equal to 8"),
        ("data.max_side", "wide", "a number"),
        ("data.max_side", False, "a number"),
        ("data.max_per_class", 0, "greater than 0"),
        ("data.max_pixels", 0.5, "a valid integer"),
        ("data.max_pixels", 2**30 + 1, "less than or equal to 1073741824"),
        ("data.max_pixels", None, "a valid integer"),
        ("data.image_format", "webp", "'png' or 'jpg'"),
        ("data.max_rejected", 1.5, "less than or equal to 1"),
        ("data.max_rejected", float("nan"), "a finite number"),
        ("data.identity_pattern", "id", "a regular expression with exactly one group"),
        ("data.identity_pattern", "(i)(d)", "a regular expression with exactly one group"),
        ("data.identity_pattern", "(", "a regular expression (missing ), unterminated subpattern at position 0)"),
        ("data.identity_pattern", 7, "a text"),
        ("data.group_pattern", "(", "a regular expression (missing ), unterminated subpattern at position 0)"),
        ("data.group_pattern", "scene", "a regular expression with exactly one group"),
        ("data.seed", -1, "greater than or equal to 0"),
        ("data.seed", 2**32, "less than 4294967296"),
        ("sample.train_images", 0, "greater than 0"),
        ("sample.test_images", True, "a number"),
        ("sample.size", 31, "greater than or equal to 32"),
        ("sample.size", 1025, "less than or equal to 1024"),
        ("train.image_size", 16, "greater than or equal to 32"),
        ("train.weights", "", "null, imagenet or the path of a weights file (.h5)"),
        ("train.weights", "nowhere.h5", "null, imagenet or the path of a weights file (.h5)"),
        ("train.weights", "params.yaml", "null, imagenet or the path of a weights file (.h5)"),
        ("train.weights", False, "a text"),
        ("train.backbone", "melted", "'frozen' or 'trainable'"),
        ("train.head", 1024, "a list"),
        ("train.epochs", "ten", "a number"),
        ("train.epochs", "10", "a number"),
        ("train.epochs", 1.5, "a valid integer"),
        ("train.batch_size", [32], "a valid integer"),
        ("train.learning_rate", 0, "greater than 0"),
        ("train.learning_rate", float("inf"), "a finite number"),
        ("train.optimizer", "lion", "'adam', 'adamw', 'sgd' or 'rmsprop'"),
        ("train.validation_fraction", 1, "less than 1"),
        ("train.validation_fraction", -0.1, "greater than or equal to 0"),
        ("train.patience", 0, "greater than 0"),
        ("train.seeds", [], "not empty"),
        ("train.seeds", 0, "a list"),
        ("train.seeds", [1, 1], "a list of different seeds"),
        ("train.precision", "float16", "auto, float32 or bfloat16"),
        ("attack.image_size", 16, "greater than or equal to 32"),
        ("attack.image_size", 144, "less than or equal to 128"),
        ("attack.image_size", 72, "a multiple of 16"),
        ("attack.identity_images", 0, "greater than 0"),
        ("attack.reconstruction_images", 9, "greater than or equal to 10"),
        ("compare.max_accuracy_drop", -0.1, "greater than or equal to 0"),
        ("compare.max_identity_accuracy", True, "a number"),
        ("compare.gallery_images", 17, "less than or equal to 16"),
        ("compare.show_images", True, "'auto', 'none', 'anonymized' or 'all'"),
        ("compare", None, "a mapping of keys"),
        ("data", "data/sample", "a mapping of keys"),
        ("variants", {}, "not empty"),
        ("variants", ["gaussian_blur"], "a mapping of keys"),
        ("datasets", [], "not empty"),
        ("datasets", "raw", "a list"),
        ("variants.gaussian_blur.sigma", True, "a number"),
        ("variants.gaussian_blur.sigma", -1, "greater than or equal to 0"),
        ("variants.gaussian_blur.sigma", 1001, "less than or equal to 1000"),
        ("variants.morphology.kernel_size", 2.5, "a valid integer"),
        ("variants.morphology.operation", "median", "'erosion', 'dilation', 'opening' or 'closing'"),
        ("variants.blocking_merging.pattern", True, "'grid' or 'random'"),
        ("variants.blocking_merging.seed", -1, "greater than or equal to 0"),
    ],
)
def test_wrong_value_is_refused(workspace, key, value, allowed):
    workspace({key: value})
    assert message_of() == f"`{key}` must be {allowed}; received: {value!r}"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"train.head": [64, 1.5]}, f"`train.head[1]` must be {LAYER}; received: 1.5"),
        ({"train.head": [0]}, f"`train.head[0]` must be {LAYER}; received: 0"),
        ({"train.head": [True]}, "`train.head[0]` must be a number; received: True"),
        ({"train.seeds": [0, -1]}, "`train.seeds[1]` must be greater than or equal to 0; received: -1"),
        ({"datasets": [RAW, 7]}, "`datasets[1]` must be a text; received: 7"),
    ],
)
def test_wrong_list_item_is_named_by_its_index(workspace, changes, message):
    workspace(changes)
    assert message_of() == message


@pytest.mark.parametrize(
    ("key", "message"),
    [
        (
            "trian",
            "`trian` is not a parameter; allowed here: data, sample, variants, datasets, train, attack, compare",
        ),
        ("sample.colour", "`sample.colour` is not a parameter; allowed here: train_images, test_images, size, seed"),
        (
            "variants.gaussian_blur.radius",
            "`variants.gaussian_blur.radius` is not a parameter; allowed here: method, sigma",
        ),
        (
            "variants.morphology.seed",
            "`variants.morphology.seed` is not a parameter; allowed here: method, operation, kernel_size, iterations",
        ),
    ],
)
def test_unknown_key_is_refused(workspace, key, message):
    workspace({key: 1})
    assert message_of() == message


@pytest.mark.parametrize(
    "key",
    ["train", "data.seed", "compare.show_images", "variants.gaussian_blur.sigma", "variants.blocking_merging.seed"],
)
def test_missing_key_is_refused(workspace, key):
    file = workspace() / "params.yaml"
    params = yaml.safe_load(file.read_text())
    *sections, last = key.split(".")
    section = params
    for name in sections:
        section = section[name]
    del section[last]
    file.write_text(yaml.safe_dump(params))
    assert message_of() == f"`{key}` is missing"


@pytest.mark.parametrize("entry", [{"method": "blur"}, {"method": ["mask"]}, {"sigma": 1}, {}, None, 3])
def test_unknown_method_is_refused(workspace, entry):
    workspace({"variants.mine": entry})
    received = entry.get("method") if isinstance(entry, dict) else None
    assert message_of() == (
        f"`variants.mine.method` must be one of {', '.join(method_names())}; received: {received!r}"
    )


@pytest.mark.parametrize(
    "name", ["Blur", "2blur", "_blur", "my-blur", "blur.1", "a/b", "..", "", *RESERVED.split(", ")]
)
def test_bad_variant_name_is_refused(workspace, name):
    file = workspace() / "params.yaml"
    params = yaml.safe_load(file.read_text())
    params["variants"][name] = {"method": "gaussian_blur", "sigma": 1}
    file.write_text(yaml.safe_dump(params))
    assert message_of() == (
        "a name in `variants` must be made of a-z, 0-9 and _, begin with a letter, "
        f"and be none of {RESERVED}; received: {name}"
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("variants:\n  1: {method: mask, value: 0}", "`variants.1` must be a text; received: 1"),
        ("1: 2", "`1` must be a word; received: 1"),
    ],
)
def test_key_that_is_no_text_is_refused(workspace, line, message):
    file = workspace() / "params.yaml"
    params = yaml.safe_load(file.read_text())
    for key, value in yaml.safe_load(line).items():
        params.update({key: params.get(key, {}) | value if isinstance(value, dict) else value})
    file.write_text(yaml.safe_dump(params, sort_keys=False))
    assert message_of() == message


@pytest.mark.parametrize(
    ("datasets", "message"),
    [
        ([RAW, "blur"], "`datasets` may hold raw, gaussian_blur, morphology, blocking_merging; received: blur"),
        (["gaussian_blur"], "`datasets` must hold raw and each name once; received: gaussian_blur"),
        ([RAW, RAW], "`datasets` must hold raw and each name once; received: raw, raw"),
    ],
)
def test_datasets_must_name_raw_and_variants(workspace, datasets, message):
    workspace({"datasets": datasets})
    assert message_of() == message


@pytest.mark.parametrize("kept", [0, 8, 100, 2000])
def test_a_truncated_weights_file_is_refused(workspace, kept):
    file = workspace({"train.weights": "resnet.weights.h5"}) / "resnet.weights.h5"
    with h5py.File(file, "w") as weights:
        weights["layers"] = np.ones((30, 30))
    assert load_params().train.weights == "resnet.weights.h5"
    file.write_bytes(file.read_bytes()[:kept])
    assert message_of().startswith("`train.weights` must be a whole HDF5 file (")
    assert message_of().endswith("); received: 'resnet.weights.h5'")


def test_a_long_value_is_cut(workspace):
    workspace({"train.optimizer": "a" * 1000})
    assert message_of().endswith(f"received: '{'a' * 99}...")


def test_every_mistake_gets_a_line(workspace):
    workspace(
        {
            "data.seeed": 0,
            "datasets": [RAW, "sharp", "sharp"],
            "train.epochs": 0,
            "train.head": [2.5, -1],
            "variants.gaussian_blur.sigma": -1,
            "variants.morphology.iterations": 0,
        }
    )
    assert message_of().splitlines() == [
        "`data.seeed` is not a parameter; allowed here: source, follow_outside_links, test_fraction, max_side, "
        "max_per_class, max_pixels, image_format, max_rejected, rename, identity_pattern, group_pattern, seed",
        "`train.head[0]` must be " + LAYER + "; received: 2.5",
        "`train.head[1]` must be " + LAYER + "; received: -1",
        "`train.epochs` must be greater than 0; received: 0",
        "`variants.gaussian_blur.sigma` must be greater than or equal to 0; received: -1",
        "`variants.morphology.iterations` must be greater than or equal to 1; received: 0",
        "`datasets` may hold raw, gaussian_blur, morphology, blocking_merging; received: sharp",
        "`datasets` may hold raw, gaussian_blur, morphology, blocking_merging; received: sharp",
        "`datasets` must hold raw and each name once; received: raw, sharp, sharp",
    ]


@pytest.mark.parametrize(
    ("old", "new", "read", "expected"),
    [
        ("learning_rate: 0.001", "learning_rate: 1e-4", lambda params: params.train.learning_rate, 1e-4),
        ("max_pixels: 100000000", "max_pixels: 1e8", lambda params: params.data.max_pixels, 10**8),
        ("epochs: 5", "epochs: 10.0", lambda params: params.train.epochs, 10),
        ("head: []", "head: [64.0, 5e-1, 8]", lambda params: params.train.head, [64, 0.5, 8]),
        ("sigma: 7", "sigma: 1e-1", lambda params: params.variant("gaussian_blur").arguments["sigma"], 0.1),
        ("kernel_size: 7", "kernel_size: 9.0", lambda params: params.variant("morphology").arguments["kernel_size"], 9),
    ],
)
def test_number_may_be_written_in_any_way(workspace, old, new, read, expected):
    folder = workspace()
    text = (ROOT / "params.yaml").read_text(encoding="utf-8")
    assert old in text
    (folder / "params.yaml").write_text(text.replace(old, new), encoding="utf-8")
    value = read(load_params())
    assert value == expected
    assert repr(value) == repr(expected)  # 10, not 10.0


NUMBERS = ["1e-3", "1.e3", "010", "0o10", "0x1F", "1_000", "-.5", ".5", "+1"]
OTHERS = ["190:20:30", "on", "no", "y", "True", "~", "", ".inf", "2001-01-01", "'7'"]


@pytest.mark.parametrize("text", NUMBERS + OTHERS)
def test_values_are_read_as_dvc_reads_them(workspace, text):
    file = workspace() / "params.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("learning_rate: 0.001", f"learning_rate: {text}"))
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
    ],
)
def test_file_that_is_no_mapping_is_refused(workspace, content, message):
    (workspace() / "params.yaml").write_bytes(content)
    assert message_of().startswith(message)
    assert "\n" not in message_of()


def test_missing_file_is_named(workspace):
    (workspace() / "params.yaml").unlink()
    assert message_of() == "`params.yaml` is missing in this folder; run from the top of the repository"


def test_variant_holds_method_arguments_and_seed(workspace):
    workspace()
    params = load_params()
    blur = params.variant("gaussian_blur")
    assert (blur.method, blur.arguments, blur.seed) == (gaussian_blur, {"sigma": 7}, None)
    assert params.variant("blocking_merging").seed == 0
    assert "seed" not in params.variant("blocking_merging").arguments


def test_a_method_whose_draws_are_secret_takes_no_seed(workspace):
    workspace({"variants.dp_pix": {"method": "dp_pix", "block_size": 8, "epsilon": 1, "neighbourhood": 4}})
    variant = load_params().variant("dp_pix")
    assert (variant.needs_secret, variant.seed) == (True, None)
    assert not load_params().variant("blocking_merging").needs_secret
    set_param(Path(), "variants.dp_pix.seed", 0)
    assert message_of() == (
        "`variants.dp_pix.seed` is not a parameter; allowed here: method, block_size, epsilon, neighbourhood"
    )


def test_same_method_may_appear_twice(workspace):
    workspace({"variants.faint": {"method": "gaussian_blur", "sigma": 1}})
    assert load_params().variant("faint").arguments == {"sigma": 1}


def test_unknown_variant_is_refused(workspace):
    workspace()
    with pytest.raises(PipelineError) as caught:
        load_params().variant(RAW)
    assert str(caught.value) == "`variants` has no `raw`; allowed: gaussian_blur, morphology, blocking_merging"


@pytest.mark.parametrize(
    ("flags", "precision"), [("fma avx512_bf16", "bfloat16"), ("fma avx2", "float32"), ("", "float32")]
)
def test_automatic_precision_is_what_the_processor_has(workspace, monkeypatch, flags, precision):
    monkeypatch.setattr(sections, "processor_flags", lambda: set(flags.split()))
    workspace({"train.precision": "auto"})
    params = load_params().train
    assert params.precision == precision
