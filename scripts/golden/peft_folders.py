"""Makes the adapters of tests/golden/peft with the Python packages peft and transformers, and what they do.

Usage: python3 scripts/golden/peft_folders.py [FOLDER]     (packages: torch, transformers, peft 0.21.2, safetensors, gguf)

For each NAME below, of a small random model:

    NAME/                         the folder as PEFT saves it
    NAME-expected.safetensors     what the adapter adds to each weight, by GGUF's name and in the order of its rows
    dora-base.gguf                the weights that the lengths of DoRA's rows come from
"""

import copy
import json
import sys
from pathlib import Path

import gguf
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import LlamaConfig, LlamaForCausalLM, Qwen3Config, Qwen3ForCausalLM

SHAPE = {"vocab_size": 8, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 4,
         "num_key_value_heads": 2, "head_dim": 4}
ALL = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
OUTSIDE = {"embed_tokens": "token_embd", "lm_head": "output"}
SITES = {"q_proj": "attn_q", "k_proj": "attn_k", "v_proj": "attn_v", "o_proj": "attn_output", "gate_proj": "ffn_gate",
         "up_proj": "ffn_up", "down_proj": "ffn_down"}

CONFIGS = {
    "plain": (LlamaForCausalLM, LlamaConfig, torch.float32, {"r": 3, "lora_alpha": 6, "target_modules": ["q_proj", "k_proj", "down_proj"]}),
    "patterns": (LlamaForCausalLM, LlamaConfig, torch.float32, {
        "r": 4, "lora_alpha": 8, "target_modules": ALL, "use_rslora": True,
        "rank_pattern": {"layers.1.self_attn.q_proj": 2, ".*down_proj": 3},
        "alpha_pattern": {r"layers\.0\.self_attn\.[qk]_proj": 6, "o_proj": 1.5, "layers.0.self_attn.q_proj": 100}}),
    "dora": (LlamaForCausalLM, LlamaConfig, torch.float32, {"r": 3, "lora_alpha": 6, "target_modules": ["q_proj", "k_proj", "down_proj"], "use_dora": True}),
    "vocabulary": (LlamaForCausalLM, LlamaConfig, torch.float32, {"r": 3, "lora_alpha": 6, "target_modules": ["q_proj", "embed_tokens", "lm_head"]}),
    "brain": (Qwen3ForCausalLM, Qwen3Config, torch.bfloat16, {"r": 2, "lora_alpha": 16, "target_modules": ["q_proj", "k_proj"]}),
}


def permute(rows, heads):
    """convert_hf_to_gguf.py of llama.cpp, LlamaModel.permute."""
    return rows.reshape(heads, 2, rows.shape[0] // heads // 2, *rows.shape[1:]).swapaxes(1, 2).reshape(rows.shape)


def in_gguf(architecture, module, rows):
    if architecture == "llama" and module in ("q_proj", "k_proj"):
        return permute(rows, SHAPE["num_attention_heads" if module == "q_proj" else "num_key_value_heads"])
    return rows


def weights(model):
    """Of each adapted layer: its name, its weight before, and its weight after the adapter is merged."""
    for path, module in model.named_modules():
        if hasattr(module, "lora_A"):
            kind = path.split(".")[-1]
            site = OUTSIDE[kind] if kind in OUTSIDE else f"blk.{path.split('.')[-3]}.{SITES[kind]}"
            before = module.get_base_layer().weight.detach().clone()
            module.merge()
            both = (in_gguf(model.config.model_type, kind, w).contiguous()
                    for w in (before, module.get_base_layer().weight.detach()))
            yield site, *both


def write_base(path, layers):
    w = gguf.GGUFWriter(path, "llama")
    for name, before, _ in layers:
        w.add_tensor(f"{name}.weight", before.numpy())
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


def make(folder, name):
    model_class, config_class, dtype, options = CONFIGS[name]
    torch.manual_seed(len(name))
    base = model_class(config_class(**SHAPE))
    model = get_peft_model(copy.deepcopy(base), LoraConfig(task_type="CAUSAL_LM", **options))
    for name_of, parameter in model.named_parameters():
        if parameter.requires_grad:
            parameter.data = torch.rand_like(parameter) + 0.5 if "magnitude" in name_of else torch.randn_like(parameter)
    model.peft_config["default"].base_model_name_or_path = "tiny"
    out = folder / name
    model.save_pretrained(out)
    (out / "README.md").unlink()
    tensors = {key: value.to(dtype) for key, value in load_file(out / "adapter_model.safetensors").items()}
    save_file(tensors, out / "adapter_model.safetensors", {"format": "pt"})
    config = json.loads((out / "adapter_config.json").read_text())
    config["target_modules"].sort()  # a set
    (out / "adapter_config.json").write_text(json.dumps(config, indent=2) + "\n")
    layers = list(weights(PeftModel.from_pretrained(base, out)))
    save_file({site: after - before for site, before, after in layers}, folder / f"{name}-expected.safetensors")
    if options.get("use_dora"):
        write_base(folder / f"{name}-base.gguf", layers)


def main():
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[2] / "tests/golden/peft")
    folder.mkdir(parents=True, exist_ok=True)
    for name in CONFIGS:
        make(folder, name)


if __name__ == "__main__":
    main()
