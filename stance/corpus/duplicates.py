"""One row for one statement: reprints become its sources, near-duplicates and quotes of one article its group."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from stance.corpus.groups import near_duplicate_groups, words_of
from stance.corpus.quotes import SAME_STATEMENT

Row = dict[str, Any]


class Duplicates:
    """Which rows say the same, told in one pass; the rows themselves need not stay in memory.

    Rows with the same words (case and punctuation do not count) by the same speaker are one statement, the first of
    them its lead. Near-duplicates are never merged, since one word can turn a stance; they share a group.

    Args:
        rows: with id, text, speaker, article, date, outlet, url.

    Raises:
        MissingExtraError: datasketch is not installed.

    Example:
        >>> base = {"speaker": "Ann", "date": None, "outlet": None, "url": None}
        >>> rows = [{"id": i, "article": i, "text": t, **base} for i, t in [("1", "Never!"), ("2", "never"), ("3", "Yes.")]]
        >>> kept, dropped = Duplicates(rows).split(rows)
        >>> [r["id"] for r in kept], [s["id"] for s in kept[0]["sources"]], [r["id"] for r in dropped]
        (['1', '3'], ['1', '2'], ['2'])
    """

    def __init__(self, rows: Iterable[Row]) -> None:
        texts: list[str] = []
        articles: list[str] = []
        ids: list[str] = []
        leads: dict[tuple[str, str], int] = {}
        self._sources: dict[int, list[Row]] = {}
        for i, row in enumerate(rows):
            key = (" ".join(words_of(row["text"])), (row["speaker"] or "").casefold())
            lead = leads.setdefault(key, i)
            source = {name: row[name] for name in ("id", "article", "outlet", "date", "url")}
            self._sources.setdefault(lead, []).append(source)
            texts.append(row["text"])
            articles.append(row["article"])
            ids.append(row["id"])
        self._groups = [ids[root] for root in near_duplicate_groups(texts, articles)]

    def split(self, rows: Iterable[Row]) -> tuple[list[Row], list[Row]]:
        """The leads with `sources` and `group`, and what was merged into them, both as lists."""
        marked = list(self.mark(rows))
        return [r for r in marked if "reason" not in r], [r for r in marked if "reason" in r]

    def mark(self, rows: Iterable[Row]) -> Iterator[Row]:
        """The same rows again, in the same order: leads with `sources` and `group`, others with a `reason`.

        Args:
            rows: those that the object was made from.
        """
        for i, row in enumerate(rows):
            if i in self._sources:
                yield {**row, "group": self._groups[i], "sources": self._sources[i]}
            else:
                yield {"id": row["id"], "article": row["article"], "text": row["text"], "reason": SAME_STATEMENT}
