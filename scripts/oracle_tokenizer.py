"""Turns llama.cpp's vocabulary files (models/ggml-vocab-*.gguf with .inp and .out) into the form that
tests/tokenizer/oracle_test.cc reads.

    python scripts/oracle_tokenizer.py LLAMA_CPP/models OUTPUT_FOLDER

Vocabularies of kinds that patina does not support are passed over, and named.
"""

import json
import pathlib
import sys

import gguf

PRE_TOKENIZERS = {"llama-bpe", "qwen2", "deepseek-r1-qwen", "tekken", "smollm", "gpt-2", "default"}
SAME_RULES = {"starcoder": "smollm", "refact": "smollm", "mpt": "gpt-2"}  # in llama-vocab.cpp, llm_tokenizer_bpe
SEPARATOR = b"\n__ggml_vocab_test__\n"


def field(reader, name, default=None):
    found = reader.get_field("tokenizer.ggml." + name)
    return default if found is None else found.contents()


def vocab_of(path):
    reader = gguf.GGUFReader(path)
    pre = field(reader, "pre", "")
    vocab = {
        "model": field(reader, "model"),
        "pre": SAME_RULES.get(pre, pre),
        "tokens": field(reader, "tokens"),
        "scores": field(reader, "scores", []),
        "kinds": field(reader, "token_type", []),
        "merges": field(reader, "merges", []),
    }
    for name, key in (("bos", "bos_token_id"), ("eos", "eos_token_id"), ("eot", "eot_token_id"),
                      ("unk", "unknown_token_id"), ("add_bos", "add_bos_token"), ("add_eos", "add_eos_token"),
                      ("add_space_prefix", "add_space_prefix")):
        value = field(reader, key)
        if value is not None:
            vocab[name] = int(value)
    return vocab


def cases_of(path):
    texts = pathlib.Path(f"{path}.inp").read_bytes().removesuffix(SEPARATOR).split(SEPARATOR)
    lines = pathlib.Path(f"{path}.out").read_text().splitlines()
    assert len(texts) == len(lines), path
    return [{"hex": text.hex(), "ids": [int(word) for word in line.split()]} for text, line in zip(texts, lines)]


def main(models, output):
    output = pathlib.Path(output)
    output.mkdir(parents=True, exist_ok=True)
    for path in sorted(pathlib.Path(models).glob("ggml-vocab-*.gguf")):
        if not pathlib.Path(f"{path}.out").exists():
            continue
        vocab = vocab_of(path)
        known = {"llama": True, "gpt2": (vocab["pre"] or "default") in PRE_TOKENIZERS}
        if not known.get(vocab["model"], False):
            print(f"passed over {path.name}: {vocab['model']} {vocab['pre']}")
            continue
        (output / f"{path.stem}.json").write_text(json.dumps({"vocab": vocab, "cases": cases_of(path)}))
        print(f"wrote {path.stem}.json")


if __name__ == "__main__":
    main(*sys.argv[1:])
