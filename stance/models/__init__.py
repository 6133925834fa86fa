"""Where a name becomes a model: the embedded default, a folder, or a checkpoint on the hub.

Every maker answers through :class:`stance.models.protocol.StanceModel`.
"""

from __future__ import annotations

import difflib
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from stance.errors import MissingExtraError, ModelError
from stance.models.protocol import StanceModel

if TYPE_CHECKING:
    from stance.models.runtimes import Choice

__all__ = ["DEFAULT", "StanceModel", "embedded_folder", "list_models", "load_model", "resolve_encoder", "usual_runtime", "why"]

DEFAULT = "default"
_WEIGHTS = Path(__file__).parent.parent / "weights"
_EMBEDDED = {
    DEFAULT: ("minilm-nato", "onnx", "English, 22 M parameters; no torch needed"),
    "default-torch": ("minilm-nato", "torch", "the same weights in torch, for GPUs and fine-tuning"),
}


def list_models() -> list[dict[str, str]]:
    """The embedded models: name, runtime and description of each.

    Example:
        >>> [m["name"] for m in list_models()]
        ['default', 'default-torch']
    """
    return [{"name": n, "runtime": r, "description": d} for n, (_, r, d) in _EMBEDDED.items()]


def embedded_folder(name: str) -> Path | None:
    """The folder of an embedded model, or None when no embedded model has this name.

    Example:
        >>> embedded_folder("default").name
        'minilm-nato'
    """
    return _WEIGHTS / _EMBEDDED[name][0] if name in _EMBEDDED else None


def resolve_encoder(name: str) -> str:
    """The folder or hub name of an encoder: an embedded model's name gives its folder, `package:NAME` looks inside a package.

    Raises:
        MissingExtraError: the package is not installed.
        ModelError: the package carries no checkpoint.

    Example:
        >>> resolve_encoder("org/some-encoder")
        'org/some-encoder'
    """
    if not name.startswith("package:"):
        return str(embedded_folder(name) or name)
    package = name.removeprefix("package:")
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise MissingExtraError(package, None)
    for weights in sorted(Path(spec.origin).parent.rglob("*.safetensors")):
        if (weights.parent / "config.json").exists():
            return str(weights.parent)
    raise ModelError(f"{name}: no config.json beside a .safetensors file in the package.")


@lru_cache(maxsize=4)
def load_model(name_or_path: str, device: str | None = None, *, runtime: str | None = None) -> StanceModel:
    """Load a model, once in a process.

    It computes with `OMP_NUM_THREADS` threads, or as many as there are cores for this process.

    Args:
        name_or_path: an embedded model's name, a checkpoint folder, or a hub name with a slash.
        device: for torch models; the GPU where there is one when None. A folder of `stance export` runs in torch when
            it is given, else in ONNX Runtime.
        runtime: one of :data:`stance.models.runtimes.RUNTIMES` ("onnx", "openvino", "torch", "torch-bf16"), or "auto" for the one
            that a short measurement finds fastest here, which is made once and kept (`stance models --why` shows it).
            "auto" is for the embedded models and folders.

    Raises:
        ModelError: the name or the runtime is unknown (near ones are suggested), the checkpoint cannot run in that
            runtime, or it is damaged, unsafe or unmapped.
        MissingExtraError: the runtime is not installed.

    Example:
        >>> load_model("defalt")
        Traceback (most recent call last):
        ...
        stance.errors.ModelError: Unknown model 'defalt'. Did you mean 'default'? Else give a folder or a hub name.
    """
    folder = embedded_folder(name_or_path) or Path(name_or_path)
    place = str(folder) if name_or_path in _EMBEDDED else name_or_path
    if runtime is not None:
        return _load(place, device, why(name_or_path).runtime if runtime == "auto" else runtime)
    runtime = usual_runtime(name_or_path, device)
    if runtime is None:
        from stance.models.baseline import BaselineModel

        return BaselineModel.load(folder)
    if runtime == "onnx" or (folder / "config.json").is_file():
        return _load(place, device, runtime)
    if folder.is_dir():
        raise ModelError(f"{folder}: no config.json and no baseline.json in this folder; it is no checkpoint.")
    if name_or_path.count("/") != 1 or name_or_path.startswith((".", "/")):
        near = difflib.get_close_matches(name_or_path, _EMBEDDED, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else f" Embedded: {', '.join(_EMBEDDED)}."
        raise ModelError(f"Unknown model {name_or_path!r}.{hint} Else give a folder or a hub name.")
    return _load(place, device, "torch")


def usual_runtime(name_or_path: str, device: str | None = None) -> str | None:
    """The runtime of a model for which none is named; None for a baseline, which has none.

    Args:
        name_or_path, device: as for :func:`load_model`.

    Example:
        >>> usual_runtime("default"), usual_runtime("org/some-model")
        ('onnx', 'torch')
    """
    if name_or_path in _EMBEDDED:
        return _EMBEDDED[name_or_path][1]
    folder = Path(name_or_path)
    if (folder / "baseline.json").is_file():
        return None
    return "onnx" if (folder / "export.json").is_file() and device is None else "torch"


def why(name_or_path: str = DEFAULT) -> Choice:
    """What `runtime="auto"` chooses for a model on this machine, with the speeds of all candidates.

    They are measured at the first call, in some seconds, and kept in the user's cache.

    Args:
        name_or_path: an embedded model's name or a checkpoint folder.

    Raises:
        ModelError: there is no such folder, or no runtime can load it.

    Example:
        >>> why("default").runtime  # doctest: +SKIP
        'onnx'
    """
    from stance.models.runtimes import choose

    folder = embedded_folder(name_or_path) or Path(name_or_path)
    if not (folder / "config.json").is_file():
        raise ModelError(f"{name_or_path}: runtime='auto' is for embedded models and checkpoint folders; name a runtime.")
    return choose(folder, load=lambda runtime: _load(str(folder), None, runtime))


def _load(place: str, device: str | None, runtime: str) -> StanceModel:
    """The model of a folder or hub name in this runtime."""
    if runtime in ("onnx", "openvino"):
        from stance.models.onnx import OnnxModel

        return OnnxModel(Path(place), engine=runtime)
    if runtime in ("torch", "torch-bf16"):
        from stance.models.transformer import TransformerModel

        return TransformerModel(place, device=device, bf16=True if runtime == "torch-bf16" else None)
    from stance.models.runtimes import RUNTIMES

    names = ["auto", *RUNTIMES]
    near = difflib.get_close_matches(runtime, names, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise ModelError(f"Unknown runtime {runtime!r}.{hint} There are {', '.join(names)}.")
