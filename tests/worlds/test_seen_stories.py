import random
import re

import pytest

from gesso.worlds.lexicon import CHARACTER_OF
from gesso.worlds.seen_stories import SeenStories, masked_sentences
from gesso.worlds.stories import write_story


@pytest.fixture(scope="module")
def stories():
    rng = random.Random(0)
    return [write_story(rng) for _ in range(150)]


@pytest.fixture(scope="module")
def seen(stories):
    return SeenStories(story.text for story in stories)


def test_every_story_of_training_is_a_copy_of_itself(stories, seen):
    for story in stories:
        assert seen.has(f" {story.text}\n")
        assert seen.longest_run(story.text) == len(masked_sentences(story.text))


def test_no_fresh_story_is_a_copy_by_chance(seen):
    rng = random.Random(1)
    fresh = [write_story(rng) for _ in range(150)]
    assert not any(seen.has(story.text) for story in fresh)
    assert all(seen.longest_run(story.text) < len(story.sentences) for story in fresh)


def test_a_story_told_of_someone_else_is_still_a_copy():
    text = "There once was a kind little boy named Tom. He was an otter. Tom met Ben, and Ben liked him."
    seen = SeenStories([text])
    swapped = "There once was a kind little girl named Mia. She was a fox. Mia met Zoe, and Zoe liked her."
    assert seen.has(swapped)
    assert not seen.has(swapped.replace("Zoe liked", "Mia liked"))
    assert not seen.has(swapped.replace("kind", "happy"))


def test_every_renamed_story_is_a_copy(stories, seen):
    for story in stories:
        if story.hero.is_animal:
            continue
        taken = {story.hero.name, story.friend.name if story.friend else ""}
        new = next(name for name, who in CHARACTER_OF.items() if who.kind == story.hero.kind and name not in taken)
        assert seen.has(re.sub(rf"\b{story.hero.name}\b", new, story.text))


def test_the_longest_run_is_that_of_comparing_every_place_with_every_place(stories):
    rng, few = random.Random(2), stories[:30]
    seen = SeenStories(story.text for story in few)
    known = [masked_sentences(story.text) for story in few]
    for _ in range(5):
        first, second = rng.sample(few, 2)
        cut = rng.randrange(1, 10)
        text = " ".join((*first.sentences[:cut], *second.sentences[cut:]))
        mine = masked_sentences(text)
        runs = {mine[start:end] for start in range(len(mine)) for end in range(start + 1, len(mine) + 1)}
        shared = {other[start:end] for other in known for end in range(len(other) + 1) for start in range(end)}
        assert seen.longest_run(text) == max(map(len, runs & shared))


def test_nothing_is_a_copy_of_nothing():
    assert not SeenStories([]).has("Mia ran.")
    assert SeenStories([]).longest_run("Mia ran.") == 0
    assert SeenStories(["Mia ran."]).longest_run("") == 0
