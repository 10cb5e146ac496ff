"""Tokenizer and text encoder of the demo model, and the text encoder's first lesson.

The lesson is to name everything that a caption mentions. It costs minutes, brings synonyms together before
the UNet ever sees them, and leaves the meaning in every position from the end token on, where a causal
encoder has read the whole prompt.
"""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from tokenizers import Tokenizer, pre_tokenizers, trainers
from tokenizers.models import BPE
from torch import Tensor, nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from training.captions import Caption, caption
from training.checkpoints import save_checkpoint, save_folder
from training.config import Config, TextConfig
from training.device import choose_device
from training.render import load_traits
from training.scenes.scene import Traits

START, END = "<|startoftext|>", "<|endoftext|>"
_REPORT_EVERY = 100


def all_traits(folder: Path) -> list[Traits]:
    """Traits of every rendered scene, in the scenes' order."""
    return [traits for path in sorted(folder.glob("scenes_*.json")) for traits in load_traits(path)]


def caption_stream(traits: Sequence[Traits], seed: int) -> Iterator[Caption]:
    """Endless captions of random scenes."""
    rng = np.random.default_rng(seed)
    while True:
        yield caption(rng, traits[int(rng.integers(len(traits)))])


def train_tokenizer(texts: Iterator[str], config: TextConfig) -> CLIPTokenizer:
    """Learn a byte-pair vocabulary in CLIP's own manner of splitting text.

    The result differs from run to run (tokenizers 0.22 breaks ties by hash order): train once and keep it.
    """
    frame = CLIPTokenizer(vocab={START: 0, END: 1}, merges=[]).backend_tokenizer
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=config.vocabulary,
        special_tokens=[START, END],
        initial_alphabet=alphabet,
        end_of_word_suffix="</w>",
        show_progress=False,
    )
    tokenizer = Tokenizer(BPE(end_of_word_suffix="</w>", unk_token=END))
    tokenizer.normalizer, tokenizer.pre_tokenizer = frame.normalizer, frame.pre_tokenizer
    tokenizer.train_from_iterator(texts, trainer)
    model = json.loads(tokenizer.to_str())["model"]
    vocabulary: dict[str, int] = model["vocab"]
    for byte in alphabet:
        # Every byte in its word-final form too: a word nobody foresaw must not turn into the end token.
        for piece in (byte, byte + "</w>"):
            vocabulary.setdefault(piece, len(vocabulary))
    merges = [tuple(merge.split(" ")) if isinstance(merge, str) else tuple(merge) for merge in model["merges"]]
    return CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=config.positions)


def load_tokenizer(config: Config, report: Callable[[str], None] = print) -> CLIPTokenizer:
    """The kept tokenizer; trained and kept if there is none."""
    if not (config.tokenizer / "tokenizer.json").exists():
        report("tokenizer: none kept, training one")
        stream = caption_stream(all_traits(config.work / "scenes"), config.text.seed)
        texts = (next(stream).text for _ in range(config.text.tokenizer_captions))
        save_folder(config.tokenizer, train_tokenizer(texts, config.text))
    return CLIPTokenizer.from_pretrained(config.tokenizer)


def encode_texts(tokenizer: CLIPTokenizer, texts: Sequence[str]) -> Tensor:
    """Token ids of shape (texts, positions), padded with the end token as the pipeline does."""
    rows = tokenizer(list(texts), padding="max_length", truncation=True, max_length=tokenizer.model_max_length)
    return torch.tensor(rows.input_ids)


def build_text_encoder(tokenizer: CLIPTokenizer, config: TextConfig) -> CLIPTextModel:
    """Make the untrained encoder."""
    torch.manual_seed(config.seed)
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=config.width,
            intermediate_size=config.width * 4,
            projection_dim=config.width,
            num_hidden_layers=config.layers,
            num_attention_heads=config.heads,
            max_position_embeddings=config.positions,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
            hidden_act="gelu",
        )
    )


class Naming(nn.Module):
    """Scores for each label from the hidden states behind the end of the text."""

    def __init__(self, width: int, labels: int) -> None:
        super().__init__()
        self.scores = nn.Linear(width, labels)

    def forward(self, hidden: Tensor, ids: Tensor, end: int) -> Tensor:
        """`hidden` (batch, positions, width) and `ids` (batch, positions) to scores (batch, labels)."""
        behind = (ids == end).to(hidden.dtype)[..., None]
        return self.scores((hidden * behind).sum(1) / behind.sum(1))


