# pyright: reportUnknownVariableType=false
"""How CLIP's text encoders read what the pipelines' own `encode_prompt` does not: fewer layers, and A1111's way.

A1111's way (docs/decisions/prompt-weights.md): chunks of a window each, every chunk read by itself and set behind the
one before; each token's vector is multiplied by its weight, and the chunk is then scaled to the mean that it had.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from bgen_core.sweep.prompt_syntax import parse_weights, split_at_commas

LEAST_MEAN = 1e-3  # of the spread: a mean of nothing but rounding errors, as of untrained encoders, is no measure

Weighted = list[tuple[int, float]]


@dataclass(frozen=True, kw_only=True)
class ClipReader:
    """One of a pipeline's text encoders with its tokenizer.

    Attributes
    ----------
    device
        Where it computes; its parts may wait elsewhere.
    layer
        Which of the encoder's states is read, counted from the last one; `normed` those that its last norm follows.
    """

    tokenizer: Any
    encoder: Any
    device: torch.device
    layer: int
    normed: bool

    @property
    def window(self) -> int:
        """Tokens of a chunk, without the two that mark its ends."""
        return self.tokenizer.model_max_length - 2

    def read(self, ids: torch.Tensor, mask: torch.Tensor, clip_skip: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Tokens, 1 × window + 2, to their vectors, and to the encoder's first answer: SDXL's projects the whole."""
        uses_mask = self.normed and getattr(self.encoder.config, "use_attention_mask", False)
        answer = self.encoder(
            ids.to(self.device), attention_mask=mask.to(self.device) if uses_mask else None, output_hidden_states=True
        )
        if self.normed and not clip_skip:
            return answer[0], answer[0]
        state = answer.hidden_states[-(self.layer + clip_skip)]
        return (_normed(self.encoder.final_layer_norm, state) if self.normed else state), answer[0]


def _normed(norm: Any, state: torch.Tensor) -> torch.Tensor:
    """The encoder's last norm by itself: where the encoder's parts are moved to the device in turn, it may be away."""
    weight, bias = norm.weight.to(state.device), norm.bias.to(state.device)
    return torch.nn.functional.layer_norm(state, norm.normalized_shape, weight, bias, norm.eps)


def readers_of(pipeline: Any, device: torch.device) -> tuple[ClipReader, ...]:
    """Those of Stable Diffusion 1.x and 2.x, which reads the last layer, or of SDXL, which reads the last but one."""
    if not hasattr(pipeline, "text_encoder_2"):
        tokenizer, encoder = pipeline.tokenizer, pipeline.text_encoder
        return (ClipReader(tokenizer=tokenizer, encoder=encoder, device=device, layer=1, normed=True),)
    parts = ((pipeline.tokenizer, pipeline.text_encoder), (pipeline.tokenizer_2, pipeline.text_encoder_2))
    return tuple(
        ClipReader(tokenizer=tokenizer, encoder=encoder, device=device, layer=2, normed=False)
        for tokenizer, encoder in parts
        if encoder is not None
    )


def read_without_layers(reader: ClipReader, text: str, clip_skip: int) -> torch.Tensor:
    """A text, 1 × tokens × channels, read without the encoder's last layers.

    As StableDiffusionInpaintPipeline.encode_prompt of diffusers 0.42.1 means it; that asks the encoder for its
    `text_model`, which transformers 5 has no more.
    """
    tokens = reader.tokenizer(
        text, padding="max_length", max_length=reader.window + 2, truncation=True, return_tensors="pt"
    )
    return reader.read(tokens.input_ids, tokens.attention_mask, clip_skip)[0]


def read_weighted(readers: Sequence[ClipReader], text: str, clip_skip: int) -> tuple[torch.Tensor, torch.Tensor | None]:
    """A prompt as A1111 reads it, 1 × tokens × channels; and 1 × channels of SDXL's whole first chunk, else None."""
    chunks = [chunks_of(reader, text) for reader in readers]
    number = max(map(len, chunks))
    embeds: list[torch.Tensor] = []
    pooled: list[torch.Tensor] = []
    for reader, own in zip(readers, chunks, strict=True):
        padded = own + [Weighted()] * (number - len(own))  # tokenizers that count differently
        answers = [_read_chunk(reader, chunk, clip_skip) for chunk in padded]
        embeds.append(torch.cat([vectors for vectors, _ in answers], dim=1))
        pooled.append(answers[0][1])
    return torch.cat(embeds, dim=-1), None if readers[0].normed else pooled[-1]


def chunks_of(reader: ClipReader, text: str) -> list[Weighted]:
    """A prompt's tokens with their weights, chunk by chunk; at least one."""
    comma = reader.tokenizer.get_vocab().get(",</w>")
    chunks: list[Weighted] = []
    for part in parse_weights(text):
        tokens: Weighted = []
        for run in part:
            ids = reader.tokenizer(run.text, add_special_tokens=False, truncation=False, verbose=False).input_ids
            tokens += [(token, run.weight) for token in ids]
        chunks += split_at_commas(tokens, window=reader.window, comma=comma)
    return chunks if chunks[-1] or len(chunks) == 1 else chunks[:-1]


def _read_chunk(reader: ClipReader, chunk: Weighted, clip_skip: int) -> tuple[torch.Tensor, torch.Tensor]:
    tokenizer, empty = reader.tokenizer, reader.window - len(chunk)
    ids = [tokenizer.bos_token_id, *(token for token, _ in chunk), tokenizer.eos_token_id]
    ids += [tokenizer.pad_token_id] * empty
    mask = [1] * (len(chunk) + 2) + [0] * empty
    vectors, pooled = reader.read(torch.tensor([ids]), torch.tensor([mask]), clip_skip)
    if all(weight == 1.0 for _, weight in chunk):
        return vectors, pooled
    factors = torch.ones(1, len(ids), 1, device=vectors.device)
    factors[0, 1 : len(chunk) + 1, 0] = torch.tensor([weight for _, weight in chunk], device=vectors.device)
    whole = vectors.float()
    weighted = whole * factors
    if whole.mean().abs() > LEAST_MEAN * whole.std():
        weighted = weighted * (whole.mean() / weighted.mean())
    return weighted.to(vectors.dtype), pooled
