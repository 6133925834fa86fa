"""Who said what about Ukraine joining NATO, and how sure are we?

The public names are loaded on first use: `import stance` imports neither torch nor pandas.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stance.analysis import Analysis, analyze
    from stance.classifier import classify
    from stance.corpus import Build, build_dataset, load_dataset
    from stance.errors import ConfigError, InputError, MissingExtraError, ModelError, StanceError, UnsupportedLanguageWarning
    from stance.evaluation import evaluate
    from stance.labels import LABELS, Stance
    from stance.models import list_models, load_model
    from stance.quotes import extract_many, extract_quotes
    from stance.records import Annotation, Article, Prediction, Predictions, Quote
    from stance.stream import classify_file
    from stance.targets import UKRAINE_NATO, Target
    from stance.training import train

__version__ = "0.1.0"

_HOMES = {
    "Analysis": "analysis",
    "Annotation": "records",
    "Article": "records",
    "Build": "corpus",
    "ConfigError": "errors",
    "InputError": "errors",
    "LABELS": "labels",
    "MissingExtraError": "errors",
    "ModelError": "errors",
    "Prediction": "records",
    "Predictions": "records",
    "Quote": "records",
    "Stance": "labels",
    "StanceError": "errors",
    "Target": "targets",
    "UKRAINE_NATO": "targets",
    "UnsupportedLanguageWarning": "errors",
    "analyze": "analysis",
    "build_dataset": "corpus",
    "classify": "classifier",
    "classify_file": "stream",
    "evaluate": "evaluation",
    "extract_many": "quotes",
    "extract_quotes": "quotes",
    "list_models": "models",
    "load_dataset": "corpus",
    "load_model": "models",
    "train": "training",
}

__all__ = [
    "LABELS",
    "UKRAINE_NATO",
    "Analysis",
    "Annotation",
    "Article",
    "Build",
    "ConfigError",
    "InputError",
    "MissingExtraError",
    "ModelError",
    "Prediction",
    "Predictions",
    "Quote",
    "Stance",
    "StanceError",
    "Target",
    "UnsupportedLanguageWarning",
    "analyze",
    "build_dataset",
    "classify",
    "classify_file",
    "evaluate",
    "extract_many",
    "extract_quotes",
    "list_models",
    "load_dataset",
    "load_model",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'stance' has no attribute {name!r}")
    return getattr(import_module(f"stance.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
