import random
import re
from collections.abc import Callable

import pytest

from gesso.worlds.check import check_story
from gesso.worlds.lexicon import CHARACTERS, THINGS
from gesso.worlds.splits import Split
from gesso.worlds.stories import Story, write_story

OTHER_PRONOUN = {"he": "she", "she": "he", "him": "her", "his": "her", "her": "his", "himself": "herself"}
OTHER_PRONOUN |= {"herself": "himself", "He": "She", "She": "He", "His": "Her", "Her": "His"}


def edit_one_sentence(rng: random.Random, story: Story, word: str, change: Callable[[re.Match[str]], str]) -> str:
    sentences = list(story.sentences)
    places = [index for index, sentence in enumerate(sentences) if re.search(rf"\b({word})\b", sentence)]
    if places:
        index = rng.choice(places)
        sentences[index] = re.sub(rf"\b({word})\b", change, sentences[index])
    return " ".join(sentences)


def swap_hero(rng: random.Random, story: Story) -> str:
    other = rng.choice([character.name for character in CHARACTERS if character is not story.hero])
    return edit_one_sentence(rng, story, story.hero.name, lambda _: other)


def swap_object(rng: random.Random, story: Story) -> str:
    other = rng.choice([thing.noun for thing in THINGS if thing is not story.cast.thing])
    return edit_one_sentence(rng, story, story.cast.thing.noun, lambda _: other)


def swap_pronoun(rng: random.Random, story: Story) -> str:
    return edit_one_sentence(rng, story, "|".join(OTHER_PRONOUN), lambda match: OTHER_PRONOUN[match[0]])


def drop_opening(rng: random.Random, story: Story) -> str:
    return " ".join(story.sentences[1:])


def drop_closing(rng: random.Random, story: Story) -> str:
    return " ".join(story.sentences[:-1])


def repeat_a_sentence(rng: random.Random, story: Story) -> str:
    index = rng.randrange(len(story.sentences))
    return " ".join((*story.sentences[:index], story.sentences[index], *story.sentences[index:]))


def shuffle_neighbours(rng: random.Random, story: Story) -> str:
    sentences = list(story.sentences)
    index = rng.randrange(len(sentences) - 1)
    sentences[index : index + 2] = reversed(sentences[index : index + 2])
    return " ".join(sentences)


def delete_a_word(rng: random.Random, story: Story) -> str:
    words = story.text.split()
    del words[rng.randrange(len(words))]
    return " ".join(words)


@pytest.mark.parametrize(("parts", "split", "count"), [(1, "train", 500), (1, "held_out", 50), (2, "train", 100)])
def test_every_told_story_passes(parts: int, split: Split, count: int):
    rng = random.Random(parts)
    for _ in range(count):
        story = write_story(rng, parts=parts, split=split)
        report = check_story(story.text)
        assert report.ok, report.problems
        assert report.problems == ()


@pytest.mark.parametrize("parts", [1, 2])
def test_a_report_says_what_was_told(parts: int):
    rng = random.Random(11)
    for _ in range(100 // parts):
        story = write_story(rng, parts=parts)
        for part, told in zip(story.parts, check_story(story.text).told, strict=True):
            cast = part.cast
            assert told.plot is part.plot
            assert told.facts["hero"] == cast.hero.name
            assert (told.facts["adjective"], told.facts["noun"]) == (cast.adjective, cast.thing.noun)
            assert told.facts["place"] == cast.place.name


@pytest.mark.parametrize(
    "corrupt",
    [
        swap_hero,
        swap_object,
        swap_pronoun,
        drop_opening,
        drop_closing,
        repeat_a_sentence,
        shuffle_neighbours,
        delete_a_word,
    ],
)
def test_every_corruption_is_caught(corrupt: Callable[[random.Random, Story], str]):
    rng = random.Random(4)
    changed = 0
    while changed < 200:
        story = write_story(rng)
        text = corrupt(rng, story)
        if text != story.text:
            changed += 1
            assert not check_story(text).ok, text


def test_a_foreign_sentence_counts_against_grammar_alone():
    story = write_story(random.Random(5))
    sentences = [*story.sentences]
    sentences[4] = "The stock market fell by three percent."
    report = check_story(" ".join(sentences))
    assert not report.grammatical
    assert report.complete
    assert report.consistent
    assert report.problems == ("not a sentence of this world: The stock market fell by three percent.",)


def test_another_hero_counts_against_consistency_alone():
    story = write_story(random.Random(6))
    sentences = [*story.sentences]
    sentences[-1] = "Zelda".join(sentences[-1].split(story.hero.name))
    assert not check_story(" ".join(sentences)).grammatical
    other = next(c.name for c in CHARACTERS if c not in (story.hero, story.friend))
    report = check_story(story.text + f" And {other} never forgot it.")
    assert not report.complete
    text = story.text.replace(story.hero.name, other, 1)
    report = check_story(text)
    assert report.grammatical
    assert report.complete
    assert not report.consistent
    assert any(other in problem and story.hero.name in problem for problem in report.problems)


def test_a_lost_closing_counts_against_completeness_alone():
    story = write_story(random.Random(7))
    report = check_story(" ".join(story.sentences[:-1]))
    assert report.grammatical
    assert not report.complete
    assert report.consistent
    assert any("closing" in problem for problem in report.problems)


def test_a_friend_with_the_name_of_the_hero_is_not_consistent():
    rng = random.Random(8)
    story = next(s for s in iter(lambda: write_story(rng), None) if s.friend and s.friend.pronouns == s.hero.pronouns)
    assert story.friend is not None
    report = check_story(story.text.replace(story.friend.name, story.hero.name))
    assert not report.consistent
    assert any("cannot be the friend" in problem for problem in report.problems)


def test_a_second_part_about_another_hero_is_not_consistent():
    rng = random.Random(9)
    first, other = (write_story(rng, parts=2) for _ in range(2))
    assert first.hero is not other.hero
    opening = check_story(first.text).problems + check_story(other.text).problems
    assert opening == ()
    half = next(i for i, sentence in enumerate(first.sentences) if sentence.startswith("The next day"))
    other_half = next(i for i, sentence in enumerate(other.sentences) if sentence.startswith("The next day"))
    report = check_story(" ".join((*first.sentences[:half], *other.sentences[other_half:])))
    assert report.grammatical
    assert report.complete
    assert not report.consistent


@pytest.mark.parametrize("text", ["", "   ", "Hello", '"', "!!! ...", "Mia Mia Mia. 1 2 3?", "{Hero} ran."])
def test_any_text_can_be_judged(text: str):
    assert not check_story(text).ok


def test_surrounding_space_does_not_matter():
    assert check_story(f"\n {write_story(random.Random(10)).text} \n").ok
