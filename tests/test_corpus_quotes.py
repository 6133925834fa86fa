"""Which quotes speak of the target, and why the others were left out."""

from __future__ import annotations

import pytest

import stance
from stance.corpus import quotes_on_target
from stance.corpus.quotes import NO_KEYWORD, NO_QUOTE, NO_STANCE, OTHER_LANGUAGE, keywords_of
from stance.errors import ConfigError
from stance.records import Article
from stance.targets import Target

ARTICLES = [
    Article("“Ukraine must never join NATO,” said Ilya Garin.", title="Talks", date="2024-05-01", outlet="Post", id="a"),
    Article("“Ninety geese were counted on the lake this morning,” said Anna Holm.", id="b"),
    Article("“The session begins at nine and ends at noon,” said Anna Holm.", title="Ukraine and NATO", id="c"),
    Article("“Die Ukraine gehört in die NATO, und zwar so bald wie möglich,” said Ewa Sobol.", id="d"),
    Article("Nothing was said.", id="e"),
]


def test_each_quote_is_kept_or_has_a_reason() -> None:
    kept, dropped = quotes_on_target(ARTICLES)
    assert [(r["article"], r["speaker"], r["stance"], r["date"]) for r in kept] == [("a", "Ilya Garin", "against", "2024-05-01")]
    assert {r["article"]: r["reason"] for r in dropped} == {"b": NO_KEYWORD, "c": NO_STANCE, "d": OTHER_LANGUAGE, "e": NO_QUOTE}
    assert sum(kept[0][f"p_{x}"] for x in ("against", "neutral", "favor")) == pytest.approx(1, abs=1e-5)
    all_kept, _ = quotes_on_target(ARTICLES, neutral_above=1)
    assert [r["article"] for r in all_kept] == ["a", "c"]
    assert all_kept[0] == kept[0]


def test_an_id_names_one_quote_for_good() -> None:
    first, _ = quotes_on_target(ARTICLES[:1])
    again, _ = quotes_on_target(ARTICLES[2:] + ARTICLES[:1])
    assert first[0]["id"] == again[0]["id"]
    moved, _ = quotes_on_target([Article("He spoke. " + ARTICLES[0].text, id="a")])
    assert moved[0]["id"] != first[0]["id"]


def test_a_short_quote_is_read_with_its_context_as_in_an_analysis() -> None:
    """"out of the question" alone is neutral, and the article would be dropped for it."""
    article = Article("Ukraine's membership in NATO is “out of the question,” said Anna Holm.", id="f")
    kept, dropped = quotes_on_target([article], neutral_above=0.5)
    assert [(r["text"], r["stance"]) for r in kept] == [("out of the question", "against")] and dropped == []
    assert kept[0]["p_against"] == pytest.approx(stance.analyze(article, extractor="rules").rows()[0]["p_against"], abs=1e-5)


def test_another_target_brings_its_own_keywords() -> None:
    assert keywords_of("Georgia should join NATO.") == (("Georgia",), ("NATO",))
    with pytest.raises(ConfigError, match="holds no names"):
        quotes_on_target(ARTICLES, target=Target("x", claim="taxes should rise"))
