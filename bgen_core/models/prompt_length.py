# pyright: reportUnknownMemberType=false
"""How much of a prompt a model's text encoder reads; what is beyond is cut off by it without a word."""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from bgen_core.json_value import JsonValue
from bgen_core.models.families import Configs
from bgen_core.models.model_source import ModelSource


def window_fault(configs: Configs) -> str:
    """Why a checkpoint's CLIP text encoders cannot read what its tokenizers give them; completes "Flux …"."""
    windows: list[int] = []
    for encoder, tokenizer in (("text_encoder", "tokenizer"), ("text_encoder_2", "tokenizer_2")):
        given: JsonValue = configs.of(tokenizer).get("model_max_length")
        reads: JsonValue = configs.of(encoder).get("max_position_embeddings")
        if configs.of(encoder).get("model_type") != "clip_text_model":
            continue
        if isinstance(given, int) and isinstance(reads, int):
            windows.append(given)
            if given > reads:
                return f"cannot read its prompts: its {tokenizer} gives {given} tokens, and its {encoder} reads {reads}"
    if configs.of("unet") and len(set(windows)) > 1:  # both are joined, token by token
        return (
            f"cannot read its prompts: its two tokenizers give {windows[0]} and {windows[1]} tokens, not as many each"
        )
    return ""


def find_cut_off(source: ModelSource, text: str) -> str:
    """The end of a prompt that the model does not read; empty where it reads everything.

    Parameters
    ----------
    source
        The model. Where its tokenizer is not on this machine, or is of an unknown kind, nothing is known to be cut.
    """
    folder, reader = source.files, source.family.reader
    if reader is None or not text:
        return ""
    try:
        tokenizer, limit = _load_tokenizer(folder / reader.folder)
    except Exception:  # the Rust library raises that alone for a damaged file; loading the model says it better
        return ""
    encoded = tokenizer.encode(text, add_special_tokens=False)
    read = (reader.most or limit) - reader.marks
    if len(encoded.ids) <= read:
        return ""
    start = encoded.offsets[read][0]
    return text[max(text.rfind(" ", 0, start), text.rfind("\n", 0, start)) + 1 :].strip()


@lru_cache(maxsize=8)
def _load_tokenizer(folder: Path) -> tuple[Any, int]:
    """The tokenizer and its limit, by the Rust library alone: importing transformers takes seconds."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers

    configuration = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    limit = int(configuration["model_max_length"])
    if (folder / "tokenizer.json").is_file():
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return tokenizer, limit
    # CLIP's slow form: vocabulary and merges, as transformers' own CLIPTokenizer sets them up.
    tokenizer = Tokenizer(
        models.BPE.from_file(
            str(folder / "vocab.json"),
            str(folder / "merges.txt"),
            end_of_word_suffix="</w>",
            unk_token="<|endoftext|>",
        )
    )
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(_words(), behavior="removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer, limit


def _words() -> Any:
    from tokenizers import Regex

    return Regex(r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+")
