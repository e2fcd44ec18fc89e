import inspect
import random
import re

import pytest

from gesso.errors import SettingError
from gesso.worlds.check import check_story
from gesso.worlds.lexicon import CHARACTERS
from gesso.worlds.plots import PLOTS
from gesso.worlds.stories import MAX_WORDS, World, is_held_out, things_for, write_story


@pytest.fixture(scope="module")
def stories():
    rng = random.Random(0)
    return [write_story(rng) for _ in range(3000)]


def test_the_same_seed_tells_the_same_story():
    assert write_story(random.Random(7), parts=2) == write_story(random.Random(7), parts=2)
    assert write_story(random.Random(7)).text != write_story(random.Random(8)).text


def test_a_story_fits_a_canvas(stories):
    words = sorted(len(story.text.split()) for story in stories)
    pieces = sorted(len(re.findall(r"\w+|[^\w\s]+", story.text)) for story in stories)
    assert words[0] >= 135
    assert words[-1] <= MAX_WORDS
    assert words[len(words) * 19 // 20] <= 190
    assert pieces[len(pieces) * 99 // 100] <= 248


def test_a_story_of_two_parts_keeps_hero_friend_and_season_and_has_twice_the_length():
    rng = random.Random(1)
    for _ in range(200):
        story = write_story(rng, parts=2)
        first, second = story.parts
        assert 270 <= len(story.text.split()) <= 2 * MAX_WORDS
        assert first.cast.hero is second.cast.hero
        assert first.plot is not second.plot
        assert first.cast.thing is not second.cast.thing
        assert not second.plot.starts_friendship
        assert {first.plot.weather, second.plot.weather} not in ({"snow", "fair"}, {"snow", "rain"})
        if first.cast.friend and second.cast.friend:
            assert first.cast.friend is second.cast.friend


def test_training_never_sees_a_held_out_combination(stories):
    assert not any(is_held_out(story.hero, story.cast.thing, story.plot) for story in stories)


def test_held_out_stories_are_all_held_out_in_every_part():
    rng = random.Random(2)
    for parts, count in ((1, 50), (2, 2)):
        for _ in range(count):
            story = write_story(rng, parts=parts, split="held_out")
            assert all(is_held_out(part.cast.hero, part.cast.thing, part.plot) for part in story.parts)


def test_about_one_combination_in_twenty_is_held_out():
    combinations = [
        is_held_out(hero, thing, plot) for hero in CHARACTERS for plot in PLOTS for thing in things_for(plot)
    ]
    assert 0.04 < sum(combinations) / len(combinations) < 0.06


def test_every_plot_and_every_hero_occurs(stories):
    assert {story.plot.name for story in stories} == {plot.name for plot in PLOTS}
    assert {story.hero.name for story in stories} == {character.name for character in CHARACTERS}


def test_articles_agree_with_the_next_letter(stories):
    for story in stories[:1000]:
        for article, letter in re.findall(r"\b([Aa]n?) (\w)", story.text):
            assert (article.lower() == "an") == (letter in "aeiou"), story.text


def test_text_is_plain_single_spaced_and_without_empty_slots(stories):
    for story in stories:
        assert story.text.isascii()
        assert not re.search(r"  |\n|[{}]| [.,!?]", story.text)
        assert " ".join(story.sentences) == story.text


def test_the_facts_stand_in_the_text(stories):
    for story in stories:
        for fact in (story.hero.name, story.object, story.place.name):
            assert fact in story.text
        assert story.friend is None or story.friend.name in story.text


def test_the_vocabulary_is_small(stories):
    words = {word for story in stories for word in re.findall(r"[a-z]+", story.text.lower())}
    assert 900 < len(words) < 1800


def test_a_title_names_hero_and_thing():
    story = write_story(random.Random(3))
    assert story.title == f"{story.hero.name} and the {story.object.title()}"


def test_an_unknown_split_is_refused():
    with pytest.raises(SettingError, match="no split is called 'test'"):
        inspect.unwrap(write_story)(random.Random(0), split="test")


def test_three_parts_are_refused():
    with pytest.raises(SettingError, match="1 or 2 parts, not 3"):
        write_story(random.Random(0), parts=3)


def test_a_smaller_world_tells_its_plots_in_fewer_words():
    rng = random.Random(11)
    world = World(plots=tuple(PLOTS[:3]), phrasings=1)
    stories = [write_story(rng, world=world) for _ in range(60)]
    assert {story.plot.name for story in stories} == {plot.name for plot in PLOTS[:3]}
    second_ways = {
        phrasing.format_map(story.cast.slots() | {"One": "One", "one": "one"})
        for story in stories
        for beat in story.plot.beats
        for phrasing in beat.phrasings[1:]
    }
    assert not [way for way in second_ways for story in stories if way in story.text]
    assert all(check_story(story.text).ok for story in stories)


def test_an_empty_world_is_an_error():
    with pytest.raises(SettingError, match="tells nothing"):
        World(plots=())


@pytest.mark.parametrize("plot", PLOTS, ids=lambda plot: plot.name)
def test_every_plot_can_be_told_by_itself_in_its_first_words(plot):
    story = write_story(random.Random(0), world=World(plots=(plot,), phrasings=1))
    assert story.plot is plot
    assert len(story.text.split()) <= MAX_WORDS


def test_a_world_too_small_for_two_parts_is_an_error():
    with pytest.raises(SettingError, match="give it more plots"):
        write_story(random.Random(0), parts=2, world=World(plots=tuple(PLOTS[:1])))
