import json
import re

import pytest

from gesso.cli.schema import read_schema
from gesso.errors import SettingError

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 3, "maximum": 11}}, "required": ["n"]}


@pytest.mark.parametrize("schema", [SCHEMA, True])
def test_a_schema_may_stand_in_a_file(schema, tmp_path):
    path = tmp_path / "person.json"
    path.write_text(json.dumps(schema))
    assert read_schema(str(path)) == schema


def test_what_begins_with_a_brace_is_the_schema_itself():
    assert read_schema(" " + json.dumps(SCHEMA)) == SCHEMA


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot be read (No such file or directory); name a file, or give the schema itself"),
        (b"{", "not JSON (Expecting property name enclosed in double quotes at character 1)"),
        (b"[1]", "a schema is an object, true or false, and this is [1]"),
        (b"\xff", "is not UTF-8 at byte 0"),
    ],
)
def test_what_is_no_schema_is_refused(content, words, tmp_path):
    path = tmp_path / "schema.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingError, match=re.escape(words)):
        read_schema(str(path))


def test_the_text_follows_the_rule_that_the_words_give(gesso_command, folder, lm):
    ran = gesso_command("generate", "Once", "-m", folder, "--seed", 3, "-q", "--regex", "[xyz]{4}")
    assert re.fullmatch("[xyz]{4}\n", ran.out)
    ran = gesso_command("generate", "Once", "-m", folder, "-q", "--choice", "a fox", "--choice", "a dog")
    assert ran.out in ("a fox\n", "a dog\n")
    ran = gesso_command("generate", "Once", "-m", folder, "-q", "--json-schema", json.dumps(SCHEMA))
    assert 3 <= json.loads(ran.out)["n"] <= 11


def test_two_rules_or_one_that_cannot_be_followed_are_wrong_words(gesso_command, folder):
    ran = gesso_command("generate", "Once", "-m", folder, "--regex", "a", "--choice", "b")
    assert (ran.status, ran.out) == (2, "")
    assert ran.err == "gesso: regex and choice are both given; a text can follow one of them, so give one\n"
    ran = gesso_command("generate", "Once", "-m", folder, "--json-schema", '{"not": {}}')
    assert ran.status == 2
    assert "the keyword 'not' at # is not supported" in ran.err
