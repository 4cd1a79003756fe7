"""Turns the corpus into token rows with loss weights, and rows into packed batches."""

import random
from dataclasses import dataclass

import sentencepiece as spm
import torch

from corpus import Corpus
from prompt import ask

QUESTION_WEIGHT = 0.15
CONTEXT = 512


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
    return Row(tokens, tokens[1:] + [sp.eos_id()], [0.3] * len(tokens))


class Batches:
    """An endless, seeded stream of batches: rows in random order, packed end to end, cut at the batch's length."""

    def __init__(self, corpus: Corpus, sp: spm.SentencePieceProcessor, seed: int, tokens: int):
        self.corpus, self.sp, self.size, self.rng = corpus, sp, tokens, random.Random(seed)
        self.rows = [conversation_row(sp, [(q, a)]) for _, q, a in corpus.pairs] + [plain_row(sp, text) for text in corpus.plain]
        self.queue: list[Row] = []

    def talk(self, turns: int) -> Row:
        return conversation_row(self.sp, [(q, a) for _, q, a in self.rng.choices(self.corpus.pairs, k=turns)])

    def refill(self) -> None:
        """One pass over all rows, with some of them in other forms: conversations, and a question with its answer on one line."""
        lines = [plain_row(self.sp, f"{q} {a}") for _, q, a in self.rng.sample(self.corpus.pairs, 1000)]
        talks = [self.talk(self.rng.randint(2, 5)) for _ in range(300)]
        self.queue = self.rows + lines + talks
        self.rng.shuffle(self.queue)

    def fill(self, width: int, long: bool) -> tuple[Row, list[int]]:
        """One line of a batch, and for each of its tokens the row it belongs to."""
        tokens, targets, weights, owner = [], [], [], []
        while len(tokens) < width:
            if not self.queue:
                self.refill()
            row = self.talk(24) if long else self.queue.pop()
            owner += [owner[-1] + 1 if owner else 0] * len(row.tokens)
            tokens, targets, weights = tokens + row.tokens, targets + row.targets, weights + row.weights
        return Row(tokens[:width], targets[:width], weights[:width]), owner[:width]

    def next(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        """Tokens, targets and weights, each [lines, width], and which tokens see which, [lines, 1, width, width]: those before
        them in the same row. Now and then a conversation as long as the context."""
        long = self.rng.random() < 0.05
        width = CONTEXT if long else CONTEXT // 4
        lines = [self.fill(width, long) for _ in range(self.size // width)]
        owner = torch.tensor([owner for _, owner in lines])
        visible = (owner[:, :, None] == owner[:, None, :]).tril()[:, None]
        return torch.tensor([r.tokens for r, _ in lines]), torch.tensor([r.targets for r, _ in lines]), torch.tensor([r.weights for r, _ in lines]), visible
