"""TF-IDF and logistic regression: the floor that a transformer has to beat. Stored as JSON, never pickled.

It reads the text alone, so it knows only the target that it was fitted on.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from stance.errors import InputError, ModelError
from stance.labels import LABELS, Stance
from stance.models.checkpoint import fingerprint, read_temperature

_FILE = "baseline.json"


def linear_head(features: Any, labels: Sequence[str], *, c: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Balanced logistic regression as weights (3, features) and bias (3,) in `LABELS` order.

    A label that does not occur gets a bias so low that it is never given: a task without neutral stays one.

    Args:
        features: (n, features), dense or sparse.
        labels: (n,) names of stances.
        c: inverse strength of the penalty, above 0.

    Raises:
        InputError: fewer than two labels, or an unknown one.

    Example:
        >>> weights, bias = linear_head(np.eye(2), ["favor", "against"], c=1.0)
        >>> (np.eye(2) @ weights.T + bias).argmax(axis=1).tolist()
        [2, 0]
    """
    from sklearn.linear_model import LogisticRegression

    names = [*map(str, LABELS)]
    found = sorted(set(labels))
    if len(found) < 2 or not set(found) <= set(names):
        raise InputError(f"A baseline needs rows of two or three of {names}; it got {found}.")
    model = LogisticRegression(C=c, max_iter=1000, class_weight="balanced").fit(features, labels)
    weights, bias = np.zeros((3, features.shape[1])), np.full(3, -30.0)
    pairs = (model.coef_, model.intercept_)
    if len(found) == 2:  # scikit-learn keeps one row for two classes: half of it for the second, half against the first
        pairs = (np.vstack([-model.coef_, model.coef_]) / 2, np.append(-model.intercept_, model.intercept_) / 2)
    rows = [names.index(label) for label in model.classes_]
    weights[rows], bias[rows] = pairs
    return weights, bias


class BaselineModel:
    """TF-IDF of one and two words, then multinomial logistic regression (scikit-learn).

    Example:
        >>> rows = [("we back it", "favor"), ("we reject it", "against"), ("talks go on", "neutral")]
        >>> BaselineModel.fit(rows).logits(["we reject it"], [""], batch_size=1, progress=False)[0].argmax()
        np.int64(0)
    """

    def __init__(self, vocabulary: dict[str, int], idf: Sequence[float], weights: Any, bias: Any) -> None:
        from sklearn.feature_extraction.text import TfidfVectorizer

        self.name, self.temperature = "baseline", 1.0
        self.languages: tuple[str, ...] | None = None
        self._vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, vocabulary=vocabulary)
        self._vectorizer.idf_ = np.asarray(idf)
        self._weights, self._bias = np.asarray(weights, dtype=float), np.asarray(bias, dtype=float)

    @classmethod
    def fit(cls, records: Sequence[tuple[str, str]]) -> Self:
        """Fit on (text, label) pairs.

        Raises:
            InputError: fewer than two labels, or an unknown one.
        """
        from sklearn.feature_extraction.text import TfidfVectorizer

        vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
        features = vectorizer.fit_transform([text for text, _ in records])
        weights, bias = linear_head(features, [str(label) for _, label in records], c=10.0)
        vocabulary = {term: int(i) for term, i in vectorizer.vocabulary_.items()}
        return cls(vocabulary, vectorizer.idf_, weights, bias)

    def logits(
        self, texts: Sequence[str], claims: Sequence[str], *, batch_size: int, progress: bool
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """See :class:`stance.models.protocol.StanceModel`; the claims are not read."""
        scores = self._vectorizer.transform(texts) @ self._weights.T + self._bias
        return scores.astype(np.float32), np.ones(len(texts), dtype=np.int64)

    def save(self, folder: str | Path) -> Path:
        """Write the model to a folder that `model=` takes, and return the folder."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        values = {
            "labels": [*map(str, LABELS)],
            "vocabulary": self._vectorizer.vocabulary,
            "idf": self._vectorizer.idf_.tolist(),
            "weights": self._weights.tolist(),
            "bias": self._bias.tolist(),
        }
        (folder / _FILE).write_text(json.dumps(values), encoding="utf-8")
        return folder

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Read a model that :meth:`save` wrote.

        Raises:
            ModelError: the file is damaged or its labels are others than ours.
        """
        path = Path(folder) / _FILE
        try:
            values = json.loads(path.read_text("utf-8"))
            if [Stance(x) for x in values["labels"]] != list(LABELS):
                raise ValueError(f"labels {values['labels']}")
            model = cls(values["vocabulary"], values["idf"], values["weights"], values["bias"])
        except (OSError, ValueError, KeyError) as error:
            raise ModelError(f"{path}: damaged baseline ({error}); fit and save it again.") from error
        model.name, model.temperature = f"baseline@{fingerprint(path)}", read_temperature(Path(folder))
        return model
