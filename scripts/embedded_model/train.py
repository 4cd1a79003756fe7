"""Trains the embedded model on the CPU; a cut run continues from its last checkpoint."""

import argparse
import time
from dataclasses import asdict
from pathlib import Path

import sentencepiece as spm
import torch
import torch.nn.functional as F

import corpus
from model import Llama, Shape
from muon import Muon
from prompt import ask, is_right
from rows import Batches


def accuracy(model: Llama, sp: spm.SentencePieceProcessor, asked: list[tuple[str, list[str]]], show: bool = False) -> int:
    """How many questions are answered with one of the accepted strings."""
    right = 0
    for start in range(0, len(asked), 64):
        part = asked[start: start + 64]
        for (question, accepted), tokens in zip(part, model.greedy([[sp.bos_id()] + sp.encode(ask(q)) for q, _ in part], sp.eos_id())):
            ok = is_right(sp.decode(tokens), accepted)
            right += ok
            if show:
                print(f"{'ok   ' if ok else 'WRONG'} {question} -> {sp.decode(tokens)}")
    return right


def report(model: Llama, sp: spm.SentencePieceProcessor, text: corpus.Corpus, show: bool) -> None:
    model.eval()
    kept_out = [(q["question"], q["accept"]) for q in corpus.load_questions()]
    print(f"kept-out questions: {accuracy(model, sp, kept_out, show)} of {len(kept_out)}; development: "
          f"{accuracy(model, sp, [(q, [a]) for _, q, a in text.development])} of {len(text.development)}", flush=True)
    model.train()


def optimizers_for(model: Llama, rate: float, matrix_rate: float) -> list[torch.optim.Optimizer]:
    """Muon for the matrices of the blocks, Adam for the embeddings and the norms."""
    blocks = [p for p in model.blk.parameters() if p.dim() == 2]
    others = [p for p in model.parameters() if all(p is not q for q in blocks)]
    return [torch.optim.Adam(others, lr=rate, betas=(0.9, 0.95), fused=True), Muon(blocks, lr=matrix_rate)]


def native_bf16() -> bool:
    """Whether the CPU multiplies bf16 itself; where it does not, bf16 is many times slower than f32."""
    flags = Path("/proc/cpuinfo").read_text(encoding="utf-8").split() if Path("/proc/cpuinfo").exists() else []
    return "avx512_bf16" in flags or "amx_bf16" in flags


def rate_at(step: int, steps: int) -> float:
    """The share of the peak rate: a short warm-up, the peak, and over the second half a straight line down to nothing."""
    return min(1.0, (step + 1) / 50, (steps - step) / (0.5 * steps))


def step_loss(model: Llama, batch, bf16: bool) -> torch.Tensor:
    """The mean loss of a batch, over a random share of the positions as large as their weight."""
    tokens, targets, weights, visible = batch
    chosen = torch.rand(weights.shape) < weights
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
        logits = model.output(model.hidden(tokens, visible)[chosen])
    return F.cross_entropy(logits.float(), targets[chosen])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dir", type=Path, help="holds tokenizer.model; receives checkpoint.pt and model.pt")
    parser.add_argument("--steps", type=int, default=4200)
    parser.add_argument("--batch", type=int, default=1024, help="tokens in a step")
    parser.add_argument("--rate", type=float, default=2e-3, help="Adam's")
    parser.add_argument("--matrix-rate", type=float, default=0.02, help="Muon's")
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.manual_seed(corpus.SEED)
    torch.set_num_threads(args.threads)
    sp = spm.SentencePieceProcessor(model_file=str(args.dir / "tokenizer.model"))
    text = corpus.build()
    shape = Shape(n_vocab=sp.vocab_size())
    model = Llama(shape)
    optimizers, bf16 = optimizers_for(model, args.rate, args.matrix_rate), native_bf16()
    step, saved = 0, args.dir / "checkpoint.pt"
    if saved.exists():
        state = torch.load(saved, weights_only=True)
        model.load_state_dict(state["model"])
        for optimizer, kept in zip(optimizers, state["optimizers"]):
            optimizer.load_state_dict(kept)
        step = state["step"]
    print(f"{sum(p.numel() for p in model.parameters()):,} parameters, {len(text.pairs)} question rows, from step {step} to {args.steps}", flush=True)
    batches = Batches(text, sp, corpus.SEED + step, args.batch)
    begin, tokens, first = time.time(), 0, step
    while step < args.steps:
        share = rate_at(step, args.steps)
        for optimizer, peak in zip(optimizers, (args.rate, args.matrix_rate)):
            for group in optimizer.param_groups:
                group["lr"] = share * peak
        batch = batches.next()
        loss = step_loss(model, batch, bf16)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        step, tokens = step + 1, tokens + batch[0].numel()
        if step % 50 == 0:
            spent = time.time() - begin
            print(f"step {step} loss {loss.item():.4f} rate {share:.2f} {tokens / spent:.0f} tokens/s, {spent * (args.steps - step) / (step - first) / 60:.1f} min left", flush=True)
        if step % 200 == 0 or step == args.steps:
            torch.save({"model": model.state_dict(), "optimizers": [o.state_dict() for o in optimizers], "step": step}, saved)
        if step % 600 == 0:
            report(model, sp, text, show=False)
    report(model, sp, text, show=True)
    torch.save({"model": model.state_dict(), "shape": asdict(shape)}, args.dir / "model.pt")


if __name__ == "__main__":
    main()
