"""Writes parts of a story anew and keeps the rest to the character: `python examples/05_edit.py`.

Each part may become longer or shorter: the model chooses its length. The first is written with noise where the second
will be, and the second sees what the first has become. `gesso.lm.marks` finds parts that are marked by [[...]].
"""

import gesso
from gesso.lm.marks import read_spans

MARKED = (
    "Once upon a time, there was a little girl named Mia. She had a red kite and took it everywhere. "
    "[[One sunny day, Mia took the kite to the park.]] The wind was strong. It pulled the kite out of her hand. "
    'The kite flew into a tall tree. "Oh no! My kite!" cried Mia. [[Her friend Tom came to help.]] '
    'Tom shook the tree, and the kite fell down. "Thank you, Tom!" said Mia. They played until the sun went down. '
    "Mia went to bed with a happy heart."
)


def main() -> None:
    """Edit the story, and show what became of each part."""
    lm = gesso.load()
    text, spans = read_spans(MARKED)
    edited = lm.edit(text, spans, seed=0)
    print(edited.text)
    for span in edited.spans:
        print(f"    {span.old!r} became {span.new!r}")


if __name__ == "__main__":
    main()
