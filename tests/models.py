"""ONNX models that take the place of YuNet, CenterFace and YOLOX, and find red squares, and of a face recognizer."""

from pathlib import Path

import numpy as np

_OUTPUTS = {"cls": 1, "obj": 1, "bbox": 4, "kps": 10}  # channels


def _varint(value: int) -> bytes:
    low, high = value & 127, value >> 7
    return bytes([low | 128]) + _varint(high) if high else bytes([low])


def _field(number: int, value: int | str | bytes) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    content = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _value(name: str, shape: tuple[int, ...]) -> bytes:
    dimensions = b"".join(_field(1, _field(1, side)) for side in shape)
    return _field(1, name) + _field(2, _field(1, _field(1, 1) + _field(2, dimensions)))


def _convolution(output: str, kernel: np.ndarray, *, is_last: bool = True) -> bytes:
    """Return a layer that looks at squares side by side, its weights, and, if it is the last one, its output."""
    side, name = kernel.shape[-1], f"kernel_{output}"
    layer = _layer("Conv", ["input", name], output, kernel_shape=[side] * 2, strides=[side] * 2)
    value = _field(12, _value(output, (1, len(kernel), 32 // side, 32 // side))) if is_last else b""
    return layer + _tensor(name, kernel) + value


def _layer(kind: str, inputs: list[str], output: str, **attributes: int | list[int]) -> bytes:
    content = b"".join(_field(1, name) for name in inputs) + _field(2, output) + _field(4, kind)
    for key, value in attributes.items():
        numbers = [_field(3, value), _field(20, 2)] if isinstance(value, int) else [_field(8, part) for part in value]
        content += _field(5, _field(1, key) + b"".join(numbers) + (b"" if isinstance(value, int) else _field(20, 7)))
    return _field(1, content)


def _tensor(name: str, values: np.ndarray) -> bytes:
    shape, kind = b"".join(_field(1, length) for length in values.shape), {"f": 1, "i": 7}[values.dtype.kind]
    return _field(5, shape + _field(2, kind) + _field(8, name) + _field(9, values.tobytes()))


def _model(layers: list[bytes], name: str, *shape: int) -> bytes:
    graph = _field(2, "squares") + _field(11, _value(name, (1, *shape))) + b"".join(layers)
    return _field(1, 8) + _field(8, _field(2, 13)) + _field(7, graph)


def _write_model(file: Path, layers: list[bytes], side: int = 32) -> Path:
    file.write_bytes(_model(layers, "input", 3, side, side))
    return file


def _red(channels: int, side: int, value: float, channel: int) -> np.ndarray:
    """Return a kernel that gives a value where all is red, and 0 where nothing is."""
    kernel = np.zeros((channels, 3, side, side), "<f4")
    kernel[:, channel] = value / 255 / side**2
    return kernel


def write_yunet(file: Path) -> Path:
    """Write the model: every grid cell of 8, 16 or 32 pixels that is all red has a face of that side at its corner."""
    return _write_model(
        file,
        [
            _convolution(f"{output}_{side}", _red(channels, side, float(channels == 1), channel=2))
            for side in (8, 16, 32)
            for output, channels in _OUTPUTS.items()
        ],
    )


def write_centerface(file: Path) -> Path:
    """Write the model: every grid cell of 4 pixels that is all red is the centre of a face of 32 x 16 pixels."""
    sizes = np.concatenate([_red(1, 4, np.log(side / 4), channel=0) for side in (16, 32)])
    outputs = {"537": _red(1, 4, 0.9, channel=0), "538": sizes, "539": _red(2, 4, 0, channel=0)}
    return _write_model(file, [_convolution(name, kernel) for name, kernel in outputs.items()])


def write_yolox(file: Path) -> Path:
    """Write the model: every cell of 8, 16 or 32 pixels that is all red is the corner of a person of that side.

    All cells, the smallest first, are one row of places.
    """
    layers, parts = [], []
    for side in (8, 16, 32):
        kernel = np.zeros((85, 3, side, side), "<f4")
        kernel[[4, 5]] = _red(2, side, 1, channel=0)
        kernel[[0, 1]] = _red(2, side, 0.5, channel=0)
        count = (640 // side) ** 2
        layers += [
            _convolution(f"grid_{side}", kernel, is_last=False),
            _tensor(f"shape_{side}", np.array([1, 85, count], "<i8")),
            _layer("Reshape", [f"grid_{side}", f"shape_{side}"], f"row_{side}"),
        ]
        parts.append(f"row_{side}")
    layers += [_layer("Concat", parts, "rows", axis=2), _layer("Transpose", ["rows"], "output", perm=[0, 2, 1])]
    return _write_model(file, [*layers, _field(12, _value("output", (1, 8400, 85)))], side=640)


def recognizer_model(side: int = 112, *changes: str, layout: str = "nchw", length: int = 48) -> bytes:
    """Return the model: the point of a face is the mean colours of 4 x 4 parts, all red ones first, then changed."""
    shape, order = {"nchw": ((3, side, side), [0, 1, 2, 3]), "nhwc": ((side, side, 3), [0, 3, 1, 2])}[layout]
    layers = [
        _layer("Transpose", ["data"], "planes", perm=order),
        _layer("AveragePool", ["planes"], "means", kernel_shape=[side // 4] * 2, strides=[side // 4] * 2),
        _tensor("shape", np.array([1, length, 48 // length], "<i8")),
        _layer("Reshape", ["means", "shape"], "0"),
    ]
    for number, change in enumerate(changes):
        layers.append(_layer(change, [str(number)] * (2 if change == "Sub" else 1), str(number + 1)))
    return _model([*layers, _field(12, _value(str(len(changes)), (1, length, 48 // length)))], "data", *shape)
