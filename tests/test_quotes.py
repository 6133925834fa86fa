"""Who said what: marks, clauses, speakers; offsets are true on any text."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import FrameType
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import stance
from stance.models.batching import WASTE
from stance.models.onnx import TOKENS
from stance.quotes import Extractor
from stance.quotes.crf import decode
from stance.quotes.layout import LONGEST, laid_out
from stance.quotes.tagger import Tagger, words_of

ARTICLE = Path(__file__).parent.parent / "data" / "articles" / "sample.txt"


def said(text: str, extractor: Extractor = "rules") -> list[tuple[str, str | None]]:
    return [(q.text, q.speaker) for q in stance.extract_quotes(text, extractor=extractor)]


def test_the_sample_article() -> None:
    quotes = stance.extract_quotes(ARTICLE.read_text("utf-8"), extractor="rules")
    assert [q.speaker for q in quotes] == [
        "Ingrid Solheim",
        "Ingrid Solheim",
        "Tomas Brenner",
        "Tomas Brenner",
        "Tomas Brenner",
        "Kremlin",
        "Marta Lindqvist",
        "Marta Lindqvist",
        "Danylo Hrytsenko",
        "Danylo Hrytsenko",
        "Ingrid Solheim",
    ]
    assert quotes[0].form == "direct"
    assert quotes[4].form == "mixed"
    assert quotes[5].form == "indirect"
    assert quotes[6].text == "the declaration of the forum names neither a date nor a procedure."
    assert [q.negated for q in quotes].count(True) == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"We will not block it," said Anna Holm.', ("We will not block it", "Anna Holm")),
        ("“We will not block it,” said Anna Holm.", ("We will not block it", "Anna Holm")),
        ("«We will not block it», said Anna Holm.", ("We will not block it", "Anna Holm")),
        ("„We will not block it“, said Anna Holm.", ("We will not block it", "Anna Holm")),
        ("‘We won’t block it,’ said Anna Holm.", ("We won’t block it", "Anna Holm")),
        ("「We will not block it」, said Anna Holm.", ("We will not block it", "Anna Holm")),
        ("『We will not block it』, said Anna Holm.", ("We will not block it", "Anna Holm")),
        ("‹We will not block it›, said Anna Holm.", ("We will not block it", "Anna Holm")),
        ("‚We will not block it‘, said Anna Holm.", ("We will not block it", "Anna Holm")),
        (
            "'It's the allies' road, and we won't close it,' Anna Holm said.",
            ("It's the allies' road, and we won't close it", "Anna Holm"),
        ),
        ("“The bridge will hold,” said Viktor “the Bear” Marko.", ("The bridge will hold", "Viktor “the Bear” Marko")),
        ("“The vote stands,” Anna Holm, speaking in Riga on Monday, said.", ("The vote stands", "Anna Holm")),
        (
            "'She told me, \"the door is shut\", and left,' said Anna Holm.",
            ('She told me, "the door is shut", and left', "Anna Holm"),
        ),
        ("Anna Holm said that the door was open.", ("the door was open.", "Anna Holm")),
        ("The door was open, according to Anna Holm.", ("The door was open", "Anna Holm")),
        ("Foreign Minister Anna Holm warned that time ran out.", ("time ran out.", "Anna Holm")),
        ("“The door is open to all of them” — Anna Holm.", ("The door is open to all of them", "Anna Holm")),
        ("Moscow has demanded that Kyiv stay neutral.", ("Kyiv stay neutral.", "Moscow")),
        ("‘We won’t wait for the allies’ approval,’ Anna Holm said.", ("We won’t wait for the allies’ approval", "Anna Holm")),
        ("Anna Holm said “the door is open. She left early.", ("the door is open.", "Anna Holm")),
        ("Anna Holm, a doctor, said:\n\n“We treat them all.”", ("We treat them all.", "Anna Holm")),
        ('Viktor "the Bear" Marko said that the bridge would hold.', ("the bridge would hold.", 'Viktor "the Bear" Marko')),
        ("From Chairwoman Ilse Brandt: “The vote is on Tuesday.”", ("The vote is on Tuesday.", "Ilse Brandt")),
        ("Anna Holm, who chairs the group, told us on Monday that the vote stood.", ("the vote stood.", "Anna Holm")),
        ("Peter Falk denied that he had promised a seat.", ("he had promised a seat.", "Peter Falk")),
        ("If he says that the door is open, Peter Falk will lose.", ("the door is open", None)),
        ("It will take years, according to a senior diplomat in Brussels.", ("It will take years", "a senior diplomat")),
        ("It was announced by the ministry on Monday that the talks went on.", ("the talks went on.", "ministry")),
        ("Anna Holm: We will not wait for them.", ("We will not wait for them.", "Anna Holm")),
        ("Russia’s defence ministry said that the drills had begun.", ("the drills had begun.", "Russia’s defence ministry")),
    ],
)
def test_one_statement(text: str, expected: tuple[str, str]) -> None:
    assert said(text) == [expected]
    # the tagger's contents end before the full stop of the reporter's sentence, and hold a role whole
    [(content, speaker)] = said(text, "tagger")
    assert content.rstrip(".") == expected[0].rstrip(".")
    assert speaker == expected[1] or (speaker or "").startswith(f"{expected[1]} ")


def test_a_quote_broken_by_its_attribution_is_one_quote_in_pieces() -> None:
    text = "“We are ready,” said Anna Holm, “and we will not wait.”"
    [quote] = stance.extract_quotes(text)
    assert quote.text == "We are ready and we will not wait."
    assert [text[a:b] for a, b in quote.pieces] == ["We are ready", "and we will not wait."]


def test_pronoun_and_surname_lead_to_the_full_name() -> None:
    found = said("Anna Holm said the talks were over. She added that nothing was agreed. Holm noted that it was late.")
    assert [speaker for _, speaker in found] == ["Anna Holm"] * 3


@pytest.mark.parametrize(
    "text",
    [
        "Anna Holm met Peter Falk on Monday. She said that the talks were useful. He said that they were not. "
        "She added that the next round would decide.",
        "Anna Holm met Peter Falk on Monday. “The talks were useful,” she said. “They were not,” he replied. "
        "“The next round will decide,” she added.",
    ],
)
def test_two_people_and_their_pronouns(text: str) -> None:
    for extractor in get_args(Extractor):
        assert [speaker for _, speaker in said(text, extractor)] == ["Anna Holm", "Peter Falk", "Anna Holm"]


@pytest.mark.parametrize("last", ["“And it must stay open.” Nobody answered.", "“And it must stay open."])
def test_a_quotation_goes_on_in_the_next_paragraphs(last: str) -> None:
    text = f"“We waited for years,” said Anna Holm. “We will not wait again.\n\n“The door must open now.\n\n{last}"
    for extractor in get_args(Extractor):
        assert said(text, extractor) == [
            ("We waited for years", "Anna Holm"),
            ("We will not wait again.", "Anna Holm"),
            ("The door must open now.", "Anna Holm"),
            ("And it must stay open.", "Anna Holm"),
        ]


@pytest.mark.parametrize(
    "text", ["“We will not block it, said Anna Holm. She left.", "We will not block it,” said Anna Holm. She left."]
)
def test_a_mark_without_its_other_is_no_part_of_the_quote(text: str) -> None:
    assert said(text, "tagger") == [("We will not block it", "Anna Holm")]
    assert said(text) in ([], said(text, "tagger"))


def test_turns_of_a_transcript() -> None:
    found = said("Stuart Penrose will ask first.\n\nMR PENROSE: Is the door open?\n\nCHAIR: Order, please, everybody.")
    assert found[0] == ("Is the door open?", "Stuart Penrose")


def test_i_inside_a_quotation_is_its_speaker_and_who_is_named_there_is_not() -> None:
    found = said("“I told President Falk that he was wrong,” said Anna Holm. “I will tell him again.”")
    assert [speaker for _, speaker in found] == ["Anna Holm", "Anna Holm"]


def test_a_quotation_inside_a_quotation_is_one() -> None:
    for extractor in get_args(Extractor):
        assert said("“My mother said, ‘never trust a door,’ and I never did,” said Anna Holm.", extractor) == [
            ("My mother said, ‘never trust a door,’ and I never did", "Anna Holm")
        ]


def test_titles_of_books_are_no_statements() -> None:
    for extractor in get_args(Extractor):
        assert said("Her book “The Long Way to the Door” was sold out.", extractor) == []


def test_scare_quotes_headings_and_passives_are_no_statements() -> None:
    for extractor in get_args(Extractor):
        assert (
            said("Minister says no to all\n\nThe “special” road was closed. Kyiv was told nothing of the sort.", extractor) == []
        )


def test_negation_is_marked() -> None:
    for extractor in get_args(Extractor):
        [quote] = stance.extract_quotes("Anna Holm did not say that the vote would be held.", extractor=extractor)
        assert quote.negated


def test_hedges_are_marked() -> None:
    for extractor in get_args(Extractor):
        [quote] = stance.extract_quotes("If he says that the door is open, Peter Falk will lose.", extractor=extractor)
        assert quote.hedged


def test_a_person_named_after_the_lede_is_who_it_speaks_of() -> None:
    text = (
        "A former minister has called the vote “a farce in three acts”.\n\n"
        "Anna Holm, 54, said that she would appeal.\n\n“They will hear from me,” the former minister said."
    )
    assert [speaker for _, speaker in said(text, "tagger")] == ["Anna Holm"] * 3


def test_a_single_name_beside_a_relative_is_a_person() -> None:
    text = "Tom Ashdown drove north. His daughter Sofia stayed. “It was cold,” she said."
    assert said(text, "tagger") == [("It was cold", "Sofia")]


def test_an_unnamed_person_is_who_the_next_pronoun_means() -> None:
    text = "Anna Holm was there. A former employee said that the labels had been changed. She said nobody had asked."
    assert [speaker for _, speaker in said(text, "tagger")] == ["a former employee"] * 2


def test_a_role_keeps_to_the_person_beside_it() -> None:
    text = "Judge Carola Dietz told Stefan Brandl that he had been greedy.\n\n“You knew it all along,” the judge said."
    assert [speaker for _, speaker in said(text, "tagger")] == ["Carola Dietz"] * 2


def test_one_of_a_people_is_the_person_with_that_title() -> None:
    text = (
        "Finnish President Aino Rautavaara spoke first. Gregor Zupan thanked her.\n\n"
        "“A guest who knocks for years is a neighbour,” the Finn said in her reply."
    )
    assert said(text, "tagger")[-1][1] == "Aino Rautavaara"


def test_labels_that_recur_make_an_interview() -> None:
    text = (
        "Colonel Birgit Falk runs the mission.\n\nReview: How many officers passed?\n\nFalk: Two thousand of them. A major "
        "said to me, “You plan the retreat.”\n\nReview: And then?\n\nFalk: Then we plan the lunch."
    )
    for extractor in get_args(Extractor):
        assert [speaker for _, speaker in said(text, extractor)] == ["Review", "Birgit Falk", "Review", "Birgit Falk"]


def test_claims_and_facts_are_no_turns() -> None:
    text = "CLAIM: The door is open.\n\nFACT: The door is shut.\n\nCLAIM: It is green.\n\nFACT: It is red."
    assert said(text) == []


def test_a_quotation_in_straight_marks_goes_on_in_the_next_paragraph() -> None:
    text = '"We waited for years," said Anna Holm. "We will not wait again.\n\n"The door must open now."'
    assert [speaker for _, speaker in said(text, "tagger")] == ["Anna Holm"] * 3


def test_the_reporters_frame_is_never_content() -> None:
    for extractor in get_args(Extractor):
        [quote] = stance.extract_quotes("“We are ready,” Anna Holm, the mayor, said on Monday.", extractor=extractor)
        assert quote.text == "We are ready"


def test_a_teaser_cut_short_gives_way_to_the_paragraph_itself() -> None:
    whole = "The bridge would hold “for a hundred years”, said Anna Holm, and the town should stop its collection of money."
    for extractor in get_args(Extractor):
        text = f"A bridge for ever\n\n{whole[:-30]}...\n\nA bridge for ever\n{whole}"
        assert {q.paragraph for q in stance.extract_quotes(text, extractor=extractor)} == {3}


def test_a_question_put_to_somebody_is_not_their_statement() -> None:
    text = "Anna Holm smiled when asked if the talks had failed. She said that they would go on."
    assert said(text, "tagger") == [("they would go on", "Anna Holm")]


def test_confidence_says_how_sure_the_tagger_was() -> None:
    clear, vague = '"We will not block the door," said Anna Holm.', "The mood, it seemed, was that of a door half open to all."
    [quote] = stance.extract_quotes(clear)
    assert quote.confidence is not None and quote.confidence > 0.9
    assert quote.to_dict()["confidence"] == quote.confidence
    assert all(q.confidence is not None and q.confidence < quote.confidence for q in stance.extract_quotes(vague))
    assert [q.confidence for q in stance.extract_quotes(clear, extractor="rules")] == [None]


def test_a_confidence_outside_0_to_1_is_refused() -> None:
    with pytest.raises(stance.InputError, match="confidence"):
        stance.Quote("We are ready", confidence=1.5)


def test_the_tagger_reads_the_same_on_many_threads_and_computes_little_padding(monkeypatch: pytest.MonkeyPatch) -> None:
    text = ARTICLE.read_text("utf-8")
    words = [word for word, *_ in words_of(text, 0, len(text))]
    instances = [words[i : i + 5 + i % 90] for i in range(0, len(words) - 95, 25)]
    masks: list[np.ndarray] = []
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    folder = Path(stance.__file__).parent / "weights" / "minilm-attribution"
    tagger = Tagger(folder)
    session = tagger._session

    class Watched:
        def run(self, names: None, feed: dict[str, np.ndarray]) -> list[np.ndarray]:
            masks.append(feed["attention_mask"])
            return list(session.run(names, feed))

    monkeypatch.setattr(tagger, "_session", Watched())
    together = tagger.tag(instances)
    assert len(masks) > 1 and all(mask.size <= TOKENS and mask.mean() >= 1 - WASTE for mask in masks)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    alone = Tagger(folder)
    assert [alone.tag([instance])[0] for instance in instances] == together
    assert any(tag != "O" for tags in together for tag in tags)


def test_many_articles_give_what_each_one_gives() -> None:
    texts = [ARTICLE.read_text("utf-8"), "", "Rain.", '"We will not block it," said Anna Holm.', "word " * 3000]
    for extractor in get_args(Extractor):
        together = list(stance.extract_many(iter(texts), extractor=extractor))
        alone = [stance.extract_quotes(t, extractor=extractor) for t in texts]
        assert [[(q.start, q.end, q.speaker) for q in some] for some in together] == [
            [(q.start, q.end, q.speaker) for q in some] for some in alone
        ]


def test_spans_that_are_likely_enough_are_kept_and_do_not_overlap() -> None:
    free = np.zeros((3, 3), np.float32), np.zeros(3, np.float32)
    unsure = np.array([[0, 0, -9], [0, -9, 0.5], [9, 0, 0]], np.float32)
    assert decode([unsure], *free, least=0.9)[0][0] == [0, 0, 0]
    assert decode([unsure], *free, least=0.2)[0][0] == [1, 2, 0]
    [(_, shares)] = decode([unsure], *free, least=0.5)
    assert np.allclose(shares.sum(1), 1)


@pytest.mark.parametrize(
    "piece", ["“Yes, we will,” said Anna Holm. ", '"a b" ', "He said that we go on and on, ", "Anna Holm met Peter Falk. "]
)
def test_a_very_long_paragraph_is_read_in_blocks(piece: str) -> None:
    text = piece * (16_000 // len(piece))
    blocks = laid_out(text)
    assert len(blocks) > 2 and max(b.end - b.start for b in blocks) < 2 * LONGEST
    assert "".join(text[b.start : b.end] for b in blocks).replace(" ", "") == text.replace(" ", "")
    for extractor in get_args(Extractor):
        assert all(text[a:b] for q in stance.extract_quotes(text, extractor=extractor) for a, b in q.pieces)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from([*"ab AB.,:\"“”‘’«»„「」\n—'", " said ", " He ", "Anna Holm", " that we go on "])))
def test_offsets_are_true_on_any_text(parts: list[str]) -> None:
    text = "".join(parts)
    for quote in [q for e in get_args(Extractor) for q in stance.extract_quotes(text, extractor=e)]:
        assert " ".join(text[a:b] for a, b in quote.pieces) == quote.text
        assert (quote.pieces[0][0], quote.pieces[-1][1]) == (quote.start, quote.end)


@pytest.mark.parametrize("text", ["", "word", '"' * 2000, "“" * 2000, "no end " * 20_000])
def test_odd_articles_do_no_harm(text: str) -> None:
    for extractor in get_args(Extractor):
        assert all(text[a:b] for q in stance.extract_quotes(text, extractor=extractor) for a, b in q.pieces)


def long_article(size: int) -> str:
    """The sample over and over, with other names each time, until it has so many characters."""
    sample = ARTICLE.read_text("utf-8")
    copies = []
    for n in range(size // len(sample) + 1):
        suffix = "".join(chr(ord("a") + int(digit)) for digit in str(n))
        copies.append(re.sub(r"\b(?:Solheim|Brenner|Lindqvist|Hrytsenko)\b", lambda m: m.group() + suffix, sample))  # noqa: B023
    return "\n\n".join(copies)[:size]


def test_an_article_of_a_megabyte() -> None:
    text = long_article(1_000_000)
    quotes = stance.extract_quotes(text, extractor="rules")
    assert len(quotes) > 4000
    assert all(" ".join(text[a:b] for a, b in q.pieces) == q.text for q in quotes)
    assert {"Ingrid Solheimfaa", "Tomas Brennerfaa", "Marta Lindqvistfaa", "Danylo Hrytsenkofaa"} < {q.speaker for q in quotes}


@pytest.mark.parametrize(
    "text",
    [
        long_article(120_000),
        long_article(120_000).replace("\n", " "),
        '"' * 120_000,
        "'" * 120_000,
        "“Yes, we will go now\n" * 6000,
        "“We go on and on, ” " * 6000,
        "A" * 120_000,
        "A.B." * 30_000,
        "Anna " * 24_000,
        ". . .... " * 12_000,
    ],
    ids=lambda text: text[:10],
)
def test_the_work_grows_no_faster_than_the_article(text: str) -> None:
    def calls(article: str) -> int:
        seen = 0

        def look(_frame: FrameType, event: str, _argument: object) -> None:
            nonlocal seen
            seen += event in ("call", "c_call")

        before = sys.getprofile()
        sys.setprofile(look)
        try:
            stance.extract_quotes(article, extractor="rules")
        finally:
            sys.setprofile(before)
        return seen

    assert calls(text) < 5 * calls(text[: len(text) // 4]) + 1000
