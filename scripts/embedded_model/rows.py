"""Turns the corpus into token rows with loss weights, and rows into padded batches."""

import random
from dataclasses import dataclass

import sentencepiece as spm
import torch

from corpus import Corpus
from prompt import ask

QUESTION_WEIGHT = 0.25


@dataclass
class Row:
    """`targets[i]` is what position i should predict; `weights[i]` how much that counts."""

    tokens: list[int]
    targets: list[int]
    weights: list[float]


def newline(sp: spm.SentencePieceProcessor) -> int:
    return sp.piece_to_id("<0x0A>")


def continued(sp: spm.SentencePieceProcessor, text: str) -> list[int]:
    """The tokens of a text that follows a line break: no leading space is added."""
    tokens = sp.encode("\n" + text)
    return tokens[tokens.index(newline(sp)) + 1:]


def conversation_row(sp: spm.SentencePieceProcessor, turns: list[tuple[str, str]]) -> Row:
    """Instruction blocks, one after another. Every answer is followed by the end of text in the targets, though the text goes on."""
    tokens, targets, weights = [sp.bos_id()], [], []
    for i, (question, answer) in enumerate(turns):
        asked = sp.encode(ask(question)) if i == 0 else [newline(sp)] + continued(sp, ask(question))
        answered = continued(sp, answer)
        targets += (asked if i == 0 else asked[1:]) + answered + [sp.eos_id()]
        weights += [QUESTION_WEIGHT] * (len(asked) - (i > 0)) + [1.0] * (len(answered) + 1)
        tokens += asked + answered
    return Row(tokens, targets, weights)


def plain_row(sp: spm.SentencePieceProcessor, text: str) -> Row:
    tokens = [sp.bos_id()] + sp.encode(text)
    return Row(tokens, tokens[1:] + [sp.eos_id()], [0.5] * len(tokens))


class Batches:
    """An endless, seeded stream of batches of rows of like length."""

    def __init__(self, corpus: Corpus, sp: spm.SentencePieceProcessor, seed: int, size: int):
        self.corpus, self.sp, self.size, self.rng = corpus, sp, size, random.Random(seed)
        self.single = [conversation_row(sp, [(q, a)]) for _, q, a in corpus.pairs]
        self.plain = [plain_row(sp, text) for text in corpus.plain]
        self.queue: list[list[Row]] = []

    def long_rows(self, count: int, n_ctx: int) -> list[Row]:
        """Conversations of many turns that nearly fill the context, so that every position is trained."""
        rows = []
        for _ in range(count):
            turns = [(q, a) for _, q, a in self.rng.choices(self.corpus.pairs, k=self.rng.randint(2, 22))]
            row = conversation_row(self.sp, turns)
            rows.append(Row(row.tokens[:n_ctx], row.targets[:n_ctx], row.weights[:n_ctx]))
        return rows

    def epoch(self) -> None:
        plain = [plain_row(self.sp, f"{q} {a}") for _, q, a in self.rng.sample(self.corpus.pairs, 3000)]
        rows = self.single + plain + self.plain
        self.rng.shuffle(rows)
        group = self.size * 24
        for start in range(0, len(rows), group):
            part = sorted(rows[start: start + group], key=lambda row: len(row.tokens))
            self.queue += [part[i: i + self.size] for i in range(0, len(part), self.size)]
        self.queue += [self.long_rows(self.size // 12, 512) for _ in range(len(self.queue) // 14)]
        self.rng.shuffle(self.queue)

    def next(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        if not self.queue:
            self.epoch()
        rows = self.queue.pop()
        width = -(-max(len(row.tokens) for row in rows) // 4) * 4
        pad = lambda values, fill: values + [fill] * (width - len(values))  # noqa: E731
        return (torch.tensor([pad(row.tokens, 0) for row in rows]), torch.tensor([pad(row.targets, 0) for row in rows]),
                torch.tensor([pad(row.weights, 0.0) for row in rows]))
