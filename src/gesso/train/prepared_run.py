"""From a run as a value to a run that can be stepped, and to the model that it leaves."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from gesso.checkpoint.adapter import merge_adapter, save_adapter
from gesso.checkpoint.save import save_network
from gesso.errors import ConfigError, SettingError
from gesso.model.config import ModelConfig
from gesso.model.network import Network
from gesso.train.check_pass import CheckedData, check_data
from gesso.train.datasets import open_dataset
from gesso.train.events import StepDone
from gesso.train.length_buckets import LengthBuckets
from gesso.train.loop import train
from gesso.train.lora import attach_lora, detach_lora
from gesso.train.run import DEFAULT_MAX_LENGTH, Run
from gesso.train.run_folder import RunFolder, check_room, check_run_folder, clear_run_folder, mark_run_folder
from gesso.train.run_state import load_average
from gesso.train.start import FromModel, Materials
from gesso.train.token_store import TokenStore
from gesso.train.token_texts import DocumentTokenizer
from gesso.train.worker import LoneWorker, MakeWorker


@dataclass(frozen=True, kw_only=True)
class PreparedRun:
    """A run whose data are checked and whose network is made.

    Attributes:
        run: What it is.
        folder: Where it is kept.
        materials: Network, tokenizer and what goes with them.
        store: The texts.
        checked: What the check pass found; None if an earlier call made it.
        source: Makes batches of the texts.
    """

    run: Run
    folder: RunFolder
    materials: Materials
    store: TokenStore
    checked: CheckedData | None
    source: LengthBuckets

    def steps(self, make_worker: MakeWorker = LoneWorker) -> Iterator[StepDone]:
        """Train from where the run was left to its last step; see `gesso.train.loop.train`. Mutates the network."""
        return train(self.materials.network, self.source, self.run.settings, self.folder.path, make_worker=make_worker)

    def with_weights(self, weights: Mapping[str, Tensor]) -> "PreparedRun":
        """The same run with another network of the same shape, that holds these weights.

        Args:
            weights: The state of the network, with the adapter's where one is trained. Not copied.
        """
        with torch.device("meta"):
            network = Network(self.materials.network.config)
        if self.run.lora is not None:
            attach_lora(network, self.run.lora, torch.Generator())
        network.load_state_dict(weights, assign=True)
        return replace(self, materials=replace(self.materials, network=network))

    def export(self, *, merge: bool = False) -> Path:
        """Write what was trained: the averaged weights where the run keeps them.

        The network cannot be trained on afterwards.

        Args:
            merge: Of an adapter, write the merged model too.

        Returns:
            The folder of the model, or of the adapter.

        Raises:
            OutputError: The disk refuses.
        """
        network = self.materials.network
        start = self.run.start
        if self.run.settings.ema is not None:
            load_average(self.folder.path, network)
        if self.run.lora is None or not isinstance(start, FromModel):
            self._save_model()
            return self.folder.model
        adapter = detach_lora(network, self.run.lora, base=start.model)
        save_adapter(adapter, self.folder.adapter)
        if merge:
            merge_adapter(network, adapter)
            self._save_model()
        return self.folder.adapter

    def _save_model(self) -> None:
        materials = self.materials
        save_network(
            materials.network.to(materials.dtype),
            self.folder.model,
            tokenizer_files=materials.text_files,
            generation_config=materials.generation_config,
            vision_tensors=materials.vision,
            overwrite=True,
        )


def prepare_run(
    run: Run, path: Path, *, overwrite: bool = False, progress: Callable[[int], None] | None = None
) -> PreparedRun:
    """Take a folder for a run, load or make its network, and check its data unless that was done before.

    What is refused is refused before anything is written or thrown away, but for broken data.

    Args:
        run: What to prepare.
        path: Where it is kept: a new or empty folder, or the one where it was begun.
        overwrite: Throw away another run that is kept there.
        progress: Told how many records of the data have been read.

    Raises:
        CheckpointError: The model to start from cannot be used.
        DataError: The data are broken.
        SettingError: The longest text does not fit into the model's context.
        OutputError: The folder is another's, or the disk has no room or refuses.
    """
    identity = run.identity()
    folder = check_run_folder(path, identity, overwrite=overwrite)
    materials = run.start.make(run.settings.seed)
    network, tokenizer = materials.network, materials.tokenizer
    config = network.config
    if tokenizer.vocab_size > config.vocab_size:
        raise ConfigError(
            f"the tokenizer has {tokenizer.vocab_size} tokens and the network {config.vocab_size}; use a shape with "
            "room for them"
        )
    if run.lora is not None:
        attach_lora(network, run.lora, torch.Generator().manual_seed(run.settings.seed))
    documents = DocumentTokenizer(
        tokenizer, materials.template, canvas_length=config.canvas_length, max_length=_max_length(run, config)
    )
    records = open_dataset(run.data, split=run.split) if isinstance(run.data, str | Path) else run.data
    check_room(folder, network, averaged=run.settings.ema is not None)
    if overwrite:
        clear_run_folder(folder)
    checked = None
    if not folder.is_marked:
        checked = check_data(records(), documents, folder.data, progress=progress)
        mark_run_folder(folder, identity)
    store = TokenStore(folder.data)
    source = LengthBuckets(
        store,
        canvas_length=config.canvas_length,
        eos_id=tokenizer.eos_id,
        pad_id=tokenizer.pad_id,
        texts_per_batch=run.texts_per_batch,
        canvases_per_text=run.canvases_per_text,
        whole_responses=run.settings.left_to_right,
    )
    return PreparedRun(run=run, folder=folder, materials=materials, store=store, checked=checked, source=source)


def _max_length(run: Run, config: ModelConfig) -> int:
    context = config.max_position_embeddings
    if run.max_length is None:
        return min(DEFAULT_MAX_LENGTH, context)
    if run.max_length > context:
        raise SettingError(f"the longest text is {run.max_length} tokens and the model's context {context}; give less")
    return run.max_length
