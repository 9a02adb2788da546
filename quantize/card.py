"""The model card in the form of Hugging Face (https://huggingface.co/docs/hub/model-cards), made from the records.

Every figure comes out of ``train.json`` and ``evaluation.json``; what was not measured is said to be so.
"""

import html
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from functions.common.errors import InputError
from functions.generate.prompt import SLOTS
from quantize.build import recipes
from quantize.figures import Evaluation, Report, Section
from quantize.pairwise import Result
from quantize.trials import Training, Trial, number, trials_table

_FIGURES = {
    "passed": "texts that pass all gates",
    "supported": "texts without an unsupported claim",
    "formed": "answers usable as they came",
    "coverage": "salient words of the product covered",
    "relevance": "relevance to the product",
    "distinct_2": "distinct-2",
    "copied_5grams": "five-word runs copied from training texts",
    "length_use": "length used of the limit",
}
_WEAK = 5
_PREFERRED = """

Then the writer learnt which of its own texts for training products readers gave the better grade (direct preference
optimisation, https://arxiv.org/abs/2305.18290)."""


def card(
    training: Training,
    report: Report,
    trials: Sequence[Trial] = (),
    readings: Mapping[str, Sequence[Result]] | None = None,
) -> str:
    """The card as Markdown with its YAML head.

    Args:
        trials: the runs by which the settings were chosen.
        readings: what was read blind -> how the author fared against each other one.

    Raises:
        InputError: the report holds no sample.
    """
    if not report.sections:
        raise InputError("the evaluation holds no sample; run `adloom model evaluate`")
    head = yaml.safe_dump(_metadata(report), sort_keys=False, allow_unicode=True)
    body = [_summary(report), _details(), _uses(), _limits(report), _start(), _training(training, report, trials)]
    measured = [_evaluation(report), *_readings(readings or {})]
    return "\n\n".join([f"---\n{head}---", *body, *measured, _technical(training), _rest()]) + "\n"


def _metadata(report: Report) -> dict[str, Any]:
    recipe = recipes()["writer"]
    results = [
        {
            "task": {"type": "text-generation", "name": "Ad copy from product data"},
            "dataset": {"type": "adloom", "name": f"{name} ({section.sample.products} products)"},
            "metrics": [
                {"type": figure, "name": label, "value": getattr(section.evaluations[0], figure)}
                for figure, label in _FIGURES.items()
            ],
        }
        for name, section in report.sections.items()
    ]
    return {
        "license": recipe.licence.lower(),
        "language": ["en"],
        "library_name": "peft",
        "pipeline_tag": "text-generation",
        "base_model": recipe.model,
        "tags": ["lora", "advertising", "copywriting", "ctranslate2", "int8"],
        "model-index": [{"name": "adloom-writer", "results": results}],
    }


def _summary(report: Report) -> str:
    lines = []
    for name, section in report.sections.items():
        ours = section.evaluations[0]
        beside = "; ".join(f"{e.author} {e.passed:.1%}" for e in section.evaluations[1:])
        line = f"{name}: {ours.passed:.1%} of first answers pass all gates"
        lines.append(f"- {line} ({beside}), {section.sample.products} products." if beside else f"- {line}.")
    return (
        "# Adloom writer\n\n"
        "Writes short ad copy in one house style from the data of a product page: headlines at three lengths, a "
        "primary text, descriptions, hashtags and a call to action. It is small enough for a processor without a GPU, "
        "and is meant to run behind Adloom's gates, never alone.\n\n" + "\n".join(lines)
    )


def _details() -> str:
    recipe = recipes()["writer"]
    return f"""## Model Details

### Model Description

- **Developed by:** the Adloom project
- **Model type:** decoder-only language model; a LoRA adapter, merged into the base weights and quantized to \
{recipe.quantization} for use
- **Language(s):** English
- **License:** {recipe.licence}, as its base model
- **Finetuned from model:** {recipe.model}"""


def _uses() -> str:
    return """## Uses

### Direct Use

Drafting ad copy for products of a catalogue: several candidates for each field, of which Adloom's score stage keeps
those that pass every gate. `adloom run` does all of it.

### Downstream Use

A shop's own adapter on top, trained on copy that people approved.

### Out-of-Scope Use

- Use without the gates: the model can state what the product page does not say.
- Copy for medicines, financial products, alcohol, tobacco, weapons, political or employment ads, which the corpus does
  not cover and the platforms regulate.
- Languages other than English; chat, summaries, questions and answers."""


