"""How far labels can be trusted: metrics with intervals, from arrays or files; needs no model."""

from stance.evaluation.harness import evaluate, evaluate_files

__all__ = ["evaluate", "evaluate_files"]
