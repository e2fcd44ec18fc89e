import json

import pytest

LINES = [
    {"prompt": "Once upon a time", "seed": 4},
    {"messages": [{"role": "user", "content": "Hi"}], "id": "talk"},
    {"prompt": "na\u00efve", "max_new_tokens": 9, "steps": 2, "stop": ["xyz"]},
    {"prompt": "The fox"},
]


@pytest.fixture
def files(tmp_path):
    """The input, and where its texts shall go."""
    source = tmp_path / "prompts.jsonl"
    source.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in LINES), encoding="utf-8")
    return source, tmp_path / "texts.jsonl"


@pytest.fixture
def write(gesso_command, folder, files):
    """`write(...)`: run the command on the files."""
    source, output = files
    return lambda *words: gesso_command("generate", "-m", folder, "--seed", 3, "-i", source, "-o", output, *words)


def records(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_every_line_is_answered_as_it_would_be_alone(write, files, lm):
    ran = write()
    assert (ran.status, ran.out) == (0, "")
    alone = [
        lm.generate("Once upon a time", seed=4),
        lm.generate([{"role": "user", "content": "Hi"}], seed=3),
        lm.generate("na\u00efve", seed=3, max_new_tokens=9, steps=2),
        lm.generate("The fox", seed=3),
    ]
    answered = records(files[1])
    assert [record["line"] for record in answered] == [1, 2, 3, 4]
    assert [record["input"] for record in answered] == LINES
    for record, out in zip(answered, alone, strict=True):
        assert tuple(record["token_ids"]) == out.token_ids
        assert (record["seed"], record["steps"], record["finish_reason"]) == (out.seed, out.steps, "length")
        assert record["text"] == (out.text if out.message is None else out.message.content)
    tokens = sum(len(out.token_ids) for out in alone)
    assert ran.err.startswith(f"gesso: 4 texts of {tokens} tokens at ")


@pytest.mark.parametrize(("offset", "num_whole"), [(0, 2), (1, 2), (8, 2), (30, 2), (-1, 1), (-40, 1)])
def test_after_a_kill_the_same_command_goes_on_and_nothing_is_lost_or_doubled(offset, num_whole, write, files):
    """Killed so many bytes before or behind the end of the second line."""
    output = files[1]
    write()
    whole = output.read_bytes()
    second_ends = whole.index(b"\n", whole.index(b"\n") + 1) + 1
    output.write_bytes(whole[: second_ends + offset])
    ran = write()
    assert ran.status == 0
    assert output.read_bytes() == whole
    assert ran.err.endswith(f", {num_whole} were there already\n")


def test_a_finished_output_stays_as_it_is(write, files):
    write()
    whole = files[1].read_bytes()
    ran = write("-q")
    assert (ran.status, ran.err) == (0, "")
    assert files[1].read_bytes() == whole


def test_ctrl_c_keeps_what_is_written_and_tells_how_to_go_on(write, files, monkeypatch):
    write()
    whole = files[1].read_bytes()
    files[1].unlink()
    calls = []

    def interrupted(*arguments):
        calls.append(arguments)
        if len(calls) == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("gesso.cli.batch.os.fsync", interrupted)
        ran = write()
    assert (ran.status, ran.err) == (130, "gesso: stopped after 1 of 4 texts; the same command goes on\n")
    assert write().status == 0
    assert files[1].read_bytes() == whole


def test_prompts_can_be_answered_as_messages(gesso_command, folder, tmp_path, lm):
    source, output = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text('{"prompt": "Hi"}\r\n{"messages": [{"role": "user", "content": "Ho"}]}')
    words = ("--chat", "--system", "Be kind.", "--thinking", "--seed", 3, "-m", folder, "-i", source, "-o", output)
    assert gesso_command("generate", *words).status == 0
    for record, said in zip(records(output), ("Hi", "Ho"), strict=True):
        turns = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": said}]
        out = lm.generate(turns, seed=3, thinking=True)
        assert (record["text"], record["thought"]) == (out.message.content, out.message.thought)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "in.jsonl is empty; give a JSON object with a prompt on each line"),
        ('{"prompt": "a"}\n\n', "in.jsonl:2: not JSON"),
        ('{"prompt": "a"}\n{"prompt": ', "in.jsonl:2: not JSON"),
        ('["a"]', 'in.jsonl:1: give an object with either "prompt" or "messages"'),
        ('{"prompt": "a", "messages": []}', 'in.jsonl:1: give an object with either "prompt" or "messages"'),
        ('{"prompt": "a", "step": 3}', "in.jsonl:1: the key 'step' means nothing here; use prompt, messages, id"),
        ('{"prompt": "a", "steps": "3"}', "in.jsonl:1: steps is '3'; give it as int"),
        ('{"prompt": "a", "seed": true}', "in.jsonl:1: seed is True"),
        ('{"prompt": "a", "stop": [1]}', "in.jsonl:1: stop is [1]; give a string or a list of strings"),
        ('{"prompt": "a"}\n{"prompt": ""}', "in.jsonl:2: the prompt is empty"),
        ('{"prompt": "a", "steps": 0}', "in.jsonl:1: the number of steps is 0"),
        ('{"messages": [{"role": "judge", "content": "a"}]}', "in.jsonl:1: "),
    ],
)
def test_a_line_that_cannot_be_used_is_named_before_anything_is_written(text, words, gesso_command, folder, tmp_path):
    source, output = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text(text)
    ran = gesso_command("generate", "-m", folder, "-i", source, "-o", output)
    assert ran.status == 2
    assert ran.err.count("\n") == 1
    assert words in ran.err
    assert not output.exists()


def test_an_input_that_is_missing_or_no_text_is_refused(gesso_command, folder, tmp_path):
    ran = gesso_command("generate", "-m", folder, "-i", tmp_path / "none", "-o", tmp_path / "out")
    assert ran.status == 2
    assert "none cannot be read (No such file or directory); name a JSONL file" in ran.err
    (tmp_path / "in").write_bytes(b"\xff")
    assert (
        "is not UTF-8 at byte 0"
        in gesso_command("generate", "-m", folder, "-i", tmp_path / "in", "-o", tmp_path / "out").err
    )


@pytest.mark.parametrize(
    "old",
    [
        "a letter to my mother",
        "a letter\n",
        '{"line": 1, "input": {"prompt": "Another"}}\n',
        '[1]\n{"li',
        '{"lines": 1',
    ],
)
def test_a_file_that_is_not_this_commands_work_is_left_alone(old, write, files):
    files[1].write_text(old)
    ran = write()
    assert ran.status == 1
    assert "choose another output" in ran.err
    assert files[1].read_text() == old
