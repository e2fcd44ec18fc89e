import random
from itertools import islice

import pytest

from gesso.worlds.check import check_story
from gesso.worlds.stories import is_held_out
from gesso.worlds.tasks import KINDS, MAX_PROMPT_WORDS, Document, infill_case, story_prompts, write_document


@pytest.fixture(scope="module")
def documents() -> list[Document]:
    rng = random.Random(0)
    return [write_document(rng) for _ in range(3000)]


def of_kind(documents: list[Document], kind: str) -> list[Document]:
    return [document for document in documents if document.kind == kind]


def test_kinds_occur_by_their_weights(documents):
    assert sum(weight for weight, _ in KINDS.values()) == pytest.approx(1)
    for kind, (weight, _) in KINDS.items():
        assert len(of_kind(documents, kind)) / len(documents) == pytest.approx(weight, abs=0.03)


def test_the_same_seed_writes_the_same_document():
    assert write_document(random.Random(1)) == write_document(random.Random(1))


def test_a_raw_story_has_no_prompt_and_passes_the_checker(documents):
    for document in of_kind(documents, "story")[:50]:
        assert document.prompt == ""
        assert not document.chat
        assert check_story(document.response).ok


def test_a_continuation_joins_to_a_story_at_a_word(documents):
    for document in of_kind(documents, "continuation")[:100]:
        assert 1 <= len(document.prompt.split()) <= MAX_PROMPT_WORDS
        assert document.response.startswith(" ")
        assert check_story(document.prompt + document.response).ok


def test_a_request_is_answered_with_a_story_and_is_sometimes_raw(documents):
    requests = of_kind(documents, "request")
    assert 0.08 < sum(not document.chat for document in requests) / len(requests) < 0.22
    for document in requests[:100]:
        assert "{" not in document.prompt
        assert document.response.startswith("\n") != document.chat
        assert check_story(document.response).ok


def test_an_infill_answer_completes_its_story(documents):
    for document in of_kind(documents, "infill")[:50]:
        story = document.prompt.split("\n", 1)[1]
        assert story.count("___") == 1
        assert check_story(story.replace("___", document.response.strip())).ok


def test_a_continued_chat_story_joins_to_a_story(documents):
    for document in of_kind(documents, "continue"):
        beginning = document.prompt.split("\n", 1)[1]
        assert check_story(f"{beginning} {document.response}").ok


def test_an_answer_stands_in_the_story_it_is_asked_about(documents):
    for document in of_kind(documents, "question"):
        story, question = document.prompt.split("\n")
        assert check_story(story).ok
        assert question.endswith("?")
        last_word = document.response.rstrip(".").split()[-1]
        assert last_word in story


def test_a_renamed_passage_differs_in_the_name_alone(documents):
    for document in of_kind(documents, "rename"):
        instruction, passage = document.prompt.split("\n")
        old, new = instruction.removeprefix("Change the name from ").rstrip(":").split(" to ")
        assert old not in document.response.replace(new, "")
        assert document.response.count(new) == passage.count(old) > 0
        assert new not in passage


@pytest.mark.parametrize("split", ["train", "held_out"])
def test_an_infill_case_joins_to_its_story(split):
    rng = random.Random(2)
    for _ in range(100):
        prefix, hole, suffix, story = infill_case(rng, split)
        assert prefix + hole + suffix == story.text
        assert hole[0] == suffix[0] == " "
        assert hole.strip() in story.sentences
        assert is_held_out(story.hero, story.cast.thing, story.plot) == (split == "held_out")


def test_story_prompts_are_endless_beginnings():
    prompts = list(islice(story_prompts(random.Random(3)), 50))
    assert len(set(prompts)) > 45
    assert all(5 < len(prompt.split()) < 70 for prompt in prompts)
