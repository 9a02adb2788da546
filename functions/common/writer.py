"""The language models that write: one interface, the Llama family and the T5 family behind it, on CTranslate2."""

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import msgspec

from functions.common.errors import ModelError
from functions.common.records import Record
from functions.common.runtime import ctranslate2, return_memory, uninterrupted
from functions.common.spelling import spellings, unspelled


class Sample(Record, frozen=True, kw_only=True):
    """A text that a model wrote, with its mean log-probability a token, the closing token included."""

    text: str
    logprob: float


class Sampling(Record, frozen=True, kw_only=True):
    """How to draw.

    Attributes:
        samples: texts for each prompt.
        seed: the same seed, prompts and model give the same texts.
        temperature: flattens (above 1) or sharpens (below 1) the distribution.
        topk: the draw is among so many likeliest tokens.
        max_tokens: the longest text.
    """

    samples: int
    seed: int
    temperature: float = 0.8
    topk: int = 40
    max_tokens: int = 48


class Search(Record, frozen=True, kw_only=True):
    """How to look for the likeliest texts.

    Attributes:
        texts: for each prompt.
        max_tokens: the longest text.
        length_penalty: power of its length in tokens by which a text's log-probability is divided: 1 looks for the
            likeliest token on average, 0 for the likeliest text, which is shorter
            (https://arxiv.org/abs/1609.08144, section 7).
    """

    texts: int
    max_tokens: int
    length_penalty: float = 1.0


_BEAMS = 4
"""Beginnings of a text that a beam search follows at a time: what a prompt costs grows with them."""


Joining = frozenset[str] | None
"""Words that a text may use beside those of its prefix."""


class Writer(Protocol):
    """A language model that completes prompts and judges texts."""

    def write(
        self, prefix: str, tails: Sequence[str], sampling: Sampling, joining: Joining = None
    ) -> list[list[Sample]]:
        """Texts for each prompt ``prefix + tail``, all decoded as one batch.

        A text ends at its line's end; one that has not ended after ``max_tokens`` is left out.

        Args:
            joining: where given, a text is made of tokens of the prefix's words and of these; otherwise of any.
        """

    def likeliest(
        self, prefix: str, tails: Sequence[str], search: Search, joining: Joining = None
    ) -> list[list[Sample]]:
        """The likeliest texts for each prompt ``prefix + tail``, by beam search; nothing is drawn.

        A text that has not ended after ``max_tokens`` is left out, and ``joining`` holds, as in `write`.
        """

    def logprobs(self, texts: Sequence[str]) -> list[float]:
        """Mean log-probability a token of each text, read on its own; higher is more fluent."""


def open_writer(folder: Path, family: str, threads: int) -> Writer:
    """The writer in a model folder; ModelError where it cannot be loaded."""
    families: dict[str, type[LlamaWriter] | type[T5Writer]] = {"llama": LlamaWriter, "t5": T5Writer}
    if family not in families:
        raise ModelError(f"{folder}: family {family!r} cannot write; choose among {', '.join(families)}")
    try:
        return families[family](folder, threads)
    except (RuntimeError, ValueError, OSError) as error:
        raise ModelError(f"{folder}: cannot be loaded ({error}); run `adloom model build --force`") from error


class Engine:
    """A model of CTranslate2, opened anew for each seed.

    CTranslate2 seeds a thread's generator of random numbers once, when the thread first draws: only a model that has
    not drawn yet, with threads of its own, starts from the seed that is set.

    Args:
        load: opens the model.
    """

    def __init__(self, load: Callable[[], Any]) -> None:
        self._load = load
        self._model = load()
        self._drawn = False

    @property
    def any(self) -> Any:
        """The model, for calls that draw nothing."""
        return self._model

    def seeded(self, seed: int) -> Any:
        """The model, about to draw what this seed gives; for one call."""
        ctranslate2().set_random_seed(seed)
        if self._drawn:
            self._model = self._load()
            return_memory()
        self._drawn = True
        return self._model


def _mean(score: float, tokens: int, penalty: float) -> float:
    """The mean log-probability of so many tokens, whose sum CTranslate2 divided by ``tokens ** penalty``."""
    return score * math.pow(tokens, penalty - 1)


