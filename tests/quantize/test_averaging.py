import json
from pathlib import Path

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file
from typer.testing import CliRunner

from functions.cli import app
from functions.common.errors import InputError
from quantize.averaging import average
from quantize.llama import merge
from quantize.trials import Training, read_training

STEM = "base_model.model.model.layers.0.self_attn.q_proj"
TARGET = "model.layers.0.self_attn.q_proj.weight"


def adapter(folder: Path, seed: int, rank: int = 2, alpha: int = 4, stem: str = STEM) -> Path:
    random = np.random.default_rng(seed)
    folder.mkdir()
    matrices = {
        f"{stem}.lora_A.weight": random.normal(size=(rank, 6)).astype(np.float16),
        f"{stem}.lora_B.weight": random.normal(size=(5, rank)).astype(np.float16),
    }
    save_file(matrices, folder / "adapter_model.safetensors")
    (folder / "adapter_config.json").write_text(json.dumps({"r": rank, "lora_alpha": alpha}))
    return folder


def change(folder: Path) -> NDArray[np.float32]:
    weights = {TARGET: np.zeros((5, 6), np.float32)}
    merge(weights, folder)
    return weights[TARGET]


def test_the_average_changes_each_weight_by_the_mean_of_the_changes(tmp_path: Path) -> None:
    one, two = adapter(tmp_path / "one", 1), adapter(tmp_path / "two", 2, rank=1, alpha=3)
    average([one, two], tmp_path / "mean", rank=3)
    np.testing.assert_allclose(change(tmp_path / "mean"), (change(one) + change(two)) / 2, atol=0.01)


def test_a_smaller_rank_keeps_the_best_approximation(tmp_path: Path) -> None:
    one, two = adapter(tmp_path / "one", 1), adapter(tmp_path / "two", 2)
    average([one, two], tmp_path / "mean", rank=1)
    assert load_file(tmp_path / "mean" / "adapter_model.safetensors")[f"{STEM}.lora_A.weight"].shape == (1, 6)
    left, values, right = np.linalg.svd((change(one) + change(two)) / 2)
    np.testing.assert_allclose(change(tmp_path / "mean"), values[0] * np.outer(left[:, 0], right[0]), atol=0.02)


def test_adapters_of_different_matrices_are_not_averaged(tmp_path: Path) -> None:
    one, two = adapter(tmp_path / "one", 1), adapter(tmp_path / "two", 2, stem=STEM.replace("q_proj", "k_proj"))
    with pytest.raises(InputError, match="adapts other matrices"):
        average([one, two], tmp_path / "mean", rank=1)


FIRST = Training(plan={"rate": 2e-3}, figures={"steps": 5})
"""Of the adapter that both runs began with."""


def test_the_record_of_an_average_names_what_its_runs_had_and_what_they_cost(tmp_path: Path) -> None:
    adapters = []
    for seed in range(2):
        (tmp_path / f"run{seed}").mkdir()
        record = Training(
            plan={"rank": 2, "seed": seed},
            figures={"steps": 10, "seconds": 60.0, "validation_loss": 1.0 + seed},
            before=FIRST,
        )
        (tmp_path / f"run{seed}" / "train.json").write_bytes(msgspec.json.encode(record))
        adapters.append(str(adapter(tmp_path / f"run{seed}" / "adapter", seed)))
    out = tmp_path / "mean"
    done = CliRunner().invoke(app, ["model", "average", str(out), *adapters, "--rank", "3"])
    assert done.exit_code == 0, done.output
    found = read_training(out / "train.json")
    assert found.plan == {"rank": 3, "alpha": 3, "seed": "0, 1", "averaged": 2}
    assert found.figures == {"steps": 20, "seconds": 120}
    assert found.before == FIRST
