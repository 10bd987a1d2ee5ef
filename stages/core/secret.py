"""The secret of this repository, and random draws that nobody can repeat without it.

The first stage that needs it makes it, in `data/secret.key`: 32 random bytes, readable by their owner alone, in neither
git nor DVC.
"""

import hashlib
import hmac
import json
import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from stages.core.errors import PipelineError
from stages.core.paths import SECRET_FILE

_BYTES = 32


class Secret(bytes):
    """The secret's bytes; they are never sent to a worker of a cluster, which reads the file itself."""

    def __reduce__(self) -> tuple:
        return load_secret, ()


def load_secret() -> Secret:
    """Read the secret, or make one where there is none.

    An experiment that DVC runs in a temporary copy of the repository uses the repository's own secret.
    """
    # DVC runs queued experiments in .dvc/tmp/exps/<name> of the repository.
    here = Path.cwd()
    file = next((folder.parent for folder in here.parents if folder.name == ".dvc"), here) / SECRET_FILE
    if not file.exists():
        _make(file)
    secret = Secret(file.read_bytes())
    if len(secret) != _BYTES:
        raise PipelineError(
            f"`{SECRET_FILE}` must hold {_BYTES} bytes; received: {len(secret)}; restore it from a backup"
        )
    if file.stat().st_mode & 0o077:
        raise PipelineError(f"`{SECRET_FILE}` must be readable by its owner alone; run `chmod 600 {SECRET_FILE}`")
    return secret


def secret_key(secret: bytes, *parts: str | bytes) -> bytes:
    """Return a key for one purpose, from which neither the secret nor another purpose's key can be computed."""
    digest = hmac.new(secret, digestmod="sha256")
    for part in parts:
        content = part.encode(errors="surrogateescape") if isinstance(part, str) else part
        digest.update(len(content).to_bytes(8, "little") + content)
    return digest.digest()


def secret_generator(secret: bytes, *parts: str | bytes) -> np.random.Generator:
    """Return a random generator for one purpose, whose draws tell nothing about other draws."""
    # Only methods that draw from the secret need it.
    from randomgen import ChaCha

    return np.random.Generator(ChaCha(key=int.from_bytes(secret_key(secret, *parts), "little"), rounds=20))


def image_generator(secret: bytes, method: str, arguments: dict[str, Any], image: np.ndarray) -> np.random.Generator:
    """Return the random generator with which a method protects one image.

    Two images, or two strengths of one image, have independent draws: with the same noise, their difference would show
    what it hides. Copies of an image have the same draws, whatever they are called and whenever they are published:
    the mean of many noises would show what each hides.
    """
    pixels = hashlib.sha256(f"{image.shape} {image.dtype}:".encode())
    pixels.update(np.ascontiguousarray(image))
    return secret_generator(secret, "anonymize", method, json.dumps(arguments, sort_keys=True), pixels.digest())


def _make(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f".{file.name}.{os.getpid()}")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(secrets.token_bytes(_BYTES))
        # A link fails where another process was first, so that all use the same secret.
        with suppress(FileExistsError):
            os.link(partial, file)
    finally:
        partial.unlink()
