"""DiffusionGemma's text network: one stack of layers, two modes.

`encode` runs left to right over clean text and writes the cache. `denoise` runs over a canvas in both directions and
reads the cache. Both share every weight but one scalar a layer; only self-conditioning belongs to denoising alone.
"""

import torch
from jaxtyping import Float, Float64, Int
from torch import Tensor, nn

from gesso.errors import InputError
from gesso.model.attention import View
from gesso.model.config import ModelConfig, Rope
from gesso.model.kv_cache import Cache, KVCache
from gesso.model.layer import Layer
from gesso.model.masks import denoise_visibility, encode_visibility
from gesso.model.norm import RMSNorm
from gesso.model.self_conditioning import SelfConditioning
from gesso.ops.gpu_kernels import GpuKernels
from gesso.ops.head import soft_embedding, softcapped_logits
from gesso.ops.read_head import ChunkReader, HeadReader, HeadReading, read_chunk, read_head
from gesso.ops.rope import rope_frequencies, rope_tables
from gesso.shapes import CanvasIds, Hidden, Logits, SoftEmbedding, TokenIds


class Network(nn.Module):
    """The text network. Weights are uninitialised until a checkpoint or `initialize` fills them.

    Args:
        config: The shape.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.kernels: GpuKernels | None = None
        self._chunk_reader: ChunkReader = read_chunk
        self.embed_tokens = nn.Embedding(config.vocab_size, config.hidden_size)
        self.layers = nn.ModuleList(Layer(config, i) for i in range(config.num_layers))
        self.norm = RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.self_conditioning = SelfConditioning(config)

    @property
    def device(self) -> torch.device:
        """Where the weights live."""
        return self.embed_tokens.weight.device

    @property
    def dtype(self) -> torch.dtype:
        """Dtype of the weights, and of hidden states and cache."""
        return self.embed_tokens.weight.dtype

    def use_kernels(self, kernels: GpuKernels | None) -> None:
        """Compute with these kernels from now on, or in plain torch. Results differ by rounding; weights do not change.

        Raises:
            InputError: The network is being trained, and kernels have no gradients.
        """
        if kernels is not None and any(weight.requires_grad for weight in self.parameters()):
            raise InputError("kernels have no gradients; freeze the weights with requires_grad_(False) first")
        for module in self.modules():
            if hasattr(module, "kernels"):
                module.kernels = kernels

    def compile_denoising(self) -> None:
        """Compile the layers of a denoising pass and the reading of its prediction. Results differ by rounding.

        The first steps then take as long as the compiler does, half a minute or so; it keeps what it made on disk.
        """
        for layer in self.layers:
            layer.compile_denoising()
        self._chunk_reader = torch.compile(read_chunk)

    def new_cache(self, *, batch: int, max_len: int) -> KVCache:
        """An empty cache for `batch` rows of at most `max_len` encoded positions."""
        return KVCache(self.config, batch=batch, max_len=max_len, dtype=self.dtype, device=self.device)

    def encode(self, token_ids: TokenIds, cache: Cache, *, lengths: list[int] | None = None) -> Hidden:
        """Read clean text left to right; append its keys and values to `cache`.

        Encoding in pieces equals encoding whole: a later call continues where the row's cache ends.

        Args:
            token_ids: Text; rows that are shorter than L are filled up on the right with any token.
            cache: Mutated: each row grows by its length.
            lengths: True length of each row, at most L; None if every row is full.

        Returns:
            Final hidden states, normed. Those past a row's true length mean nothing.

        Raises:
            InputError: The cache is too small or has another number of rows, or `lengths` does not fit the tokens.
        """
        batch, length = token_ids.shape
        self._check_rows(batch, cache)
        counts = [length] * batch if lengths is None else lengths
        if len(counts) != batch or not all(0 <= count <= length for count in counts):
            raise InputError(f"lengths is {lengths}; give {batch} lengths of at most {length}, one for each row")
        positions = torch.tensor(cache.lengths, device=self.device)[:, None] + torch.arange(length, device=self.device)
        stop = max(cache.lengths) + length
        hidden = self._run(
            self.embed(token_ids),
            cache,
            {kind: self._encode_view(kind, positions, stop) for kind in set(self.config.layer_types)},
        )
        cache.advance(counts)
        return hidden

    def denoise(
        self,
        canvas: CanvasIds,
        cache: Cache,
        conditioning: SoftEmbedding | None = None,
        *,
        context: Int[Tensor, " B"] | None = None,
    ) -> Logits:
        """Predict the clean token at every canvas position.

        Args:
            canvas: The canvas as it stands, part noise.
            cache: The encoded text before the canvas; read only.
            conditioning: Soft embedding of the last step's prediction, or None for none.
            context: How many cached positions each row's canvas follows; None if all of them. Training gives it, to
                denoise a canvas in the middle of an encoded text without seeing what comes after.

        Returns:
            Softcapped float32 logits.
        """
        return self.head(self.denoise_hidden(canvas, cache, conditioning, context=context))

    def denoise_hidden(
        self,
        canvas: CanvasIds,
        cache: Cache,
        conditioning: SoftEmbedding | None = None,
        *,
        context: Int[Tensor, " B"] | None = None,
    ) -> SoftEmbedding:
        """The hidden states behind `denoise`'s logits."""
        self._check_rows(canvas.shape[0], cache)
        # A given context stays on its device: the widest view is read and masked, and nothing waits to learn its
        # values.
        shortest, longest = min(cache.lengths) if context is None else 0, max(cache.lengths)
        if context is None:
            context = torch.tensor(cache.lengths, device=self.device)
        return self._run(
            self.self_conditioning(self.embed(canvas), conditioning),
            cache,
            {
                kind: self._denoise_view(kind, context, shortest, longest, canvas.shape[1])
                for kind in set(self.config.layer_types)
            },
        )

    def head(self, hidden: Hidden) -> Float[Tensor, "B L V"]:
        """Softcapped float32 logits of hidden states; of encoded text they predict the next token."""
        return softcapped_logits(hidden, self.embed_tokens.weight, self.config.final_logit_softcapping)

    def soft_embed(self, logits: Logits) -> SoftEmbedding:
        """Expected, scaled embedding under softmax(logits); divide the logits by the temperature first."""
        return soft_embedding(logits, self.embed_tokens.weight, self.config.hidden_size**0.5)

    def read_head(
        self,
        hidden: SoftEmbedding,
        temperature: Float[Tensor, " B"],
        uniforms: Float64[Tensor, "B C"],
        by: HeadReader | None = None,
    ) -> HeadReading:
        """What a step needs of hidden states' logits, without the logits; see `gesso.ops.read_head`.

        Args:
            hidden: Final hidden states.
            temperature: As there.
            uniforms: As there.
            by: Reads them instead.
        """
        inputs = (hidden, self.embed_tokens.weight, self.config.final_logit_softcapping, temperature, uniforms)
        if by is not None:
            return by(*inputs)
        if self.kernels is not None:
            return self.kernels.read_head(*inputs)
        return read_head(*inputs, reader=self._chunk_reader)

    def embed(self, ids: Int[Tensor, "B L"]) -> Hidden:
        """Embed tokens as the layers see them, scaled by sqrt(D)."""
        # The scale is rounded to the weights' dtype first: sqrt(2816) in bfloat16 is what the published weights saw.
        scale = torch.full((), self.config.hidden_size**0.5, dtype=self.dtype, device=self.device)
        return self.embed_tokens(ids) * scale

    def _run(self, hidden: Hidden, cache: Cache, views: dict[str, View]) -> Hidden:
        for layer in self.layers:
            hidden = layer(hidden, cache, views[layer.kind])
        return self.norm(hidden)

    def _encode_view(self, kind: str, positions: Int[Tensor, "B L"], stop: int) -> View:
        cos, sin = self._rope_tables(kind, positions)
        window = self._window(kind)
        causal = stop == positions.shape[1] and (window is None or stop <= window)
        visible = None if causal else encode_visibility(positions, stop, window)
        return View(cos=cos, sin=sin, start=0, stop=stop, visible=visible, causal=causal, writes=True)

    def _denoise_view(self, kind: str, context: Int[Tensor, " B"], shortest: int, longest: int, length: int) -> View:
        positions = context[:, None] + torch.arange(length, device=self.device)
        cos, sin = self._rope_tables(kind, positions)
        window = self._window(kind)
        start = 0 if window is None else max(0, shortest - window + 1)
        # Rows that follow equally many positions all see exactly what is read: no mask is needed. Kernels need none.
        is_plain = shortest == longest or self.kernels is not None
        visible = None if is_plain else denoise_visibility(context, start, longest, length, window)
        return View(
            cos=cos, sin=sin, start=start, stop=longest, visible=visible, causal=False, writes=False, context=context,
            window=window,
        )  # fmt: skip

    def _window(self, kind: str) -> int | None:
        return self.config.sliding_window if kind == "sliding_attention" else None

    def _rope_tables(self, kind: str, positions: Int[Tensor, "B L"]) -> tuple[Tensor, Tensor]:
        is_sliding = kind == "sliding_attention"
        rope: Rope = self.config.sliding_rope if is_sliding else self.config.full_rope
        head_dim = self.config.head_dim if is_sliding else self.config.global_head_dim
        frequencies = _frequencies(head_dim, rope, self.device)
        return rope_tables(positions, frequencies, self.dtype)

    def _check_rows(self, batch: int, cache: Cache) -> None:
        if len(cache.lengths) != batch:
            raise InputError(f"the cache has {len(cache.lengths)} rows and the tokens {batch}; make them agree")


def _frequencies(head_dim: int, rope: Rope, device: torch.device) -> Float[Tensor, " H2"]:
    # Computed on the CPU, so that every device has the same bits; copied once, for a copy waits for the device.
    if device.type == "cpu":
        return rope_frequencies(head_dim, rope.theta, rope.partial)
    if (head_dim, rope, device) not in _FREQUENCIES:
        _FREQUENCIES[head_dim, rope, device] = rope_frequencies(head_dim, rope.theta, rope.partial).to(device)
    return _FREQUENCIES[head_dim, rope, device]


_FREQUENCIES: dict[tuple[int, Rope, torch.device], Tensor] = {}
