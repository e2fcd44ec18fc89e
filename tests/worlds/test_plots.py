import re
from string import Formatter

import pytest

from gesso.worlds.beats import CLOSING, NEXT_DAY, OPENING, Plot, split_sentences
from gesso.worlds.lexicon import CHARACTERS, PLACES, THINGS, WEATHERS
from gesso.worlds.plots import PLOTS
from gesso.worlds.stories import places_for, things_for

EVERY_PHRASING = [
    phrasing
    for beat in (OPENING, NEXT_DAY, CLOSING, *(beat for plot in PLOTS for beat in plot.beats))
    for phrasing in beat.phrasings
]


def test_there_are_at_least_thirty_plots_and_their_names_and_themes_differ():
    assert len(PLOTS) >= 30
    assert len({plot.name for plot in PLOTS}) == len(PLOTS)
    assert len({plot.theme for plot in PLOTS}) == len(PLOTS)


@pytest.mark.parametrize("plot", PLOTS, ids=lambda plot: plot.name)
def test_a_plot_has_things_places_and_weather_that_suit_it(plot: Plot):
    assert things_for(plot)
    assert places_for(plot)
    assert any(weather.tag == plot.weather for weather in WEATHERS)


@pytest.mark.parametrize("plot", PLOTS, ids=lambda plot: plot.name)
def test_a_required_beat_can_be_phrased_in_two_ways_or_more(plot: Plot):
    assert all(len(beat.phrasings) >= 2 for beat in plot.beats if not beat.optional)


@pytest.mark.parametrize("plot", PLOTS, ids=lambda plot: plot.name)
def test_no_two_phrasings_of_a_beat_differ_only_in_who_acts(plot: Plot):
    for beat in plot.beats:
        shapes = [re.sub(r"\{\w+\}", "{}", phrasing) for phrasing in beat.phrasings]
        assert len(set(shapes)) == len(shapes)


@pytest.mark.parametrize("plot", PLOTS, ids=lambda plot: plot.name)
def test_slots_of_the_friend_occur_only_where_there_is_one(plot: Plot):
    slots = {slot for beat in plot.beats for text in beat.phrasings for _, slot, _, _ in Formatter().parse(text)}
    assert plot.has_friend == bool(slots & {"Friend", "a_fkind", "fhe", "Fhe", "fhim", "fhis"})


@pytest.mark.parametrize("plot", PLOTS, ids=lambda plot: plot.name)
@pytest.mark.parametrize(
    "slots",
    [{"adj", "obj", "an_obj", "An_obj"}, {"noun", "obj", "an_obj", "An_obj"}, {"place", "at_place", "to_place"}],
    ids=["adjective", "noun", "place"],
)
def test_no_telling_leaves_out_what_a_request_may_ask_for(plot: Plot, slots: set[str]):
    needed = (beat for beat in plot.beats if not beat.optional)
    assert any(
        all(slots & {slot for _, slot, _, _ in Formatter().parse(text)} for text in beat.phrasings) for beat in needed
    )


def test_phrasings_are_whole_sentences_with_paired_quotes_in_plain_ascii():
    for phrasing in EVERY_PHRASING:
        assert phrasing.isascii()
        assert phrasing.count('"') % 2 == 0, phrasing
        assert "  " not in phrasing
        assert re.search(r'([.!?]"?|\{Sky\})$', phrasing), phrasing
        assert re.match(r'["{]*[A-Z]', phrasing), phrasing


def test_splitting_a_phrasing_loses_nothing_and_never_leaves_speech_without_its_speaker():
    for phrasing in EVERY_PHRASING:
        sentences = split_sentences(phrasing)
        assert " ".join(sentences) == phrasing
        assert not any(re.match(r"\{?\w+\}? (said|asked|called|cried|shouted)\.", sentence) for sentence in sentences)


def test_split_sentences_keeps_speech_whole():
    text = '"Oh no! It is gone," said Mia. "Look! Here!" Tom ran. He was fast.'
    assert split_sentences(text) == ('"Oh no! It is gone," said Mia.', '"Look! Here!"', "Tom ran.", "He was fast.")


def test_split_sentences_splits_at_every_end_where_quotes_do_not_pair():
    assert split_sentences('"Oh no! It is gone, said Mia. He ran.') == ('"Oh no!', "It is gone, said Mia.", "He ran.")


def test_names_nouns_and_places_are_unique():
    for words in (
        [character.name for character in CHARACTERS],
        [thing.noun for thing in THINGS],
        [place.name for place in PLACES],
    ):
        assert len(set(words)) == len(words)


def test_every_thing_and_place_suits_some_plot():
    assert {thing.noun for plot in PLOTS for thing in things_for(plot)} == {thing.noun for thing in THINGS}
    assert {place.name for plot in PLOTS for place in places_for(plot)} == {place.name for place in PLACES}