def _limits(report: Report) -> str:
    lines = ["## Bias, Risks, and Limitations", ""]
    for name, section in report.sections.items():
        ours = section.evaluations[0]
        weakest = sorted(ours.slots.items(), key=lambda item: (item[1].passed, item[0]))[:3]
        slots = ", ".join(f"{slot} ({figures.passed:.1%} pass)" for slot, figures in weakest)
        rules = ", ".join(f"{rule} ({share:.1%})" for rule, share in _commonest(ours)) or "none"
        lines += [
            f"On {name}, {1 - ours.passed:.1%} of first answers break at least one gate, and {1 - ours.supported:.1%} "
            f"claim something that the product does not. Weakest fields: {slots}. Most frequent findings: {rules}.",
            "",
        ]
    return (
        "\n".join(lines)
        + """
The gates are programs: they find what they were written for. A claim in words that no list knows passes, and a true
claim in unusual words is refused. The corpus is invented, and its idea of good copy is that of one project: plain,
concrete, the retail English of Britain and America. With 135 million parameters the model knows little of the world
and may misread what a product is, above all from a bare title.

### Recommendations

Keep the gates on. Let a person read what an ad will say before money is spent on it. Tell the platform that the text
is machine-made where it asks."""
    )


def _commonest(evaluation: Evaluation) -> list[tuple[str, float]]:
    return sorted(evaluation.rules.items(), key=lambda item: (-item[1], item[0]))[:_WEAK]


def _start() -> str:
    return """## How to Get Started with the Model

```console
$ pip install 'adloom[generate]'
$ adloom model build
$ adloom run catalogue.csv --out ads
```

The adapter alone is in peft's form (`adapter_config.json`, `adapter_model.safetensors`) and fits the base model."""


def _training(training: Training, report: Report, trials: Sequence[Trial]) -> str:
    preferred = _PREFERRED if training.plan.get("graded", "none") not in ("", "none") else ""
    stages = [training]
    while stages[0].before:
        stages.insert(0, stages[0].before)
    names = [f", stage {number}" if len(stages) > 1 else "" for number in range(1, len(stages) + 1)]
    told = "\n\n".join(map(_stage, stages, names))
    return f"""## Training Details

### Training Data

Adloom's own corpus (`quantize/corpus`, version `{report.corpus}`): invented products with copy written for them by the
project's style guide, split by product. No text of a shop's catalogue is in it. Its data card says how it was made.

### Training Procedure

LoRA on all linear matrices; the loss is on the target text only. All fields of a product are one sequence in which
they do not see each other, at the positions that they have when they are decoded in parallel.{preferred}

{told}{_chosen(trials)}"""


def _stage(training: Training, name: str) -> str:
    plan = "\n".join(f"- {name}: {number(value)}" for name, value in training.plan.items())
    figures = training.figures
    runs = training.plan.get("averaged")
    soup = f"The adapter is the average of {number(runs)} runs (https://arxiv.org/abs/2203.05482). " if runs else ""
    curve = "\n".join(
        f"| {number(p['step'])} | {p['train_loss']:.4f} | {p['validation_loss']:.4f} |" for p in training.curve
    )
    loss = f"; final validation loss {figures['validation_loss']:.4f}" if "validation_loss" in figures else ""
    losses = f"\n\n| step | training loss | validation loss |\n|---|---|---|\n{curve}" if curve else ""
    return f"""#### Training Hyperparameters{name}

{plan}

#### Speeds, Sizes, Times{name}

{soup}{number(figures.get("steps", 0))} steps in {figures.get("seconds", 0) / 60:.1f} minutes{loss}.{losses}"""


def _chosen(trials: Sequence[Trial]) -> str:
    if not trials:
        return ""
    head, *rows = trials_table(trials)
    lines = [f"| {' | '.join(row)} |" for row in rows]
    table = "\n".join([f"| {' | '.join(head)} |", "|---" * len(head) + "|", *lines])
    return f"\n\n#### How the settings were chosen\n\nRuns on a part of the training data, best first:\n\n{table}"


