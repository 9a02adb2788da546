"""The average of several adapters of one base model: model soups (https://arxiv.org/abs/2203.05482) in LoRA's form."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from functions.common.errors import InputError

Matrix = NDArray[np.float32]


def average(adapters: Sequence[Path], out: Path, rank: int) -> None:
    """Write the adapter whose change of each weight is the mean of the given ones' changes, cut to a rank.

    Args:
        adapters: folders in peft's form, of the same base model and the same matrices.
        out: folder of the average; made where it is missing.
        rank: of the average; the singular vectors with the greatest values are kept
            (https://en.wikipedia.org/wiki/Low-rank_approximation).

    Raises:
        InputError: the adapters adapt different matrices.
    """
    configs = [json.loads((folder / "adapter_config.json").read_text(encoding="utf-8")) for folder in adapters]
    found = [load_file(folder / "adapter_model.safetensors") for folder in adapters]
    if len({frozenset(matrices) for matrices in found}) != 1:
        raise InputError(f"{adapters[0]}: adapts other matrices than the others; average runs of one base model")
    shares = [config["lora_alpha"] / config["r"] / len(adapters) for config in configs]
    averaged = {}
    for name in (name for name in found[0] if name.endswith(".lora_A.weight")):
        twin = name.replace(".lora_A.", ".lora_B.")
        down = np.concatenate([matrices[name].astype(np.float32) for matrices in found])
        parts = [share * matrices[twin].astype(np.float32) for share, matrices in zip(shares, found, strict=True)]
        up, down = _cut(np.concatenate(parts, axis=1), down, rank)
        averaged[name], averaged[twin] = down.astype(np.float16), up.astype(np.float16)
    out.mkdir(parents=True, exist_ok=True)
    save_file(averaged, out / "adapter_model.safetensors", metadata={"format": "pt"})
    config = {**configs[0], "r": rank, "lora_alpha": rank, "lora_dropout": 0.0}
    (out / "adapter_config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def _cut(up: Matrix, down: Matrix, rank: int) -> tuple[Matrix, Matrix]:
    """The nearest product of a rank to ``up @ down``, found in the small space that the two span."""
    left, up_inner = np.linalg.qr(up)
    right, down_inner = np.linalg.qr(down.T)
    inner_left, values, inner_right = np.linalg.svd(up_inner @ down_inner.T)
    root = np.sqrt(values[:rank])
    return np.ascontiguousarray(left @ (inner_left[:, :rank] * root)), np.ascontiguousarray(
        (root[:, None] * inner_right[:rank]) @ right.T
    )
