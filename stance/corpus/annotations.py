"""Annotations joined to quotes, and several labels of a quote made one. What does not fit is listed, never lost."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from stance.corpus.agreement import reliability_matrix
from stance.errors import InputError
from stance.labels import LABELS, Stance
from stance.records import Annotation

Method = Literal["majority", "dawid_skene", "expert"]


@dataclass(frozen=True, slots=True)
class Problem:
    """An annotation that cannot be used.

    Args:
        file: where it stands.
        quote, annotator: whose it is, as far as it says.
        reason: why.
        label, note: what it says, as far as it does.
    """

    file: str
    quote: str | None
    annotator: str | None
    reason: str
    label: str | None = None
    note: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The problem as plain JSON values."""
        return asdict(self)


def join_annotations(
    annotations: Iterable[tuple[str, Annotation]], quotes: Mapping[str, str]
) -> tuple[list[Annotation], list[Problem]]:
    """The annotations of known quotes, one for each quote and annotator, and what was left out.

    Args:
        annotations: (file, annotation).
        quotes: each known id, of a quote or of a reprint of it, to the id of the quote.

    Returns:
        Annotations in the order of quote and annotator, and a :class:`Problem` for each annotation of an unknown quote,
        each that is given again, and all of an annotator who gave a quote two labels.

    Example:
        >>> good, bad = join_annotations([("a.csv", Annotation("q9", "ann", "favor"))], {"q1": "q1"})
        >>> good, bad[0].reason
        ([], 'unknown quote')
    """
    problems: list[Problem] = []
    given: dict[tuple[str, str], list[tuple[str, Annotation]]] = defaultdict(list)
    for file, a in annotations:
        if a.quote not in quotes:
            problems.append(Problem(file, a.quote, a.annotator, "unknown quote", str(a.label), a.note))
        else:
            given[quotes[a.quote], a.annotator].append((file, Annotation(quotes[a.quote], a.annotator, a.label, a.note)))
    good = []
    for (quote, annotator), found in sorted(given.items()):
        labels = sorted({str(a.label) for _, a in found})
        if len(labels) > 1:
            reason = f"conflict: the annotator gave {' and '.join(labels)}"
            problems += [Problem(file, quote, annotator, reason, str(a.label), a.note) for file, a in found]
            continue
        good.append(found[0][1])
        problems += [Problem(file, quote, annotator, "given again", str(a.label), a.note) for file, a in found[1:]]
    return good, problems


@dataclass(frozen=True, slots=True)
class Decision:
    """The label of a quote, and how it came about.

    Args:
        label: the stance, or None where there is no decision.
        why: "unanimous", "majority", "dawid_skene", "expert", or what is missing.
        votes: how many gave each label.
        confidence: share of the votes, or the posterior probability, 0 to 1.
    """

    label: Stance | None
    why: str
    votes: Mapping[str, int]
    confidence: float


def adjudicate(
    annotations: Sequence[Annotation], *, method: Method = "majority", expert: str | None = None
) -> dict[str, Decision]:
    """One label for each quote.

    Args:
        annotations: at most one for each quote and annotator.
        method: "majority": more than half of the votes; "dawid_skene": the likeliest label under a model of each
            annotator's errors (:func:`dawid_skene`); "expert": the expert's label, or what all others agree on.
        expert: name of that annotator.

    Returns:
        A decision for each quote, by id; its label is None where the votes are tied or the expert has still to decide.

    Raises:
        InputError: an unknown method, an expert who annotated nothing, or an annotator with two labels for a quote.

    Example:
        >>> votes = [Annotation("q", n, x) for n, x in [("ann", "favor"), ("bob", "favor"), ("eve", "neutral")]]
        >>> adjudicate(votes)["q"].label, adjudicate(votes, method="expert", expert="eve")["q"].label
        (<Stance.FAVOR: 'favor'>, <Stance.NEUTRAL: 'neutral'>)
    """
    if method not in ("majority", "dawid_skene", "expert"):
        raise InputError(f"method must be majority, dawid_skene or expert, not {method!r}.")
    if method == "expert" and annotations and all(a.annotator != expert for a in annotations):
        raise InputError(f"The expert {expert!r} annotated nothing.")
    by_quote: dict[str, dict[str, Stance]] = defaultdict(dict)
    for a in annotations:
        by_quote[a.quote][a.annotator] = a.label
    posterior = dawid_skene(annotations) if method == "dawid_skene" else {}
    return {q: _decide(given, method, expert, posterior.get(q)) for q, given in sorted(by_quote.items())}


def _decide(given: Mapping[str, Stance], method: Method, expert: str | None, posterior: Sequence[float] | None) -> Decision:
    counts = Counter(given.values())
    votes = {str(x): counts[x] for x in LABELS if counts[x]}
    label, most = counts.most_common(1)[0]
    share = round(most / len(given), 6)
    if posterior is not None:
        best = int(np.argmax(posterior))
        return Decision(LABELS[best], "dawid_skene", votes, round(float(posterior[best]), 6))
    if method == "expert" and expert is not None and expert in given:
        return Decision(given[expert], "expert", votes, 1.0)
    if most == len(given):
        return Decision(label, "unanimous" if most > 1 else "one annotator", votes, share)
    if method == "expert":
        return Decision(None, "waits for the expert", votes, share)
    return Decision(label, "majority", votes, share) if share > 0.5 else Decision(None, "no majority", votes, share)


def dawid_skene(annotations: Sequence[Annotation], *, iterations: int = 100) -> dict[str, list[float]]:
    """Posterior label probabilities of each quote, annotators weighed by their estimated errors.

    The EM of Dawid and Skene (1979), "Maximum Likelihood Estimation of Observer Error-Rates Using the EM Algorithm",
    begun from the shares of the votes.

    Args:
        annotations: at most one for each quote and annotator.
        iterations: at most so many steps; it stops when no probability moves by more than 1e-6.

    Returns:
        For each quote, probabilities in `LABELS` order.

    Example:
        >>> [round(p, 3) for p in dawid_skene([Annotation("q", "ann", "favor"), Annotation("q", "bob", "favor")])["q"]]
        [0.0, 0.0, 1.0]
    """
    matrix, quotes, _ = reliability_matrix(annotations)
    if not quotes:
        return {}
    said = np.stack([matrix == k for k in range(len(LABELS))], axis=2).astype(float)  # quotes, annotators, labels
    truth = said.sum(axis=1) / said.sum(axis=(1, 2))[:, None]
    for _step in range(iterations):
        prior = truth.mean(axis=0)
        errors = np.einsum("qt,qas->ats", truth, said)  # annotators, true label, said label
        errors /= np.clip(errors.sum(axis=2, keepdims=True), 1e-10, None)
        logs = np.log(np.clip(prior, 1e-10, None)) + np.einsum("qas,ats->qt", said, np.log(np.clip(errors, 1e-10, None)))
        new = np.exp(logs - logs.max(axis=1, keepdims=True))
        new /= new.sum(axis=1, keepdims=True)
        moved, truth = float(np.abs(new - truth).max()), new
        if moved < 1e-6:
            break
    return {quote: row.tolist() for quote, row in zip(quotes, truth, strict=True)}
