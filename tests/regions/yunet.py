"""A model with the inputs and outputs of YuNet that takes red squares for faces, as an ONNX file."""

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


def write_yunet(file: Path) -> Path:
    """Write the model: every grid cell of 8, 16 or 32 pixels that is all red has a face of that side at its corner."""
    graph = _field(2, "squares") + _field(11, _value("input", (1, 3, 32, 32)))
    for side in (8, 16, 32):
        for output, channels in _OUTPUTS.items():
            weights = np.zeros((channels, 3, side, side), "<f4")
            if channels == 1:
                weights[:, 2] = 1 / 255 / side**2  # of blue, green and red
            name, kernel = f"{output}_{side}", f"kernel_{output}_{side}"
            sizes = b"".join(
                _field(5, _field(1, key) + _field(8, side) * 2 + _field(20, 7)) for key in ("kernel_shape", "strides")
            )
            graph += _field(1, _field(1, "input") + _field(1, kernel) + _field(2, name) + _field(4, "Conv") + sizes)
            shape = b"".join(_field(1, length) for length in weights.shape)
            graph += _field(5, shape + _field(2, 1) + _field(8, kernel) + _field(9, weights.tobytes()))
            graph += _field(12, _value(name, (1, channels, 32 // side, 32 // side)))
    file.write_bytes(_field(1, 8) + _field(8, _field(2, 13)) + _field(7, graph))
    return file