def label_table(traits: Sequence[Traits], seed: int = 0, captions: int = 20_000) -> tuple[str, ...]:
    """Every label that captions of these scenes mention, sorted."""
    stream = caption_stream(traits, seed)
    return tuple(sorted({label for _ in range(captions) for label in next(stream).mentions}))


def _with_strange_words(rng: np.random.Generator, text: str) -> str:
    """Slip a word that no grammar knows into one caption in six."""
    if rng.random() > 0.17:
        return text
    syllables = ("ba", "ko", "li", "ter", "mon", "su", "ran", "dle", "vi", "pho", "st", "qua", "ing", "ed", "er", "ly")
    strange = "".join(syllables[int(i)] for i in rng.integers(len(syllables), size=int(rng.integers(1, 4))))
    parts = text.split(" ")
    parts.insert(int(rng.integers(len(parts) + 1)), strange)
    return " ".join(parts)


def teach_naming(config: Config, report: Callable[[str], None] = print) -> None:
    """Train the text encoder to name what captions mention; saves it to ``work/text_encoder``."""
    settings = config.text
    tokenizer = load_tokenizer(config, report)
    traits = all_traits(config.work / "scenes")
    labels = label_table(traits)
    column = {label: i for i, label in enumerate(labels)}
    device = choose_device(config.device)
    encoder = build_text_encoder(tokenizer, settings).to(device)
    naming = Naming(settings.width, len(labels)).to(device)
    parameters = [*encoder.parameters(), *naming.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=settings.learning_rate, weight_decay=0.01)
    stream, rng = caption_stream(traits, settings.seed + 1), np.random.default_rng(settings.seed)
    began, correct = time.monotonic(), 0.0
    kinds = torch.tensor([label.startswith("kind:") for label in labels], device=device)
    for step in range(settings.steps):
        for group in optimizer.param_groups:
            warm, share = min(1.0, (step + 1) / 50), step / settings.steps
            group["lr"] = float(settings.learning_rate * warm * (0.5 * (1 + np.cos(np.pi * share)) * 0.95 + 0.05))
        captions = [next(stream) for _ in range(settings.batch)]
        ids = encode_texts(tokenizer, [_with_strange_words(rng, c.text) for c in captions]).to(device)
        target = torch.zeros(len(captions), len(labels))
        for row, said in enumerate(captions):
            for label in said.mentions:
                if label in column:
                    target[row, column[label]] = 1
        target = target.to(device)
        scores = naming(encoder(ids).last_hidden_state, ids, end_token(tokenizer))
        loss = F.binary_cross_entropy_with_logits(scores, target, reduction="sum") / len(captions)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        hits = scores[:, kinds].argmax(1) == target[:, kinds].argmax(1)
        correct = 0.95 * correct + 0.05 * float(hits.float().mean())
        if (step + 1) % _REPORT_EVERY == 0:
            left = (time.monotonic() - began) / (step + 1) * (settings.steps - step - 1) / 60
            where = f"text: step {step + 1} of {settings.steps}"
            report(f"{where}, loss {loss.item():.3f}, kind {correct:.1%}, {left:.0f} min left")
    save_folder(config.work / "text_encoder", encoder.to("cpu"))


def cache_captions(config: Config) -> None:
    """Write `captions_each` captions of every encoded scene as token ids to ``captions.pt``."""
    tokenizer, settings = load_tokenizer(config), config.text
    rng = np.random.default_rng([settings.seed, 2])
    traits = all_traits(config.pictures / "scenes")[: config.render.encoded_chunks * config.render.chunk]
    texts = [caption(rng, each).text for each in traits for _ in range(settings.captions_each)]
    ids = encode_texts(tokenizer, texts).view(len(traits), settings.captions_each, -1)
    nothing = encode_texts(tokenizer, [""])[0]
    save_checkpoint(config.pictures / "captions.pt", {"ids": ids.short(), "nothing": nothing.short()})


def end_token(tokenizer: CLIPTokenizer) -> int:
    """Id of the token that ends and pads a text."""
    end = tokenizer.eos_token_id
    if not isinstance(end, int):
        raise TypeError(f"the tokenizer's end token has no single id: {end!r}")
    return end
