"""The check pass: a dataset is read whole, before training begins, and what is broken in it is named.

What is good is written as token ids, so that training itself reads neither text nor the original files again.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from gesso.errors import DataError
from gesso.train.datasets import Record
from gesso.train.documents import parse_document
from gesso.train.token_store import TokenStore, write_token_store
from gesso.train.token_texts import DocumentTokenizer, TokenText


@dataclass(frozen=True, kw_only=True)
class CheckedData:
    """A dataset without a fault.

    Attributes:
        store: Its texts.
        num_documents: Documents that were read.
        unused_fields: Names of fields that mean nothing here, and how many documents have each.
    """

    store: TokenStore
    num_documents: int
    unused_fields: dict[str, int]


def check_data(
    records: Iterable[Record],
    tokenizer: DocumentTokenizer,
    folder: Path,
    *,
    progress: Callable[[int], None] | None = None,
) -> CheckedData:
    """Read a dataset to its end and write its texts.

    Args:
        records: The dataset.
        tokenizer: Turns its documents into texts.
        folder: Where the texts go; must not exist.
        progress: Told how many records have been read.

    Raises:
        DataError: A record is broken. Names the place of the first, the remedy, and how many more there are.
        OutputError: The disk refuses.
    """
    problems: list[str] = []
    unused: Counter[str] = Counter()
    count = 0

    def texts() -> Iterator[TokenText]:
        nonlocal count
        for count, record in enumerate(records, start=1):
            if progress is not None:
                progress(count)
            try:
                if record.problem is not None:
                    raise DataError(record.problem)
                document, fields = parse_document(record.value)
                found = tokenizer.tokenize(document)
            except DataError as error:
                problems.append(f"{record.origin}: {error}" if len(problems) < 2 else "")
                continue
            unused.update(fields)
            if not problems:
                yield from found
        if problems:
            raise DataError(_report(problems))

    return CheckedData(store=write_token_store(folder, texts()), num_documents=count, unused_fields=dict(unused))


def _report(problems: list[str]) -> str:
    if len(problems) == 1:
        return problems[0]
    more = "1 more is" if len(problems) == 2 else f"{len(problems) - 1} more are"
    return f"{problems[0]} ({more} broken; the next: {problems[1]})"
