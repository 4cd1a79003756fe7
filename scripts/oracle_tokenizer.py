"""Asks llama.cpp (the package llama-cpp-python) for the ids of many texts under full vocabularies, and writes them in
the form that tests/tokenizer/oracle_test.cc reads.

    python scripts/oracle_tokenizer.py OUTPUT_FOLDER (FILE.gguf | FOLDER)...

The tiny vocabulary of tests/golden/tokenizer/bpe.json is asked about under every pre-tokenizer's name, too. Where
NAME.inp and NAME.out lie beside a file (as in llama.cpp's models/), they are used as well. Vocabularies of kinds that
patina does not support are passed over, and named.
"""

import json
import pathlib
import sys

import gguf
import llama_cpp

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "golden"))
import tokenizer as golden  # noqa: E402  (its texts)

PRE_TOKENIZERS = {"llama-bpe", "qwen2", "deepseek-r1-qwen", "tekken", "smollm", "gpt-2", "default"}
SAME_RULES = {"starcoder": "smollm", "refact": "smollm", "mpt": "gpt-2"}  # in llama-vocab.cpp, llm_tokenizer_bpe
SEPARATOR = b"\n__ggml_vocab_test__\n"
SPECIAL = ["a{0}b", "{0}", " {0} {1} ", "{0}{1}{0}x", "\n{1}\n\n{0}", "<{0}>", "{2}a {2} b", "{3}{2}{1}{0}", "x{2}\n{3}中"]


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
    # What llama.cpp assumes where the file says nothing (llama-vocab.cpp, `load`).
    defaults = {"bos": 1, "eos": 2, "unk": 0} if vocab["model"] == "llama" else {"bos": 11, "eos": 11}
    for name, key in (("bos", "bos_token_id"), ("eos", "eos_token_id"), ("eot", "eot_token_id"),
                      ("unk", "unknown_token_id"), ("add_bos", "add_bos_token"), ("add_eos", "add_eos_token"),
                      ("add_space_prefix", "add_space_prefix")):
        value = field(reader, key, defaults.get(name))
        if value is not None:
            vocab[name] = int(value)
    return vocab


def shipped_cases(path):
    if not pathlib.Path(f"{path}.out").exists():
        return []
    texts = pathlib.Path(f"{path}.inp").read_bytes().removesuffix(SEPARATOR).split(SEPARATOR)
    lines = pathlib.Path(f"{path}.out").read_text().splitlines()
    assert len(texts) == len(lines), path
    return [{"hex": text.hex(), "ids": [int(word) for word in line.split()], "add_special": False, "parse_special": False}
            for text, line in zip(texts, lines)]


def asked_cases(path, vocab):
    # The package takes texts without NUL only. Plain text that spells a control token is a known difference: llama.cpp
    # may merge it into the token, patina never does.
    model = llama_cpp.Llama(str(path), vocab_only=True, verbose=False)
    special = [token for token, kind in zip(vocab["tokens"], vocab["kinds"]) if kind in (3, 4) and token.strip()]
    cases = []
    for text in [t for t in golden.TEXTS if "\x00" not in t] + golden.random_texts(500):
        for add_special in (False, True):
            cases.append((text, add_special, False))
    if special and "phi-3" not in path.name.lower():  # there llama.cpp drops white space after markers
        chosen = [special[i * (len(special) - 1) // 6] for i in range(7)]
        for turn in range(7):
            for form in SPECIAL:
                cases.append((form.format(*(chosen[turn:] + chosen[:turn])), True, True))
    # U+FFFD would hide what became of ill-formed text, and that is a difference of its own: patina keeps the bytes.
    return [{"hex": text.encode().hex(), "ids": model.tokenize(text.encode(), add_special, parse),
             "add_special": add_special, "parse_special": parse} for text, add_special, parse in cases]


def write_tiny(folder):
    """GGUF files of the tiny vocabulary. Not tekken: what llama.cpp has for it is a simpler expression than the models'
    own, and differs in combining marks and in capitals outside ASCII."""
    tiny = json.loads((golden.GOLDEN / "bpe.json").read_text())["vocab"]
    count = len(tiny["tokens"])
    for pre in sorted(PRE_TOKENIZERS - {"tekken"}):
        writer = gguf.GGUFWriter(folder / f"tiny-{pre}.gguf", "llama")
        writer.add_tokenizer_model("gpt2")
        writer.add_tokenizer_pre(pre)
        writer.add_token_list(tiny["tokens"] + ["<s>", "<tag>"])
        writer.add_token_types([1] * count + [3, 4])
        writer.add_token_merges(tiny["merges"])
        writer.add_bos_token_id(count)
        writer.add_eos_token_id(count)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()


def main(output, *paths):
    output = pathlib.Path(output)
    output.mkdir(parents=True, exist_ok=True)
    files = []
    for path in map(pathlib.Path, paths):
        files += sorted(path.glob("*.gguf")) if path.is_dir() else [path]
    write_tiny(output)
    for path in files + sorted(output.glob("tiny-*.gguf")):
        vocab = vocab_of(path)
        known = {"llama": True, "gpt2": (vocab["pre"] or "default") in PRE_TOKENIZERS}
        if not known.get(vocab["model"], False):
            print(f"passed over {path.name}: {vocab['model']} {vocab['pre']}", flush=True)
            continue
        cases = shipped_cases(path) + asked_cases(path, vocab)
        (output / f"{path.stem}.json").write_text(json.dumps({"vocab": vocab, "cases": cases}))
        print(f"wrote {path.stem}.json: {len(cases)} texts", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
