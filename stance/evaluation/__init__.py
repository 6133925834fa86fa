"""How far labels can be trusted: scores with intervals, beside people and baselines; slices, probes, corrected shares.

It takes models, callables or files of labels, so it can score another library, a language model or a spreadsheet.
"""

from stance.evaluation.compare import compare
from stance.evaluation.dataset import Dataset, read_dataset
from stance.evaluation.harness import evaluate, evaluate_config, evaluate_files
from stance.evaluation.prevalence import corrected_shares
from stance.evaluation.probes import run_probes
from stance.evaluation.report import Report
from stance.evaluation.score import score
from stance.evaluation.suites import read_suite

__all__ = [
    "Dataset",
    "Report",
    "compare",
    "corrected_shares",
    "evaluate",
    "evaluate_config",
    "evaluate_files",
    "read_dataset",
    "read_suite",
    "run_probes",
    "score",
]
