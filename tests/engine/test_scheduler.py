import math

from gesso.engine.job import Job
from gesso.engine.pages import Pages, page_keys
from gesso.engine.request import Request
from gesso.engine.scheduler import Plan, Scheduler
from gesso.sampling.settings import SamplerSettings

CANVAS, PAGE = 6, 4
SAMPLER = SamplerSettings()


def job(number: int, prompt_length: int, *, priority: int = 0, first_token: int | None = None) -> Job:
    """A job whose prompt is unlike all others, unless `first_token` says otherwise."""
    start = 1000 * (number + 1) if first_token is None else first_token
    prompt = tuple(range(start, start + prompt_length))
    request = Request(prompt_ids=prompt, max_new_tokens=30, sampler=SAMPLER, seed=0, stop_ids=frozenset())
    return Job(
        request=request,
        number=number,
        priority=priority,
        deadline=math.inf,
        keys=page_keys(prompt, PAGE),
        text=list(prompt),
        remaining=30,
    )


def scheduler(*jobs: Job, num_pages: int = 50, max_rows: int = 8, prompt_tokens: int = 8) -> Scheduler:
    made = Scheduler(
        Pages(num_pages), page_length=PAGE, canvas_length=CANVAS, max_rows=max_rows, prompt_tokens=prompt_tokens
    )
    for one in jobs:
        made.add(one)
    return made


def run(made: Scheduler) -> tuple[list[tuple[int, int, int]], list[int]]:
    """Plan a round and do as it says: pieces as (job, start, stop), and the jobs whose canvas takes a step."""
    plan = made.plan()
    assert not {piece.job for piece in plan.encode} & set(plan.denoise)
    for piece in plan.encode:
        made.encoded(piece)
    return [(p.job.number, p.start, p.stop) for p in plan.encode], [one.number for one in plan.denoise]


def commit(one: Job) -> None:
    one.commit([0] * CANVAS)


def test_nothing_to_do_is_an_empty_plan():
    assert scheduler().plan() == Plan(encode=(), denoise=())


def test_a_prompt_is_encoded_in_whole_pages_as_the_budget_allows_and_then_its_canvas_takes_steps():
    made = scheduler(job(0, 19))
    assert run(made) == ([(0, 0, 8)], [])
    assert run(made) == ([(0, 8, 16)], [])
    assert run(made) == ([(0, 16, 19)], [])
    assert run(made) == run(made) == ([], [0])


def test_prompts_share_the_budget_in_order_and_a_rest_that_fits_is_not_left():
    made = scheduler(job(0, 5), job(1, 3), job(2, 7))
    assert run(made) == ([(0, 0, 5), (1, 0, 3)], [])
    assert run(made) == ([(2, 0, 7)], [0, 1])


def test_a_long_prompt_keeps_no_canvas_waiting():
    first, long = job(0, 2), job(1, 40)
    made = scheduler(first, long)
    assert run(made) == ([(0, 0, 2), (1, 0, 4)], [])
    for start in range(4, 40, 8):
        assert run(made) == ([(1, start, min(start + 8, 40))], [0])
    assert run(made) == ([], [0, 1])


def test_a_committed_canvas_is_encoded_whole_beside_the_budget():
    first, long = job(0, 2), job(1, 40)
    made = scheduler(first, long)
    run(made)
    commit(first)
    assert run(made) == ([(0, 2, 8), (1, 4, 12)], [])
    assert run(made) == ([(1, 12, 20)], [0])


def test_no_more_rows_run_than_allowed_and_the_next_comes_when_one_goes():
    jobs = [job(n, 1) for n in range(4)]
    made = scheduler(*jobs, max_rows=2)
    run(made)
    assert run(made) == ([], [0, 1])
    made.remove(jobs[0])
    assert run(made) == ([(2, 0, 1)], [1])
    assert run(made) == ([], [1, 2])


