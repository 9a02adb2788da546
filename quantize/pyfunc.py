"""The model as MLflow serves it: products in, scored creatives out. This file itself is the model's code there.

MLflow copies it beside the weights and runs it (https://mlflow.org/docs/latest/ml/model/models-from-code/), so it
imports nothing of `quantize`; the package `functions` travels with it.
"""

from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.pyfunc.model import PythonModel, PythonModelContext
from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema
from mlflow.types.schema import Array, DataType, Map

from functions.common.batches import Batch, Part, Settings
from functions.common.brand import Brand
from functions.common.models import Models
from functions.common.platforms import chosen
from functions.common.records import PART_ROWS, Creative, Product, Source
from functions.flow import settings_for
from functions.generate import stage as generate
from functions.score import stage as score

TEXTS = ("product_id", "description", "category", "brand", "language")
EXAMPLE = pd.DataFrame(
    [
        {
            "title": "Enamel mug, blue",
            "description": "Enamelled steel, 350 ml. For the camp fire and the kitchen.",
            "attributes": {"Colour": "Blue"},
            "language": "en",
        }
    ]
)
"""Only the title is needed."""

SIGNATURE = ModelSignature(
    inputs=Schema(
        [
            ColSpec(DataType.string, "title"),
            *(ColSpec(DataType.string, name, required=False) for name in TEXTS),
            ColSpec(Map(DataType.string), "attributes", required=False),
        ]
    ),
    outputs=Schema(
        [
            *(ColSpec(DataType.string, name) for name in ("product_id", "platform", "status")),
            ColSpec(DataType.double, "score", required=False),
            ColSpec(Map(Array(DataType.string)), "fields"),
            ColSpec(Array(DataType.string), "findings"),
        ]
    ),
    params=ParamSchema(
        [
            ParamSpec("platforms", DataType.string, "meta_feed"),
            ParamSpec("voice", DataType.string, "plain"),
            ParamSpec("candidates", DataType.long, 4),
            ParamSpec("seed", DataType.long, 0),
        ]
    ),
)


class CreativeModel(PythonModel):  # type: ignore[misc, unused-ignore]
    """Generation and scoring behind one call; ``platforms`` are comma-separated."""

    def load_context(self, context: PythonModelContext) -> None:
        self._models = Models(Path(context.artifacts["writer"]).parent)

    def predict(  # type: ignore[override, unused-ignore]
        self, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> list[dict[str, Any]]:
        """One dictionary for each product and platform.

        Args:
            model_input: a data frame with the columns of the signature.
        """
        asked = {spec.name: spec.default for spec in SIGNATURE.params} | (params or {})
        names = [platform.name for platform in chosen([name.strip() for name in asked["platforms"].split(",")])]
        settings = Settings(
            platforms=names,
            brand=Brand(voice=asked["voice"]),
            candidates=int(asked["candidates"]),
            seed=int(asked["seed"]),
        )
        batch = Batch.of("request", "", settings_for(self._models, settings))
        products = [_product(number, row) for number, row in enumerate(model_input.to_dict("records"), start=1)]
        creatives: list[Creative] = []
        for start in range(0, len(products), PART_ROWS):
            written = generate.run(Part(batch, start, products[start : start + PART_ROWS]), self._models.writer)
            sets = written.outputs[0].records
            creatives += score.run(Part(batch, start, sets), self._models, self._models.references).outputs[0].records
        return [_answer(each) for each in creatives]


def _product(number: int, row: dict[str, Any]) -> Product:
    texts = {name: row[name] for name in TEXTS if isinstance(row.get(name), str)}  # An empty cell comes as NaN.
    attributes = row.get("attributes")
    return Product(
        title=row["title"],
        attributes=dict(attributes) if isinstance(attributes, dict) else {},
        source=Source(file="request", row=number),
        **{"product_id": str(number), **texts},
    )


def _answer(each: Creative) -> dict[str, Any]:
    return {
        "product_id": each.product_id,
        "platform": each.platform,
        "status": each.status,
        "score": each.score,
        "fields": each.fields,
        "findings": [finding.message for finding in each.findings],
    }


mlflow.models.set_model(CreativeModel())
