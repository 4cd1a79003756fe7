"""Checks patina's adapters and merged models against PEFT and llama.cpp.

Usage: python3 scripts/oracle_adapters.py PATINA [MODEL.gguf]
       (packages: torch, transformers, peft 0.21.2, gguf, llama-cpp-python 0.3.36)

PATINA is the built program; the model, patina's embedded one without it, is dequantized first. A random PEFT adapter is
laid over the same model as transformers reads it. Then its logits must be those of

- llama.cpp with the adapter that `patina adapter convert` made of the folder,
- PEFT with the folder that `patina adapter convert` made of that again,
- llama.cpp with what `patina merge` wrote, in F32, and less closely in smaller types.

Embeddings that are a model's output too (tests/golden/gradients/gemma3.gguf) are no longer when merged: the logits of
llama.cpp must be PyTorch's with the adapter.
"""

import os
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

os.environ["TQDM_DISABLE"] = "1"
warnings.simplefilter("ignore")

import llama_cpp  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402
from gguf import GGUFReader  # noqa: E402
from peft import LoraConfig, PeftModel, get_peft_model  # noqa: E402
from transformers import AutoModelForCausalLM  # noqa: E402

ROOT = Path(__file__).resolve().parents[1]
GRADIENTS = ROOT / "tests/golden/gradients"
TOKENS = list(range(300, 340))
# The error of logits that may come of: keys and values in f16 in llama.cpp, and of the type of the merged weights.
TOLERANCE, TOLERANCE_OF_GELU, TOLERANCES_OF_TYPES = 0.001, 0.01, {"F16": 0.003, "Q8_0": 0.05, "Q4_K_M": 0.3}
STRENGTH = 0.5  # of B
CONFIGS = {
    "rank-stabilized, with patterns": LoraConfig(
        r=4, lora_alpha=6, use_rslora=True, target_modules="all-linear", task_type="CAUSAL_LM",
        rank_pattern={r"layers\.1\.self_attn\.q_proj": 2}, alpha_pattern={"down_proj": 3}),
    "with magnitudes (DoRA)": LoraConfig(r=4, lora_alpha=6, use_dora=True, target_modules=["q_proj", "k_proj", "up_proj"], task_type="CAUSAL_LM"),
    "of the embeddings and the output, too": LoraConfig(r=4, lora_alpha=6, target_modules=["q_proj", "down_proj", "embed_tokens", "lm_head"], task_type="CAUSAL_LM"),
    "plain": LoraConfig(r=2, lora_alpha=8, target_modules=["q_proj", "k_proj"], task_type="CAUSAL_LM"),
}


def error(logits, expected):
    return float(np.linalg.norm(logits - expected) / np.linalg.norm(expected - expected.mean(-1, keepdims=True)))


def of_llama_cpp(model, adapter=None, tokens=TOKENS):  # noqa: B006
    llm = llama_cpp.Llama(str(model), lora_path=str(adapter) if adapter else None, n_ctx=64, n_batch=64, n_threads=2,
                          logits_all=True, flash_attn=False, verbose=False)
    llm.eval(tokens)
    logits = np.array(llm.scores[:len(tokens)])
    llm.close()
    return logits


def of_torch(model):
    with torch.no_grad():
        return model(torch.tensor([TOKENS])).logits[0].numpy()


def base_model(path):
    return AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name, dtype=torch.float32).eval()


def check(patina, base, config, folder):
    def run(*arguments):
        subprocess.run([patina, *arguments, "-q"], check=True)

    torch.manual_seed(1)
    model = base_model(base)
    plain = of_torch(model)
    model = get_peft_model(model, config).eval()
    for name, parameter in model.named_parameters():
        if "magnitude" in name:
            parameter.data *= 0.75 + torch.rand_like(parameter) / 2
        if "lora_B" in name or "lora_embedding_A" in name:
            parameter.data = torch.randn_like(parameter) * STRENGTH / config.r
    expected = of_torch(model)
    model.save_pretrained(folder / "peft")
    errors = {"without the adapter": error(plain, expected), "llama.cpp without it": error(of_llama_cpp(base), plain)}
    run("adapter", "convert", folder / "peft", folder / "adapter.gguf", "--to", "gguf", "--base", base)
    if not config.use_dora:  # which llama.cpp does not know
        errors["llama.cpp with the GGUF adapter"] = error(of_llama_cpp(base, folder / "adapter.gguf"), expected)
    run("adapter", "convert", folder / "adapter.gguf", folder / "again", "--to", "peft", "--base", base)
    again = PeftModel.from_pretrained(base_model(base), folder / "again").eval()
    errors["PEFT with the folder"] = error(of_torch(again), expected)
    tolerances = {key: TOLERANCE for key in errors}
    for name, tolerance in {"F32": TOLERANCE, **TOLERANCES_OF_TYPES}.items():
        run("merge", base, folder / "peft", folder / "merged.gguf", "--type", name)
        errors[f"llama.cpp with the merged {name}"] = error(of_llama_cpp(folder / "merged.gguf"), expected)
        tolerances[f"llama.cpp with the merged {name}"] = tolerance
    assert errors.pop("without the adapter") > 0.2, "the adapter does too little to tell"
    for key, value in errors.items():
        print(f"  {key}: {value:.2g}")
        assert value < tolerances[key], (key, value)


def check_tied(patina, folder):
    expected = GGUFReader(GRADIENTS / "gemma3-vocabulary-expected.gguf")
    tensors = {t.name: t.data for t in expected.tensors}
    merged = folder / "tied.gguf"
    subprocess.run([patina, "merge", GRADIENTS / "gemma3.gguf", GRADIENTS / "gemma3-vocabulary-adapter.gguf", merged, "--type", "F32", "-q"], check=True)
    logits = of_llama_cpp(merged, tokens=expected.get_field("tokens.0").contents())
    assert error(tensors["base_logits.0"], tensors["logits.0"]) > 0.05, "the adapter does too little to tell"
    value = error(logits, tensors["logits.0"])
    print(f"  llama.cpp with the merged F32: {value:.2g}")
    assert value < TOLERANCE_OF_GELU, value


def main():
    patina = Path(sys.argv[1]).resolve()
    source = Path(sys.argv[2] if len(sys.argv) > 2 else ROOT / "models/patina-tiny-q8_0.gguf")
    with tempfile.TemporaryDirectory() as name:
        base = Path(name) / "base.gguf"
        subprocess.run([patina, "quantize", source, base, "F32", "-q"], check=True)
        for title, config in CONFIGS.items():
            print(f"adapters: {title}")
            (Path(name) / title).mkdir()
            check(patina, base, config, Path(name) / title)
        print("adapters: of embeddings that are the output")
        check_tied(patina, Path(name))


if __name__ == "__main__":
    main()