class LlamaWriter:
    """A decoder-only model; the prefix is computed once for all the tails."""

    def __init__(self, folder: Path, threads: int) -> None:
        def load() -> Any:
            return ctranslate2().Generator(str(folder), compute_type="default", intra_threads=threads)

        with uninterrupted(), ThreadPoolExecutor(1) as beside:  # A function that wakes waits for both.
            engine = beside.submit(Engine, load)
            from tokenizers import Tokenizer

            self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
            self._vocabulary = msgspec.json.decode((folder / "vocabulary.json").read_bytes(), type=list[str])
            # A line's end may be the head of a longer token (two newlines, a newline and a tab): all of them stop.
            lines = {number for number, token in enumerate(self._vocabulary) if "Ċ" in token}
            self._stops = sorted(lines.union(self._tokenizer.get_added_tokens_decoder()))
            self._stop_ids = set(self._stops)
            self._opening = self._tokenizer.id_to_token(self._tokenizer.token_to_id("<|endoftext|>") or 0)
            self._engine = engine.result()
            self._barred = lru_cache(maxsize=1)(self._bar)

    def write(
        self, prefix: str, tails: Sequence[str], sampling: Sampling, joining: Joining = None
    ) -> list[list[Sample]]:
        return self._complete(
            self._engine.seeded(sampling.seed),
            prefix,
            tails,
            joining,
            num_hypotheses=sampling.samples,
            sampling_topk=sampling.topk,
            sampling_temperature=sampling.temperature,
            max_length=sampling.max_tokens,
        )

    def likeliest(
        self, prefix: str, tails: Sequence[str], search: Search, joining: Joining = None
    ) -> list[list[Sample]]:
        return self._complete(
            self._engine.any,
            prefix,
            tails,
            joining,
            num_hypotheses=search.texts,
            beam_size=_BEAMS,
            max_length=search.max_tokens,
            length_penalty=search.length_penalty,
        )

    def _complete(
        self, model: Any, prefix: str, tails: Sequence[str], joining: Joining, **how: Any
    ) -> list[list[Sample]]:
        results = model.generate_batch(
            [self._tokens(tail) for tail in tails],
            static_prompt=self._tokens(prefix),
            cache_static_prompt=False,
            suppress_sequences=self._barred(prefix, joining),
            include_prompt_in_result=False,
            end_token=self._stops,
            return_end_token=True,
            return_scores=True,
            **how,
        )
        penalty = how.get("length_penalty", 1.0)
        return [self._samples(result, penalty) for result in results]

    def _bar(self, prefix: str, joining: Joining) -> list[list[str]] | None:
        if joining is None:
            return None
        spelled = self._tokenizer.encode_batch(spellings(prefix, joining), add_special_tokens=False)
        return unspelled(self._vocabulary, self._stop_ids.union(*(text.ids for text in spelled)))

    def _samples(self, result: Any, penalty: float) -> list[Sample]:
        samples = []
        for ids, score in zip(result.sequences_ids, result.scores, strict=True):
            *body, last = ids
            if last in self._stop_ids:  # Otherwise the token limit cut it off in mid-thought.
                text = self._tokenizer.decode(body, skip_special_tokens=True)
                samples.append(Sample(text=text.strip(), logprob=_mean(score, len(ids), penalty)))
        return samples

    def logprobs(self, texts: Sequence[str]) -> list[float]:
        batch = [[self._opening, *self._tokens(text)] for text in texts]
        results = self._engine.any.score_batch(batch, max_batch_size=32)
        return [math.fsum(result.log_probs) / max(1, len(result.log_probs)) for result in results]

    def _tokens(self, text: str) -> list[str]:
        tokens: list[str] = self._tokenizer.encode(text, add_special_tokens=False).tokens
        return tokens


class T5Writer:
    """An encoder-decoder model with a sentencepiece vocabulary."""

    def __init__(self, folder: Path, threads: int) -> None:
        from sentencepiece import SentencePieceProcessor

        def load() -> Any:
            return ctranslate2().Translator(str(folder), compute_type="default", intra_threads=threads)

        self._pieces = SentencePieceProcessor(model_file=str(folder / "spiece.model"))
        # The pieces come first; what follows them, a T5 has for its pretraining.
        self._vocabulary = msgspec.json.decode((folder / "shared_vocabulary.json").read_bytes(), type=list[str])
        self._engine = Engine(load)
        self._barred = lru_cache(maxsize=1)(self._bar)  # A product's calls come one after the other.

    def write(
        self, prefix: str, tails: Sequence[str], sampling: Sampling, joining: Joining = None
    ) -> list[list[Sample]]:
        return self._complete(
            self._engine.seeded(sampling.seed),
            prefix,
            tails,
            joining,
            beam_size=1,
            num_hypotheses=sampling.samples,
            sampling_topk=sampling.topk,
            sampling_temperature=sampling.temperature,
            max_decoding_length=sampling.max_tokens,
        )

    def likeliest(
        self, prefix: str, tails: Sequence[str], search: Search, joining: Joining = None
    ) -> list[list[Sample]]:
        return self._complete(
            self._engine.any,
            prefix,
            tails,
            joining,
            num_hypotheses=search.texts,
            beam_size=_BEAMS,
            max_decoding_length=search.max_tokens,
            length_penalty=search.length_penalty,
        )

    def _complete(
        self, model: Any, prefix: str, tails: Sequence[str], joining: Joining, **how: Any
    ) -> list[list[Sample]]:
        penalty = how.get("length_penalty", 1.0)
        results = model.translate_batch(
            [self._source(prefix + tail) for tail in tails],
            suppress_sequences=self._barred(prefix, joining),
            return_end_token=True,
            return_scores=True,
            **how,
        )
        return [
            [
                Sample(text=self._pieces.decode(pieces[:-1]).strip(), logprob=_mean(score, len(pieces), penalty))
                for pieces, score in zip(result.hypotheses, result.scores, strict=True)
                if pieces[-1] == "</s>"
            ]
            for result in results
        ]

    def logprobs(self, texts: Sequence[str]) -> list[float]:
        # The text is its own source: how well the model can say what it has just read.
        results = self._engine.any.score_batch(
            [self._source(text) for text in texts],
            [self._pieces.encode(text, out_type=str) for text in texts],
            max_batch_size=32,
        )
        return [math.fsum(result.log_probs) / max(1, len(result.log_probs)) for result in results]

    def _bar(self, prefix: str, joining: Joining) -> list[list[str]] | None:
        if joining is None:
            return None
        spelled = self._pieces.encode(spellings(prefix, joining))
        return unspelled(self._vocabulary, {self._pieces.eos_id()}.union(*spelled))

    def _source(self, text: str) -> list[str]:
        return [*self._pieces.encode(text, out_type=str), "</s>"]
