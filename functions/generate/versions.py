"""Which models and prompts a batch is written with."""

import msgspec

from functions.common.batches import Settings
from functions.common.models import Models
from functions.generate.prompt import PROMPTS


def settings_for(models: Models, settings: Settings) -> Settings:
    """The settings with the versions of the models that will do the work; the weights need not be there."""
    manifest = models.manifest("writer")
    prompt = PROMPTS[manifest.prompt]
    return msgspec.structs.replace(
        settings,
        model=manifest.version,
        prompt=f"{prompt.name}-{prompt.version}",
        embedder=models.manifest("embedder").version,
    )