def _evaluation(report: Report) -> str:
    parts = [
        """## Evaluation

### Testing Data, Factors & Metrics

Each product is given to the model once: one text a field, no choice among several. Every text is held against all
gates of the score stage and the length of its field. Figures by field stand below; the metrics are defined in
`quantize/figures.py`.

### Results"""
    ]
    for name, section in report.sections.items():
        parts.append(f"#### {name}: {section.sample.products} products, seed {section.sample.seed}")
        parts.append("\n".join(_table(section.evaluations)))
        parts.append(_flow(section))
    if any(section.outputs for section in report.sections.values()):
        parts.append("#### Outputs as they fell")
        parts.append("\n".join(line for section in report.sections.values() for line in _outputs(section)))
    return "\n\n".join(parts)


def _readings(readings: Mapping[str, Sequence[Result]]) -> Iterator[str]:
    if not readings:
        return
    yield (
        "### Blind reading\n\nReaders, language models that had seen neither the corpus nor the key, chose the better"
        " of two ads for the same product, or a tie; order and sides were shuffled. Pairs, key and votes lie beside"
        " this card. Intervals are of 95 %."
    )
    for name, results in readings.items():
        lines = [f"#### {name}", "", "| against | pairs | wins | ties | wins or ties |", "|---|---|---|---|---|"]
        for each in results:
            wins = f"{each.win:.1%} ({each.win_low:.1%} to {each.win_high:.1%})"
            either = f"{each.win_or_tie:.1%} ({each.win_or_tie_low:.1%} to {each.win_or_tie_high:.1%})"
            lines.append(f"| {each.against} | {each.pairs} | {wins} | {each.tie:.1%} | {either} |")
        yield "\n".join(lines)


def _table(evaluations: Sequence[Evaluation]) -> Iterator[str]:
    yield f"| | {' | '.join(each.author for each in evaluations)} |"
    yield f"|---|{'---|' * len(evaluations)}"
    for figure, label in _FIGURES.items():
        yield f"| {label} | {' | '.join(f'{getattr(each, figure):.1%}' for each in evaluations)} |"
    for slot in (slot.name for slot in SLOTS if slot.name in evaluations[0].slots):
        cells = [f"{e.slots[slot].passed:.1%}" if slot in e.slots else "not written" for e in evaluations]
        yield f"| {slot}: pass all gates | {' | '.join(cells)} |"
    seconds = [f"{each.latency.median:.2f} ({each.latency.p95:.2f})" for each in evaluations]
    yield f"| seconds a product, median (95th percentile) | {' | '.join(seconds)} |"


def _flow(section: Section) -> str:
    flow = section.evaluations[0].pipeline
    if flow is None:
        return "The whole flow, with candidates and selection, was not measured on this sample."
    platforms = ", ".join(f"{name} {share:.1%}" for name, share in flow.platforms.items())
    return (
        f"With {flow.candidates} candidates a field and selection, {flow.ready:.1%} of {flow.creatives} creatives end "
        f"ready ({platforms}), at {flow.latency.median:.2f} seconds a product."
    )


def _outputs(section: Section) -> Iterator[str]:
    for output in section.outputs:
        yield f"- **{html.escape(output.title, quote=False)}**"
        for slot, text in output.copy.items():
            rules = output.findings.get(slot)
            yield f"  - {slot}: {html.escape(text, quote=False)}" + (f" *({', '.join(rules)})*" if rules else "")


def _technical(training: Training) -> str:
    return f"""## Environmental Impact

- **Hardware Type:** the processor or GPU named in the MLflow run
- **Hours used:** {training.figures.get("seconds", 0) / 3600:.2f}
- **Carbon Emitted:** not measured

## Technical Specifications

### Model Architecture and Objective

Llama architecture, 30 layers, 135 million parameters; next-token prediction on the target texts.

### Compute Infrastructure

Trained with PyTorch, transformers and peft; served by CTranslate2 without PyTorch."""


def _rest() -> str:
    return """## Citation

Cite the base model by its own card; for Adloom, its repository.

## Model Card Contact

The issue tracker of the Adloom repository. This card is written by `adloom model card` from the records of the run."""
