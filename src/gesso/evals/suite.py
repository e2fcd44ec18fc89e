"""What can be evaluated, by the names that the command line uses."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from gesso.errors import SettingError
from gesso.evals.frontier import Axis, Frontier
from gesso.evals.likelihood import TextLikelihood
from gesso.evals.measure import Measure
from gesso.evals.repair import Repair
from gesso.evals.samples import FreeSamples
from gesso.evals.task import Judged
from gesso.evals.texts import TextSource, read_texts, texts_of, training_stories, write_stories
from gesso.evals.world_tasks import CaseTask, MissingMiddle, MissingSentence, Stories
from gesso.lm.language_model import LanguageModel
from gesso.worlds.stories import WHOLE_WORLD, World
from gesso.worlds.tasks import KINDS

USUAL = ("stories", "continuations", "infill", "middle", "repair", "nelbo", "samples")
"""What is evaluated unless asked otherwise."""

OWN_TASKS = ("story", "request", "continuation", "infill")
"""Kinds of cases that have a task of their own here, of another name or with more to say."""


def all_measures(
    *,
    judge: LanguageModel | None = None,
    texts: Path | None = None,
    references: Path | None = None,
    world: World = WHOLE_WORLD,
) -> Mapping[str, Measure]:
    """Every measure by its name.

    Args:
        judge: What reads free samples; None for the model itself.
        texts: Paragraphs that likelihood is measured on and free samples are compared with; None for held-out stories.
        references: Paragraphs that free samples may be copied from; None for stories of training.
        world: The world of which all stories are told.

    Raises:
        DataError: A file cannot be read.
    """
    stories: TextSource = partial(write_stories, split="held_out", world=world)
    should = stories if texts is None else texts_of(texts)
    seen = partial(training_stories, world) if references is None else partial(tuple, read_texts(references))
    tasks = (
        Stories(name="stories", kind="request", world=world),
        Stories(name="continuations", kind="continuation", world=world),
        MissingSentence(world=world),
        MissingMiddle(world=world),
        *(CaseTask(kind=kind, world=world) for kind in KINDS if kind not in OWN_TASKS),
    )
    others = (
        Repair(texts=stories),
        Repair(texts=stories, name="repair-renoised", sampler=None),
        TextLikelihood(texts=should),
        FreeSamples(judge=judge, texts=should, references=seen),
    )
    measures: tuple[Measure, ...] = (*(Judged(task=task) for task in tasks), *others)
    return {measure.name: measure for measure in measures}


def choose(measures: Mapping[str, Measure], names: Sequence[str], over: Sequence[Axis] = ()) -> list[Measure]:
    """Choose measures by name, "usual" and "all" among them; with axes, the frontier of each over each instead.

    Raises:
        SettingError: There is no such measure, one is named twice, or has no frontier.
    """
    names = [one for name in names for one in {"usual": USUAL, "all": tuple(measures)}.get(name, (name,))]
    unknown = [name for name in names if name not in measures]
    if unknown:
        raise SettingError(f"no task is called {unknown[0]!r}; choose from usual, all, {', '.join(measures)}")
    if not names or len(set(names)) != len(names):
        raise SettingError(f"the tasks are {', '.join(names) or 'none'}; name at least one, each once")
    chosen = [measures[name] for name in names]
    return [Frontier(base=measure, axis=axis) for measure in chosen for axis in over] if over else chosen
