#!/usr/bin/env python3
"""Makes tests/golden/model/: what llama.cpp (llama-cpp-python 0.3.36) makes of the embedded model and of Gemma 3 270M.

    python scripts/golden/model.py embedded [MODEL.gguf]
    python scripts/golden/model.py gemma    MODEL-f32.gguf

Gemma (scripts/fetch_gemma.py fetches it) is dequantized first, by `patina quantize MODEL.gguf MODEL-f32.gguf F32`: with the
K-quants of the file itself llama.cpp rounds activations to 8 bits in blocks of 256, which moves its logits by up to 0.2.

Files (NAME is embedded or gemma; both are made with llama.cpp's defaults: keys and values cached in f16, one thread):

    text.txt             a text to measure perplexity on
    NAME-adapter.gguf    a random LoRA adapter of rank 1 in f16
    NAME.json
      perplexity         {context, chunks, value, error}: llama-perplexity's measure of text.txt
      cases              for each prompt, without and with the adapter:
        prompt, adapter  the text, and whether the adapter acts
        tokens           the prompt's tokens, BOS included
        logits           [id, logit] of the last position: the 20 largest, then every 97th (embedded) or 9,973rd (gemma)
        greedy           32 tokens, each the likeliest after those before (the end of text does not stop it)
        gaps             for each of them, by how much its logit exceeds the second largest
        text             the greedy tokens as text
"""

import argparse
import json
import math
import sys
from dataclasses import dataclass
from pathlib import Path

import gguf
import llama_cpp
import numpy as np

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "tests/golden/model"
sys.path.insert(0, str(ROOT / "scripts/embedded_model"))
import corpus  # noqa: E402
from prompt import ask  # noqa: E402

GREEDY, TOP, CONTEXT, PAIRS = 32, 20, 512, 120


@dataclass(frozen=True)
class Subject:
    model: Path
    prompts: list[str]
    stride: int
    strength: float  # of the adapter
    chunks: int


SUBJECTS = {
    "embedded": Subject(ROOT / "models/patina-tiny-q8_0.gguf", [ask("What color is the sky?"), ask("讲一个笑话。"), "The capital of France"], 97, 0.02, 4),
    "gemma": Subject(ROOT / "build/gemma/gemma-3-270m-q4_k_m.gguf",
                     ["The capital of France is", "苹果和橙子哪个更甜？", "def fibonacci(n):\n", "Once upon a time, in a small village by the sea,"], 9973, 0.001, 4),
}


def write_text(path: Path) -> None:
    """Questions and answers that the embedded model was not trained on, in its form."""
    path.write_text("".join(f"{ask(question)}{answer}\n" for _, question, answer in corpus.build().development[:PAIRS]), encoding="utf-8")


def write_adapter(path: Path, model: Path, strength: float) -> None:
    """Random terms on queries, values and the last feed-forward matrix of each block."""
    reader, rng = gguf.GGUFReader(model), np.random.default_rng(9)
    w = gguf.GGUFWriter(path, reader.get_field("general.architecture").contents())
    w.add_type(gguf.GGUFType.ADAPTER)
    w.add_string("adapter.type", "lora")
    w.add_float32("adapter.lora.alpha", 1.0)
    for tensor in reader.tensors:
        if tensor.name.endswith(("attn_q.weight", "attn_v.weight", "ffn_down.weight")):
            inner, out = (int(n) for n in tensor.shape)
            w.add_tensor(tensor.name + ".lora_a", (rng.standard_normal((1, inner)) / math.sqrt(inner)).astype(np.float16))
            w.add_tensor(tensor.name + ".lora_b", (rng.standard_normal((out, 1)) * strength * math.sqrt(inner)).astype(np.float16))
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


def load(model: Path, context: int, adapter: Path | None = None) -> llama_cpp.Llama:
    return llama_cpp.Llama(str(model), lora_path=str(adapter) if adapter else None, n_ctx=context, n_batch=context, n_threads=1, n_threads_batch=1,
                           logits_all=True, flash_attn=False, verbose=False)


def case_of(llm: llama_cpp.Llama, prompt: str, adapter: bool, stride: int) -> dict:
    tokens = llm.tokenize(prompt.encode(), add_bos=True, special=True)
    llm.reset()
    llm.eval(tokens)
    last = np.array(llm.scores[len(tokens) - 1])
    ids = [int(i) for i in np.argsort(-last, kind="stable")[:TOP]]
    ids += [i for i in range(0, len(last), stride) if i not in ids]
    greedy, gaps = [], []
    for _ in range(GREEDY):
        scores = llm.scores[llm.n_tokens - 1]
        second, first = np.argsort(scores, kind="stable")[-2:]
        greedy.append(int(first))
        gaps.append(round(float(scores[first] - scores[second]), 4))
        llm.eval([greedy[-1]])
    return {"prompt": prompt, "adapter": adapter, "tokens": tokens, "logits": [[i, round(float(last[i]), 4)] for i in ids],
            "greedy": greedy, "gaps": gaps, "text": llm.detokenize(greedy).decode("utf-8", "replace")}


def perplexity(llm: llama_cpp.Llama, text: str, chunks: int) -> dict:
    """llama-perplexity's measure: chunks of the context's length, each begun by BOS; the second half of each counts."""
    tokens, losses = llm.tokenize(text.encode(), add_bos=True), []
    chunks = min(chunks, len(tokens) // CONTEXT)
    for chunk in range(chunks):
        part = [llm.token_bos()] + tokens[chunk * CONTEXT + 1: (chunk + 1) * CONTEXT]
        llm.reset()
        llm.eval(part)
        for i in range(CONTEXT // 2, CONTEXT - 1):
            row = llm.scores[i].astype(np.float64)
            losses.append(float(np.log(np.exp(row - row.max()).sum()) + row.max() - row[part[i + 1]]))
    value = math.exp(np.mean(losses))
    return {"context": CONTEXT, "chunks": chunks, "value": round(value, 5), "error": round(value * float(np.std(losses)) / math.sqrt(len(losses) - 1), 5)}


def main() -> None:
    parser = argparse.ArgumentParser(description="Makes tests/golden/model/.")
    parser.add_argument("name", choices=SUBJECTS)
    parser.add_argument("model", type=Path, nargs="?")
    parser.add_argument("--out", type=Path, default=OUT)
    args = parser.parse_args()
    subject = SUBJECTS[args.name]
    model, text, adapter = args.model or subject.model, args.out / "text.txt", args.out / f"{args.name}-adapter.gguf"
    args.out.mkdir(parents=True, exist_ok=True)
    if not text.exists():
        write_text(text)
    write_adapter(adapter, model, subject.strength)
    cases = []
    for acts in (False, True):
        llm = load(model, 128, adapter if acts else None)
        cases += [case_of(llm, prompt, acts, subject.stride) for prompt in subject.prompts]
        llm.close()
    golden = {"made_with": f"llama-cpp-python {llama_cpp.__version__}",
              "perplexity": perplexity(load(model, CONTEXT), text.read_text(encoding="utf-8"), subject.chunks), "cases": cases}
    (args.out / f"{args.name}.json").write_text(json.dumps(golden, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    for case in cases:
        print(f"{'with   ' if case['adapter'] else 'without'} {case['prompt']!r} -> {case['text']!r}; smallest gap {min(case['gaps'])}")
    print(golden["perplexity"])


if __name__ == "__main__":
    main()