def test_higher_priority_is_let_in_first_and_takes_the_place_of_the_least_important():
    jobs = [job(0, 1), job(1, 1), job(2, 1, priority=1)]
    made = scheduler(*jobs[:2], max_rows=2)
    run(made)
    made.add(jobs[2])
    assert run(made) == ([(2, 0, 1)], [0])
    assert [one.number for one in made.waiting] == [1]
    assert made.num_preempted == 1
    made.add(job(3, 1, priority=1))
    assert [one.number for one in made.running] == [2, 0]
    run(made)
    assert [one.number for one in made.running] == [2, 3]
    assert [one.number for one in made.waiting] == [1, 0]


def test_jobs_are_let_in_while_their_text_and_a_canvas_to_grow_by_find_room():
    made = scheduler(job(0, 8), job(1, 8), job(2, 8), num_pages=7)  # 2 pages each, and 2 for a canvas
    run(made)
    assert [one.number for one in made.running] == [0, 1]


def test_when_no_page_is_left_the_least_important_waits_and_goes_on_with_the_text_it_had():
    first, second = job(0, 4), job(1, 4)
    made = scheduler(first, second, num_pages=4)
    assert run(made) == ([(0, 0, 4), (1, 0, 4)], [])
    commit(second)
    assert run(made) == ([(1, 4, 10)], [0])  # the pool is full
    commit(first)
    assert run(made) == ([(0, 4, 10)], [])
    assert (second.pages, second.num_encoded, len(second.text)) == ([], 0, 10)
    made.remove(first)
    pieces = [run(made)[0], run(made)[0]]
    assert [piece for one in pieces for piece in one][-1] == (1, 4, 10)
    assert run(made) == ([], [1])


def test_a_growing_job_that_is_the_least_important_itself_waits():
    first, second = job(0, 8), job(1, 4)
    made = scheduler(first, second, num_pages=5)
    run(made), run(made)
    commit(first)
    run(made)
    commit(second)
    assert run(made) == ([], [0])
    assert made.waiting == [second]


def test_beginnings_that_are_encoded_already_are_shared_and_those_under_way_are_waited_for():
    first, second, third = (job(n, 9, first_token=500) for n in range(3))
    made = scheduler(first, second, prompt_tokens=100)
    assert run(made) == ([(0, 0, 9)], [])
    assert run(made) == ([(1, 8, 9)], [0])
    made.add(third)
    assert run(made) == ([(2, 8, 9)], [0, 1])
    assert first.pages[:2] == second.pages[:2] == third.pages[:2]
    assert len({one.pages[2] for one in (first, second, third)}) == 3


def test_a_prompt_that_is_shared_to_its_last_token_needs_no_encoding():
    first, second = job(0, 8, first_token=500), job(1, 8, first_token=500)
    made = scheduler(first)
    run(made)
    made.add(second)
    assert run(made) == ([], [0, 1])


def test_a_job_that_goes_away_gives_its_pages_back_but_not_those_that_others_use():
    first, second = job(0, 8, first_token=500), job(1, 8, first_token=500)
    made = scheduler(first, num_pages=9)
    run(made)
    made.add(second)
    run(made)
    made.remove(first)
    assert made._pages.available == 7
    made.remove(second)
    assert made._pages.available == 9


class Unread(list):
    """A queue whose ends may be looked at, and nothing else."""

    def __iter__(self):
        raise AssertionError("a round went through the queue")


def test_a_round_does_not_go_through_the_queue():
    made = scheduler(*(job(n, 3) for n in range(300)), max_rows=2)
    made.waiting = Unread(made.waiting)
    for _ in range(5):
        made.remove(made.running[0]) if made.running else None
        made.plan()
    assert len(made.waiting) == 300 - 2 - 4


def test_of_jobs_that_all_want_to_grow_the_most_important_always_goes_on():
    jobs = [job(n, 4) for n in range(3)]
    made = scheduler(*jobs, num_pages=8)
    finished = []
    for _ in range(200):
        _, steps = run(made)
        for number in steps:
            commit(jobs[number])
            if len(jobs[number].text) > 4 + 4 * CANVAS:
                made.remove(jobs[number])
                finished.append(number)
        if len(finished) == 3:
            break
    assert finished == [0, 1, 2]
