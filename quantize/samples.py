"""What a freshly trained adapter writes, for people to read beside its losses."""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from functions.common.writer import Sampling, open_writer
from functions.generate.prompt import PROMPTS, SLOTS
from quantize.bases import Base
from quantize.corpus import Entry
from quantize.llama import merge

_SHOWN = 8


def samples(base: Base, adapter: Path, entries: Sequence[Entry]) -> str:
    """The tuned model's likeliest text for every slot of a few products, as Markdown."""
    weights = base.weights()
    merge(weights, adapter)
    prompt = PROMPTS["house"]
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        base.save(weights, Path(folder), "int8")
        writer = open_writer(Path(folder), base.family, os.cpu_count() or 1)
        for entry in entries[:: max(1, len(entries) // _SHOWN)][:_SHOWN]:
            tails = [prompt.tail(slot, entry.voice) for slot in SLOTS]
            greedy = Sampling(samples=1, seed=0, topk=1)
            product = entry.as_product()
            answers = writer.write(prompt.prefix(product), tails, greedy, prompt.joining(product, entry.voice))
            lines += [f"## {entry.product.title} ({entry.voice})", ""]
            lines += [
                f"- {slot.name}: {' / '.join(s.text for s in found)}"
                for slot, found in zip(SLOTS, answers, strict=True)
            ]
            lines.append("")
    return "\n".join(lines)
