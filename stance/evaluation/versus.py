"""One data set, several systems: their scores side by side, beside people, and whether they really differ."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from stance.errors import InputError, MissingExtraError
from stance.evaluation.dataset import Dataset, human_ceiling
from stance.evaluation.metrics import METRICS
from stance.evaluation.prevalence import corrected_shares
from stance.evaluation.probes import run_probes
from stance.evaluation.score import columns, score
from stance.evaluation.slices import slice_scores
from stance.evaluation.statistics import confusion_counts, holm, mcnemar, permutation_test, power_note
from stance.evaluation.systems import Answer
from stance.labels import LABELS

ERRORS = 25
"""Most errors of each system that a report lists, the most confident first."""
_KINDS = {
    ("neutral", "favor"): "a side was invented", ("neutral", "against"): "a side was invented",
    ("favor", "neutral"): "a side was missed", ("against", "neutral"): "a side was missed",
    ("favor", "against"): "the sides were swapped", ("against", "favor"): "the sides were swapped",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class System:
    """Something that labels data sets.

    Args:
        ask: gives the labels of a data set.
        name: for reports; the answer's own name when None.
        probed: what probes ask again: a model or a callable; None for files of labels and baselines.
        learns: it needs training rows.
    """

    ask: Callable[[Dataset], Answer]
    name: str | None = None
    probed: object = None
    learns: bool = False


def score_systems(
    dataset: Dataset, systems: Sequence[System], *, slices: Sequence[str], probes: bool, seed: int, resamples: int
) -> dict[str, Any]:
    """Every system's scores on one data set.

    Args:
        dataset: the rows.
        systems: the first is compared with each of the others; one that learns is left out, with a note, where there are no
            training rows, and a baseline whose package is not installed too.
        slices: columns to slice by.
        probes: run the probes on the systems that can be asked again.
        seed, resamples: of the bootstrap and the tests.

    Returns:
        Plain values: name, about, n, groups, metric, human, rows (ids, gold, groups, targets), systems, comparisons, notes.
        Each system: name, model, seconds, labels, scores of :func:`stance.evaluation.score.score`, slices, shares, errors,
        probes.

    Raises:
        InputError: no system is left.
    """
    able = [s for s in systems if dataset.train or not s.learns]
    notes = [f"{s.name} was left out: {dataset.name} has no training rows here" for s in systems if s not in able]
    if not able:
        raise InputError(f"{dataset.name}: it has no training rows, and every system needs them.")
    gold, groups = dataset.gold, dataset.groups
    scored: list[dict[str, Any]] = []
    for system in able:
        begin = time.perf_counter()
        try:
            given = system.ask(dataset)
        except MissingExtraError as error:
            if not system.learns:
                raise
            notes.append(f"{system.name} was left out: {error}")
            continue
        name = system.name or given.name
        scored.append(
            {
                "name": name if name not in [s["name"] for s in scored] else f"{name} ({len(scored) + 1})",
                "model": given.name,
                "seconds": time.perf_counter() - begin,
                "scores": score(
                    gold, given.labels, probabilities=given.probabilities, groups=groups, targets=dataset.claims,
                    metric=METRICS[dataset.metric], seed=seed, resamples=resamples,
                ),
                "slices": slice_scores(dataset.rows, gold, given.labels, by=slices, groups=groups, seed=seed),
                "shares": shares(dataset, given, seed),
                "errors": errors(dataset, given),
                "probes": run_probes(system.probed, dataset, seed=seed) if probes and system.probed is not None else [],
                "labels": given.labels,
            }
        )  # fmt: skip
    if not scored:
        raise InputError(f"{dataset.name}: no system is left. {' '.join(notes)}")
    return {
        "name": dataset.name,
        "about": dataset.about,
        "n": len(dataset.rows),
        "groups": None if groups is None else len(set(groups)),
        "sha256": dataset.fingerprint(),
        "training_rows": len(dataset.train),
        "metric": dataset.metric,
        "metric_about": METRICS[dataset.metric].about,
        "human": human_ceiling(dataset),
        "power": power_note(len(set(groups)) if groups else len(dataset.rows)),
        "rows": {"ids": [*dataset.ids], "gold": gold, "groups": groups, "targets": dataset.claims},
        "systems": scored,
        "comparisons": [*compare_with_first(dataset.name, gold, scored, groups, dataset.claims, dataset.metric, seed)],
        "notes": notes,
    }


def compare_with_first(
    dataset: str,
    gold: Sequence[str],
    systems: Sequence[dict[str, Any]],
    groups: Sequence[str] | None,
    targets: Sequence[str],
    metric: str,
    seed: int,
) -> list[dict[str, Any]]:
    """The first system against each other one: permutation test by group, exact McNemar by row, Holm over all of them.

    Args:
        dataset, metric: names.
        gold, groups, targets: of the rows.
        systems: each with name and labels.
        seed: of the permutations.

    Returns:
        For each: dataset, metric, first, second, difference, p (permutation), p_mcnemar, p_holm, disagreement, power.
    """
    chosen, y = METRICS[metric], columns(gold, "gold")
    kept = targets if chosen.by_target else None
    counts = [confusion_counts(y, columns(s["labels"], s["name"]), groups=groups, targets=kept) for s in systems]
    right = [np.array([a == b for a, b in zip(s["labels"], gold, strict=True)]) for s in systems]
    out = []
    for i in range(1, len(systems)):
        apart = float((right[0] != right[i]).mean())
        power = power_note(len(counts[0]), disagreement=apart) if apart else "they are right on the same rows"
        out.append(
            {"dataset": dataset, "metric": metric, "first": systems[0]["name"], "second": systems[i]["name"]}
            | permutation_test(counts[0], counts[i], metric=chosen, seed=seed)
            | {"p_mcnemar": mcnemar(right[0], right[i]), "disagreement": apart, "power": power}
        )
    for row, p in zip(out, holm([row["p"] for row in out]), strict=True):
        row["p_holm"] = p
    return out


def shares(dataset: Dataset, given: Answer, seed: int) -> dict[str, Any] | None:
    """How well shares are estimated: half of the groups, as a corpus, corrected by the other half as scored rows.

    Returns:
        gold, counted, adjusted and em, each {"share", "ci"} by label; None without probabilities or where a label is missing.
    """
    if given.probabilities is None or len(set(dataset.gold)) < 3:
        return None
    units = np.asarray(dataset.groups or dataset.ids, dtype=str)
    names = np.unique(units)
    chosen = np.isin(units, np.random.default_rng(seed).permutation(names)[: len(names) // 2])
    gold = np.asarray(dataset.gold)
    if len(set(gold[~chosen])) < 3 or not chosen.any():
        return None
    found = corrected_shares(
        given.probabilities[chosen], given.probabilities[~chosen], gold[~chosen].tolist(),
        groups=units[chosen].tolist(), scored_groups=units[~chosen].tolist(), seed=seed, resamples=100,
    )  # fmt: skip
    truth = {str(label): {"share": float((gold[chosen] == label).mean()), "ci": None} for label in LABELS}
    return {"gold": truth, **found, "n": int(chosen.sum())}


def errors(dataset: Dataset, given: Answer) -> list[dict[str, Any]]:
    """The errors to read, the most confident first: id, text, speaker, claim, gold, label, confidence, what went wrong."""
    wrong = [i for i, row in enumerate(dataset.rows) if row["label"] != given.labels[i]]
    sure = [1.0] * len(dataset.rows) if given.probabilities is None else given.probabilities.max(axis=1).tolist()
    wrong.sort(key=lambda i: -sure[i])
    return [
        {
            "id": dataset.ids[i],
            "text": dataset.rows[i]["text"],
            "speaker": dataset.rows[i].get("speaker"),
            "claim": dataset.claims[i],
            "gold": dataset.rows[i]["label"],
            "label": given.labels[i],
            "confidence": None if given.probabilities is None else sure[i],
            "why": "; ".join(
                [_KINDS[str(dataset.rows[i]["label"]), given.labels[i]]]
                + [f"{k}: {dataset.rows[i][k]}" for k in ("phenomenon", "form") if dataset.rows[i].get(k)]
            ),
        }
        for i in wrong[:ERRORS]
    ]
