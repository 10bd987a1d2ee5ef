"""Decodes files of the source, and stages the encoded images until it is known where they belong.

What became of a file in the last run is used again if its bytes, the settings, the code and the machine are the same.
"""

import errno
import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np

from stages.core.duplicates import look_of
from stages.core.errors import PipelineError, error_context, printable
from stages.core.files import new_folder
from stages.core.images import encode_image, max_side, resize_image, written_suffix
from stages.core.parallel import count_image
from stages.core.params import RAW, DataParams
from stages.core.store import key_of, last_run_folder, read_state, write_state
from stages.sources.decoding import decode_image, longest_file
from stages.sources.files import RejectedImage, SourceFile, link_limit, read_source
from stages.sources.outcomes import Outcome

_CODE = ("core", "sources")
_CHUNK = 256  # files, on average


Item = TypeVar("Item")


@dataclass(frozen=True)
class Chunk(Generic[Item]):
    """Files of the source, or images to be written, that are worked on together."""

    name: str
    items: tuple[Item, ...]

    def __len__(self) -> int:
        return len(self.items)


def chunks_of(files: Iterable[SourceFile]) -> list[Chunk[SourceFile]]:
    """Cut files into chunks, in the order in which they lie on the disk.

    A hash of a file's path says whether a chunk begins with it, so that one file more or less changes one or two
    chunks.
    """
    chunks: list[list[SourceFile]] = []
    for file in sorted(files, key=lambda file: (file.origin.archive, file.offset, file.path)):
        if not chunks or not int(_name_of(file), 16) % _CHUNK:
            chunks.append([])
        chunks[-1].append(file)
    return [Chunk(_name_of(members[0]), tuple(members)) for members in chunks]


class Decoder:
    """Decodes files of the source."""

    def __init__(self, params: DataParams, staged: Path):
        self._params, self._staged = params, staged
        how = [params.max_side, params.max_pixels, params.image_format]
        self._last = last_run_folder(RAW, "source files")
        self._settings = key_of(_CODE, how).encode()

    def decode(self, chunk: Chunk[SourceFile]) -> list[Outcome]:
        """Decode the files of a chunk, and say what became of each, in their order.

        The encoded images are staged, but for those of files that are as they were in the last run.
        """
        last, outcomes = read_state(self._last / f"{chunk.name}.json") or {}, []
        # A chunk may be decoded again without the files that were decoded before.
        name = f"{chunk.name}_{_name_of(chunk.items[0])}"
        with (self._staged / name).open("wb", buffering=0) as pack:
            for file in chunk.items:
                outcomes.append(self._outcome(file, last, pack, name))
                count_image()
        return outcomes

    def encoded(self, image: Outcome) -> bytes:
        """Return an image as it is written, from where it was staged, or decoded once more."""
        if image.staged is not None:
            pack, offset, size, digest = image.staged
            with (self._staged / pack).open("rb", buffering=0) as stream:
                encoded = os.pread(stream.fileno(), size, offset)
            if _short_digest(encoded) == digest:
                return encoded
        try:
            content = self._read(image.source)
        except RejectedImage:
            content = b""
        if self._key(content) != image.key:
            raise PipelineError(
                f"`{printable(image.source.name)}` must not change while `ingest` reads it; run it again"
            )
        with error_context(image.source.name):
            return self._encode(self._decode(content, image.source)[0], content, image.source)

    def remember(self, chunks: Iterable[Chunk[SourceFile]], results: Mapping[str, Outcome]) -> None:
        """Keep for the next run what became of the files."""
        with new_folder(self._last) as folder:
            for chunk in chunks:
                outcomes = (results[file.path] for file in chunk.items if file.path in results)
                # A file may be rejected for want of memory, which may be there next time.
                rows = {
                    image.source.path: [image.key, image.pixel_hash.hex(), image.size, image.upright]
                    + [image.notes, image.look.hex()]
                    for image in outcomes
                    if not image.rejected
                }
                write_state(folder / f"{chunk.name}.json", rows)

    def _outcome(self, file: SourceFile, last: dict[str, list], pack: FileIO, name: str) -> Outcome:
        key = ""
        try:
            content = self._read(file)
            key = self._key(content)
            if file.path in last and last[file.path][0] == key:
                _, pixels, size, upright, notes, look = last[file.path]
                size, upright = tuple(size), tuple(upright)
                return Outcome(file, "", bytes.fromhex(pixels), size, "", upright, notes, bytes.fromhex(look), key)
            image, upright, notes = self._decode(content, file)
        except RejectedImage as error:
            return Outcome(file, key=key, rejected=str(error))
        with error_context(file.name):
            encoded = self._encode(image, content, file)
            staged = name, pack.tell(), len(encoded), _short_digest(encoded)
            if pack.write(encoded) < len(encoded):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        digest = hashlib.sha256(repr(image.shape).encode())
        digest.update(np.ascontiguousarray(image))
        return Outcome(file, "", digest.digest(), image.shape[:2], "", upright, notes, look_of(image), key, staged)

    def _read(self, file: SourceFile) -> bytes:
        return read_source(file, max_bytes=longest_file(self._params.max_pixels), within=link_limit(self._params))

    def _decode(self, content: bytes, file: SourceFile) -> tuple[np.ndarray, tuple[int, int], dict[str, int]]:
        """Return the image as it is written, its height and width before `data.max_side`, and notes."""
        upright, notes = decode_image(content, max_pixels=self._params.max_pixels)
        image = limit_side(upright, self._params.max_side)
        suffix = self._suffix(file)
        if max(image.shape) > max_side(suffix):
            raise RejectedImage(f"a side of {max(image.shape)} pixels is too long for {suffix}")
        return image, upright.shape[:2], notes

    def _encode(self, image: np.ndarray, content: bytes, file: SourceFile) -> bytes:
        like = content if self._params.image_format == "keep" else b""
        return encode_image(image, Path(f"image{self._suffix(file)}"), like)

    def _suffix(self, file: SourceFile) -> str:
        return written_suffix(file.path, self._params.image_format)

    def _key(self, content: bytes) -> str:
        return hashlib.sha256(self._settings + content).hexdigest()[:32]


def limit_side(image: np.ndarray, max_side: int | None) -> np.ndarray:
    """Scale an image down, by area, until its longest side fits."""
    height, width = image.shape[:2]
    if max_side is None or max(height, width) <= max_side:
        return image
    scale = max_side / max(height, width)
    return resize_image(image, (max(1, round(height * scale)), max(1, round(width * scale))))


def _name_of(file: SourceFile) -> str:
    return hashlib.sha256(file.path.encode(errors="surrogateescape")).hexdigest()[:16]


def _short_digest(encoded: bytes) -> bytes:
    return hashlib.sha256(encoded).digest()[:16]
