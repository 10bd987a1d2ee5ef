"""What a result was made with: code, versions, processor and kernels; and how many workers and threads make it."""

import hashlib
import os
import platform
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

from stages.core.errors import PipelineError

_IMAGE_PACKAGES = ("opencv-python-headless", "pillow", "pi-heif")
PACKAGES = ("tensorflow", "keras", "numpy", "scipy", "scikit-learn", *_IMAGE_PACKAGES, "randomgen")
WORKERS_VARIABLE = "PIPELINE_WORKERS"
OPERATION_THREADS_VARIABLE = "PIPELINE_OPERATION_THREADS"
ONEDNN_VARIABLE = "TF_ENABLE_ONEDNN_OPTS"
# Variables by which a user chooses kernels, and so results: they are recorded where they are set.
KERNEL_VARIABLES = (
    *(f"{prefix}_{name}" for prefix in ("ONEDNN", "DNNL") for name in ("MAX_CPU_ISA", "DEFAULT_FPMATH_MODE")),
    *("OPENBLAS_CORETYPE", "NPY_DISABLE_CPU_FEATURES", "TF_XLA_FLAGS", "XLA_FLAGS"),
)
# Features of x86 processors by which libraries choose kernels.
_INSTRUCTIONS = ("avx", "avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "avx512_fp16", "avx_vnni", "amx_tile")
_CPUINFO, _CGROUP, _CGROUPS = Path("/proc/cpuinfo"), Path("/proc/self/cgroup"), Path("/sys/fs/cgroup")
_STAGES = Path(__file__).parents[1]


def code_digest(*places: str) -> str:
    """Return the SHA-256 of code, for keys of what it made."""
    digest = hashlib.sha256()
    for place in places or ("",):
        for file in sorted((_STAGES / place).rglob("*.py")) or [_STAGES / place]:
            digest.update(file.read_bytes())
    return digest.hexdigest()


def environment(accelerators: list[str] | None = None) -> dict[str, str]:
    """Return what results depend on besides data, params and code; the same for every run on a machine."""
    parts = {"system": f"{platform.system()} {platform.machine()}", "processor": processor_name()}
    flags = processor_flags()
    parts["instructions"] = " ".join(flag for flag in _INSTRUCTIONS if flag in flags) or "not listed"
    parts["oneDNN"] = {True: "on", False: "off", None: "as TensorFlow chooses"}[onednn()]
    parts |= {variable: os.environ[variable] for variable in KERNEL_VARIABLES if variable in os.environ}
    parts["threads an operation"] = str(operation_threads())
    if accelerators:
        parts["accelerator"] = ", ".join(accelerators)
    return parts | {"python": platform.python_version()} | {name: version(name) for name in PACKAGES}


def onednn() -> bool | None:
    """Return whether TensorFlow is to use oneDNN: as the environment says, else on x86; None leaves it to TensorFlow.

    By itself, TensorFlow uses it only on processors with AVX-512 VNNI or newer.
    """
    value = os.environ.get(ONEDNN_VARIABLE)
    if value is None:
        return True if platform.machine().lower() in ("x86_64", "amd64") else None
    if value not in ("0", "1"):
        raise PipelineError(f"`{ONEDNN_VARIABLE}` must be 0 or 1; received: {value!r}")
    return value == "1"


def worker_count() -> int:
    """Return how many workers to use: `PIPELINE_WORKERS` of the environment, or one per usable core."""
    if WORKERS_VARIABLE in os.environ:
        return _whole_number(WORKERS_VARIABLE)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def operation_threads() -> int:
    """Return how many threads compute one operation of a network: `PIPELINE_OPERATION_THREADS`, or one.

    With more, cores that are idle while networks train side by side help to train them. Sums are then split
    differently for each number of threads, so results are the same only for the same number.
    """
    return _whole_number(OPERATION_THREADS_VARIABLE) if OPERATION_THREADS_VARIABLE in os.environ else 1


def _whole_number(variable: str) -> int:
    value = os.environ[variable]
    if not value.isascii() or not value.isdigit() or int(value) < 1:
        raise PipelineError(f"`{variable}` must be a whole number of at least 1; received: {value!r}")
    return int(value)


def processor_name() -> str:
    """Return the processor's name and generation, or its architecture where the system does not give a name."""
    name = _cpuinfo("model name")
    if not name:
        return platform.processor() or platform.machine()
    # Clouds call processors of all generations the same.
    family, model = _cpuinfo("cpu family"), _cpuinfo("model\t")
    return f"{name} (family {family} model {model})" if family and model else name


def processor_flags() -> set[str]:
    """Return the processor's features, as Linux names them; none where the system does not list them."""
    return set((_cpuinfo("flags") or _cpuinfo("Features")).split())


def memory_bytes() -> int:
    """Return how much memory this process may use, in bytes: what the machine has, or what its container may use."""
    limits = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    lines = _CGROUP.read_text(encoding="utf-8").splitlines() if _CGROUP.is_file() else []
    for _, controllers, path in (line.split(":", 2) for line in lines):
        top = _CGROUPS / controllers
        for folder in (top / path.lstrip("/"), *(top / path.lstrip("/")).parents):
            for name in ("memory.max", "memory.limit_in_bytes"):  # of version 2 and 1
                with suppress(OSError, ValueError):  # max: no limit
                    limits.append(int((folder / name).read_text(encoding="utf-8")))
    return min(limits)


def _cpuinfo(key: str) -> str:
    lines = _CPUINFO.read_text(encoding="utf-8").splitlines() if _CPUINFO.is_file() else []
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith(key)), "")
