"""Writes texts that keep to a form: `python examples/07_constraints.py`.

A regular expression, a choice or a JSON Schema holds for the whole text, from the first step on: nothing is drawn that
could not end validly within the tokens that are left. The model still decides everything else.
"""

import json

import gesso

SCHEMA = {
    "type": "object",
    "properties": {
        "hero": {"enum": ["fox", "bear", "rabbit"]},
        "colors": {"type": "array", "items": {"enum": ["red", "blue", "yellow"]}, "minItems": 1, "maxItems": 2},
        "friends": {"type": "integer", "minimum": 1, "maximum": 3},
    },
    "required": ["hero", "colors", "friends"],
}


def main() -> None:
    """Choose, match and fill in."""
    lm = gesso.load()
    asked = [{"role": "user", "content": "Tell me a story about an animal and its friends."}]

    feeling = lm.generate("Mia got a new kite. She was very", seed=0, choice=[" happy.", " sad."])
    print("choice     ", feeling.text)

    title = lm.generate("The story is called", seed=0, regex=r' "The [A-Z][a-z]{2,7} [A-Z][a-z]{2,7}"')
    print("regex      ", title.text)

    value = json.loads(lm.generate(asked, seed=0, json_schema=SCHEMA).text)
    print("json schema", value, "with", len(value["colors"]), "colors")


if __name__ == "__main__":
    main()
