"""What a result was made with: code, versions and processor, as networks trained on another one differ."""

import hashlib
import os
import platform
from importlib.metadata import version
from pathlib import Path

_IMAGE_PACKAGES = ("opencv-python-headless", "pillow", "pi-heif")
PACKAGES = ("tensorflow", "keras", "numpy", "scipy", "scikit-learn", *_IMAGE_PACKAGES, "randomgen")
_CPUINFO = Path("/proc/cpuinfo")
_STAGES = Path(__file__).parents[1]


def code_digest(*places: str) -> str:
    """Return the SHA-256 of code, for keys of what it made.

    Parameters
    ----------
    *places : str
        Files and folders of `stages/`; none for all of it.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    digest = hashlib.sha256()
    for place in places or ("",):
        for file in sorted((_STAGES / place).rglob("*.py")) or [_STAGES / place]:
            digest.update(file.read_bytes())
    return digest.hexdigest()


def environment(accelerators: list[str] | None = None) -> dict[str, str]:
    """Return what results depend on besides data, params and code; the same for every run on a machine.

    Parameters
    ----------
    accelerators : list of str, optional
        Names of the GPUs that did the work.

    Returns
    -------
    dict of str to str
        System, processor, and the versions of Python and of the packages that compute.
    """
    parts = {"system": f"{platform.system()} {platform.machine()}", "processor": processor_name()}
    if accelerators:
        parts["accelerator"] = ", ".join(accelerators)
    return parts | {"python": platform.python_version()} | {name: version(name) for name in PACKAGES}


def processor_name() -> str:
    """Return the processor's name, or its architecture where the system does not give a name."""
    return _cpuinfo("model name") or platform.processor() or platform.machine()


def processor_flags() -> set[str]:
    """Return the processor's features, as Linux names them; none where the system does not list them."""
    return set((_cpuinfo("flags") or _cpuinfo("Features")).split())


def memory_bytes() -> int:
    """Return how much memory the machine has, in bytes."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _cpuinfo(key: str) -> str:
    lines = _CPUINFO.read_text(encoding="utf-8").splitlines() if _CPUINFO.is_file() else []
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith(key)), "")
