"""Where a name becomes a model: the embedded default, a folder, or a checkpoint on the hub.

Every maker answers through :class:`stance.models.protocol.StanceModel`.
"""

from __future__ import annotations

import difflib
from functools import lru_cache
from pathlib import Path

from stance.errors import ModelError
from stance.models.protocol import StanceModel

__all__ = ["DEFAULT", "StanceModel", "embedded_folder", "list_models", "load_model"]

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


@lru_cache(maxsize=4)
def load_model(name_or_path: str, device: str | None = None) -> StanceModel:
    """Load a model, once in a process.

    Args:
        name_or_path: an embedded model's name, a checkpoint folder, or a hub name with a slash.
        device: for torch models; the GPU where there is one when None. A folder of `stance export` runs in torch when
            it is given, else in ONNX Runtime.

    Raises:
        ModelError: the name is unknown (near ones are suggested), or the checkpoint is damaged, unsafe or unmapped.

    Example:
        >>> load_model("defalt")
        Traceback (most recent call last):
        ...
        stance.errors.ModelError: Unknown model 'defalt'. Did you mean 'default'? Else give a folder or a hub name.
    """
    if name_or_path in _EMBEDDED:
        folder_name, runtime, _ = _EMBEDDED[name_or_path]
        folder = _WEIGHTS / folder_name
        return _onnx(folder) if runtime == "onnx" else _torch(str(folder), device)
    folder = Path(name_or_path)
    if (folder / "baseline.json").is_file():
        from stance.models.baseline import BaselineModel

        return BaselineModel.load(folder)
    if (folder / "export.json").is_file() and device is None:
        return _onnx(folder)
    if (folder / "config.json").is_file():
        return _torch(name_or_path, device)
    if folder.is_dir():
        raise ModelError(f"{folder}: no config.json and no baseline.json in this folder; it is no checkpoint.")
    if name_or_path.count("/") != 1 or name_or_path.startswith((".", "/")):
        near = difflib.get_close_matches(name_or_path, _EMBEDDED, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else f" Embedded: {', '.join(_EMBEDDED)}."
        raise ModelError(f"Unknown model {name_or_path!r}.{hint} Else give a folder or a hub name.")
    return _torch(name_or_path, device)


def _onnx(folder: Path) -> StanceModel:
    from stance.models.onnx import OnnxModel

    return OnnxModel(folder)


def _torch(name_or_path: str, device: str | None) -> StanceModel:
    from stance.models.transformer import TransformerModel

    return TransformerModel(name_or_path, device=device)
