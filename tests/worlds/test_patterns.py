from gesso.worlds.patterns import Fact, read_sentence


def facts_of(sentence: str) -> set[Fact]:
    return {fact for reading in read_sentence(sentence) for fact in reading.facts}


def test_a_sentence_states_its_facts():
    facts = facts_of("One windy day, Mia took the kite to the park.")
    assert {("hero", "Mia"), ("noun", "kite"), ("place", "the park"), ("weather", "windy")} <= facts


def test_pronouns_are_read_by_their_class():
    facts = facts_of("All at once, there was a strong wind, and she let go of the string.")
    assert facts == {("hero's pronouns", "she")}


def test_the_longest_noun_is_read():
    facts = facts_of('"My apple pie!" cried Tom.')
    assert {("noun", "apple pie"), ("hero", "Tom")} <= facts
    assert ("noun", "pie") not in facts


def test_a_wrong_article_or_an_unfitting_adjective_cannot_be_read():
    assert read_sentence("She had a orange kite and took it everywhere.") == ()
    assert read_sentence("She had a tasty kite and took it everywhere.") == ()
    assert read_sentence("She had an orange kite and took it everywhere.") != ()


def test_what_the_world_cannot_say_has_no_reading():
    assert read_sentence("The stock market fell.") == ()
    assert read_sentence("") == ()
