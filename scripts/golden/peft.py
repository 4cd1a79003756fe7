"""Makes the adapters of tests/golden/peft with the Python packages peft and transformers, and what they do.

Usage: python3 scripts/golden/peft.py [FOLDER]     (packages: torch, transformers, peft 0.21.2, safetensors)

For each NAME below, of a small random model:

    NAME/                         the folder as PEFT saves it
    NAME-expected.safetensors     what the adapter adds to each weight, by GGUF's name and in the order of its rows
"""

import json
import sys
from pathlib import Path

sys.path.pop(0)  # this file's own name, and its neighbours', hide the packages'
import torch  # noqa: E402
from peft import LoraConfig, PeftModel, get_peft_model  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402
from transformers import LlamaConfig, LlamaForCausalLM, Qwen3Config, Qwen3ForCausalLM  # noqa: E402

SHAPE = {"vocab_size": 8, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 4,
         "num_key_value_heads": 2, "head_dim": 4}
ALL = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
SITES = {"q_proj": "attn_q", "k_proj": "attn_k", "v_proj": "attn_v", "o_proj": "attn_output", "gate_proj": "ffn_gate",
         "up_proj": "ffn_up", "down_proj": "ffn_down"}

CONFIGS = {
    "plain": (LlamaForCausalLM, LlamaConfig, torch.float32, {"r": 3, "lora_alpha": 6, "target_modules": ["q_proj", "k_proj", "down_proj"]}),
    "patterns": (LlamaForCausalLM, LlamaConfig, torch.float32, {
        "r": 4, "lora_alpha": 8, "target_modules": ALL, "use_rslora": True,
        "rank_pattern": {"layers.1.self_attn.q_proj": 2, ".*down_proj": 3},
        "alpha_pattern": {r"layers\.0\.self_attn\.[qk]_proj": 6, "o_proj": 1.5, "layers.0.self_attn.q_proj": 100}}),
    "brain": (Qwen3ForCausalLM, Qwen3Config, torch.bfloat16, {"r": 2, "lora_alpha": 16, "target_modules": ["q_proj", "k_proj"]}),
}


def permute(rows, heads):
    """convert_hf_to_gguf.py of llama.cpp, LlamaModel.permute."""
    return rows.reshape(heads, 2, rows.shape[0] // heads // 2, *rows.shape[1:]).swapaxes(1, 2).reshape(rows.shape)


def delta_in_gguf(architecture, module, delta):
    if architecture == "llama" and module in ("q_proj", "k_proj"):
        return permute(delta, SHAPE["num_attention_heads" if module == "q_proj" else "num_key_value_heads"])
    return delta


def deltas(model):
    for path, module in model.named_modules():
        if hasattr(module, "lora_A"):
            layer, kind = path.split(".")[-3], path.split(".")[-1]
            delta = module.get_delta_weight("default").detach()
            yield f"blk.{layer}.{SITES[kind]}", delta_in_gguf(model.config.model_type, kind, delta).contiguous()


def make(folder, name):
    model_class, config_class, dtype, options = CONFIGS[name]
    torch.manual_seed(len(name))
    model = get_peft_model(model_class(config_class(**SHAPE)), LoraConfig(task_type="CAUSAL_LM", **options))
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data = torch.randn_like(parameter)
    model.peft_config["default"].base_model_name_or_path = "tiny"
    out = folder / name
    model.save_pretrained(out)
    (out / "README.md").unlink()
    tensors = {key: value.to(dtype) for key, value in load_file(out / "adapter_model.safetensors").items()}
    save_file(tensors, out / "adapter_model.safetensors", {"format": "pt"})
    config = json.loads((out / "adapter_config.json").read_text())
    config["target_modules"].sort()  # a set
    (out / "adapter_config.json").write_text(json.dumps(config, indent=2) + "\n")
    loaded = PeftModel.from_pretrained(model_class(config_class(**SHAPE)), out)
    save_file(dict(deltas(loaded)), folder / f"{name}-expected.safetensors")


def main():
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[2] / "tests/golden/peft")
    folder.mkdir(parents=True, exist_ok=True)
    for name in CONFIGS:
        make(folder, name)


if __name__ == "__main__":
    main()
