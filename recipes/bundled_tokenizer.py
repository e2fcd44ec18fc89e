"""Trains the tokenizer of the bundled model: byte-level BPE, 4,096 tokens, the strings of the Gemma 4 chat format.

    python recipes/bundled_tokenizer.py --data DATA --out src/gesso/bundled

`DATA` holds the licensed simple English (`tinystories_fragments.jsonl.gz` and its neighbours); the other half of the
training text is written by `gesso.worlds`. The run is deterministic: the same text and seed give the same bytes.
"""

import argparse
import gzip
import itertools
import json
import random
import re
from collections.abc import Iterator
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

from gesso.text.chat import DEFAULT_TEMPLATE
from gesso.text.tokenizer import FORMAT_TOKENS
from gesso.worlds.stories import write_story
from gesso.worlds.tasks import write_document

VOCAB_SIZE = 4096
MAX_LENGTH = 4096

# The place in this tuple is the id: the trained model depends on it.
SPECIAL_TOKENS: tuple[str, ...] = (*FORMAT_TOKENS, *(f"<unused{n}>" for n in range(32)))

# In order: an English contraction after a letter; a word with the space before it; one digit; one newline;
# a run of marks with the space before it; spaces, the last of which is left to the word that follows.
PIECES = (
    r"(?<=\p{L})'(?:s|t|d|m|ll|ve|re)(?![\p{L}\p{M}])"
    r"| ?[\p{L}\p{M}]+"
    r"|\p{N}"
    r"|\n"
    r"| ?[^\s\p{L}\p{M}\p{N}]+"
    r"|[^\S\n]+(?!\S)"
    r"|[^\S\n]+"
)

# Characters taken from each source, at most. FairytaleQA is older English and gets less than it holds.
ENGLISH_SOURCES: dict[str, int] = {
    "tinystories_fragments": 3_000_000,
    "tinyfabulist_fables": 1_500_000,
    "cc_by_picture_books": 1_500_000,
    "fairytaleqa": 1_000_000,
}


def english(data: Path) -> Iterator[str]:
    """Yield the licensed documents, source by source, each cut off at its share of characters."""
    for source, max_chars in ENGLISH_SOURCES.items():
        num_chars = 0
        with gzip.open(data / f"{source}.jsonl.gz", "rt", encoding="utf-8") as rows:
            for row in map(json.loads, rows):
                # Old books are wrapped at a fixed column: a single newline there is a space.
                text = row["text"] if "text" in row else re.sub(r"(?<!\n)\n(?!\n)", " ", "\n\n".join(row["sections"]))
                yield text
                num_chars += len(text)
                if num_chars >= max_chars:
                    break


def world_documents(seed: int) -> Iterator[str]:
    """Yield documents of the bundled model's own world without end, chats with the names of their turns."""
    rng = random.Random(seed)
    while True:
        document = write_document(rng)
        if document.chat:
            yield f"user\n{document.prompt}"
            yield f"model\n{document.response}"
        else:
            yield document.prompt + document.response


def corpus(data: Path, seed: int) -> Iterator[str]:
    """Yield as many characters of world documents as of licensed English, in turns."""
    worlds = world_documents(seed)
    balance = 0
    for text in english(data):
        yield text
        balance += len(text)
        while balance > 0:
            document = next(worlds)
            yield document
            balance -= len(document)


def train(texts: Iterator[str]) -> Tokenizer:
    """Learn the merges. Control tokens that stand in the texts teach the vocabulary nothing."""
    controls = re.compile("|".join(map(re.escape, SPECIAL_TOKENS)))
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PIECES), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCAB_SIZE,
        min_frequency=2,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator((part for text in texts for part in controls.split(text)), trainer)
    bos = SPECIAL_TOKENS.index("<bos>")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<bos> $A", pair="<bos> $A $B", special_tokens=[("<bos>", bos)]
    )
    for token_id, token in enumerate(SPECIAL_TOKENS):
        if tokenizer.token_to_id(token) != token_id:
            raise SystemExit(f"{token} got id {tokenizer.token_to_id(token)}, not {token_id}; the layout is fixed")
    if tokenizer.get_vocab_size() != VOCAB_SIZE:
        raise SystemExit(f"{tokenizer.get_vocab_size()} tokens, not {VOCAB_SIZE}; give more text")
    return tokenizer


def save(tokenizer: Tokenizer, out: Path) -> None:
    """Write the three files that Gesso and Transformers read."""
    out.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(out / "tokenizer.json"))
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": "<bos>",
        "eos_token": "<eos>",
        "pad_token": "<pad>",
        "unk_token": "<unk>",
        "model_max_length": MAX_LENGTH,
        "clean_up_tokenization_spaces": False,
    }
    (out / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    (out / "chat_template.jinja").write_text(DEFAULT_TEMPLATE, encoding="utf-8")


def tokens_per_word(tokenizer: Tokenizer, texts: list[str]) -> float:
    """Count tokens for each word between spaces; marks and newlines count as tokens, not as words."""
    num_tokens = sum(len(tokenizer.encode(text, add_special_tokens=False).ids) for text in texts)
    return num_tokens / sum(len(text.split()) for text in texts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the licensed English, *.jsonl.gz")
    parser.add_argument("--out", type=Path, required=True, help="folder that receives the tokenizer")
    parser.add_argument("--seed", type=int, default=0, help="seed of the world documents")
    args = parser.parse_args()

    tokenizer = train(corpus(args.data, args.seed))
    save(tokenizer, args.out)
    unseen = random.Random(args.seed + 1)
    stories = [write_story(unseen).text for _ in range(200)]
    documents = list(itertools.islice(world_documents(args.seed + 1), 200))
    fragments = list(itertools.islice(english(args.data), 200))
    for name, texts in {"world stories": stories, "world documents": documents, "TinyStories": fragments}.items():
        print(f"{name}: {tokens_per_word(tokenizer, texts):.3f} tokens per word")


if __name__ == "__main__":
    main()
