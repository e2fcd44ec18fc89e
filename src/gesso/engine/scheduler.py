"""What the engine does next: who is let in, which text is encoded, which canvases take a step. Knows no tensors.

A plan is one round. Every running canvas takes a step in it, or is committed: a row is never kept waiting by another's
prompt. Of prompts only so many tokens are encoded in a round, in order of importance.

Rows hold pages only for the text that they have. When a row grows and no page is left, the least important row gives
its pages back and waits; it keeps its text and its canvas, and goes on where it was. The most important one is never
made to wait, so all come to their end.
"""

from bisect import insort
from dataclasses import dataclass

from gesso.engine.job import Job
from gesso.engine.pages import Pages


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """Positions start..stop - 1 of a job's text, to be encoded: part of the prompt, or all that one canvas gave."""

    job: Job
    start: int
    stop: int

    @property
    def is_prompt(self) -> bool:
        """Whether it is part of the prompt."""
        return self.start < len(self.job.request.prompt_ids)


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """One round: pieces to encode, and jobs whose canvas takes a step. No job is in both."""

    encode: tuple[Piece, ...]
    denoise: tuple[Job, ...]


class Scheduler:
    """Plans round after round.

    Attributes:
        running: Jobs that hold pages, the most important first.
        waiting: Jobs that hold none, the most important last.
        num_preempted: How often a running job was made to wait.
        num_looked_up: Tokens of the prompts that were let in; those of jobs that had to wait again count again.
        num_shared: Of these, tokens that need not be encoded, for the pages of others hold them.
    """

    def __init__(
        self, pages: Pages, *, page_length: int, canvas_length: int, max_rows: int, prompt_tokens: int
    ) -> None:
        """Begin with no job.

        Args:
            pages: The pool's pages; mutated.
            page_length: Positions of a page.
            canvas_length: C.
            max_rows: Most jobs that run at once.
            prompt_tokens: Most tokens of prompts that are encoded in a round, at least a page.
        """
        self.running: list[Job] = []
        self.waiting: list[Job] = []
        self.num_preempted = 0
        self.num_looked_up = 0
        self.num_shared = 0
        self._pages = pages
        self._page_length = page_length
        self._canvas_length = canvas_length
        self._max_rows = max_rows
        self._prompt_tokens = prompt_tokens

    def add(self, job: Job) -> None:
        """Let a job wait for its turn."""
        insort(self.waiting, job, key=lambda other: (other.priority, -other.number))

    def remove(self, job: Job) -> None:
        """Forget a job, wherever it is, and take its pages back."""
        (self.running if job in self.running else self.waiting).remove(job)
        self._pages.release(job.pages)
        job.pages = []

    def plan(self) -> Plan:
        """Plan the next round; empty only if there is no job. Mutates the jobs' pages, and who runs."""
        self._grow_running()
        self._admit()
        pieces: list[Piece] = []
        denoise: list[Job] = []
        budget = self._prompt_tokens
        under_way: set[bytes] = set()
        for job in self.running:
            if job.num_encoded < len(job.request.prompt_ids):
                self._take_what_others_encoded(job)
            if job.is_encoded:
                denoise.append(job)
            elif (piece := self._next_piece(job, budget, under_way)) is not None:
                pieces.append(piece)
                if piece.is_prompt:
                    budget -= piece.stop - piece.start
        return Plan(encode=tuple(pieces), denoise=tuple(denoise))

    def encoded(self, piece: Piece) -> None:
        """Note that a planned piece has been encoded; full pages of its prompt can be shared from now on."""
        job = piece.job
        job.num_encoded = piece.stop
        first, last = piece.start // self._page_length, piece.stop // self._page_length
        for index in range(first, min(last, len(job.keys))):
            self._pages.publish(job.pages[index], job.keys[index])

    def _grow_running(self) -> None:
        """Give every running job the pages that its text needs, at the expense of the least important."""
        index = 0
        while index < len(self.running):
            job = self.running[index]
            taken = self._pages.take(self._num_pages(len(job.text)) - len(job.pages))
            if taken is None:
                self._preempt(self.running[-1])  # which may be the job itself
            else:
                job.pages += taken
                index += 1

    def _admit(self) -> None:
        while self.waiting:
            job = self.waiting[-1]
            if len(self.running) < self._max_rows and self._hold_text(job):
                self.waiting.pop()
                insort(self.running, job, key=lambda other: other.rank)
            elif self.running and self.running[-1].priority < job.priority:
                self._preempt(self.running[-1])
            else:
                return

    def _hold_text(self, job: Job) -> bool:
        """Give a waiting job pages for its text, shared ones first, if that leaves the others room to grow."""
        shared: list[int] = []
        for key in job.keys:
            page = self._pages.share(key)
            if page is None:
                break
            shared.append(page)
        needed = self._num_pages(len(job.text)) - len(shared)
        margin = self._num_pages(self._canvas_length) if self.running else 0
        taken = self._pages.take(needed) if needed + margin <= self._pages.available else None
        if taken is None:
            self._pages.release(shared)
            return False
        job.pages = shared + taken
        job.num_encoded = len(shared) * self._page_length
        self.num_looked_up += len(job.request.prompt_ids)
        self.num_shared += job.num_encoded
        return True

    def _take_what_others_encoded(self, job: Job) -> None:
        """Exchange blank pages of a prompt for equal ones that were filled in the meantime."""
        index = job.num_encoded // self._page_length
        while index < len(job.keys) and (page := self._pages.share(job.keys[index])) is not None:
            self._pages.release([job.pages[index]])
            job.pages[index] = page
            index += 1
            job.num_encoded = index * self._page_length
            self.num_shared += self._page_length

    def _next_piece(self, job: Job, budget: int, under_way: set[bytes]) -> Piece | None:
        """What to encode of a job in this round: a canvas at once, a prompt as far as the budget goes.

        A prompt's page that another job is about to encode in this round is waited for. Mutates `under_way`.
        """
        start, prompt_length = job.num_encoded, len(job.request.prompt_ids)
        if start >= prompt_length:
            return Piece(job=job, start=start, stop=next(end for end in job.ends if end > start))
        left = prompt_length - start
        count = left if left <= budget else budget // self._page_length * self._page_length
        keys = job.keys[start // self._page_length : (start + count) // self._page_length]
        if count == 0 or not under_way.isdisjoint(keys[:1]):
            return None
        under_way.update(keys)
        return Piece(job=job, start=start, stop=start + count)

    def _preempt(self, job: Job) -> None:
        self.remove(job)
        job.num_encoded = 0
        self.num_preempted += 1
        self.add(job)

    def _num_pages(self, num_positions: int) -> int:
        return -(-num_positions // self._page_length)
