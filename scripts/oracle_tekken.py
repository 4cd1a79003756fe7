"""Asks tiktoken for ids under Mistral's own tekken vocabulary, and writes them in the form that
tests/tokenizer/oracle_test.cc reads.

    python scripts/oracle_tekken.py OUTPUT_FOLDER TEKKEN.json

TEKKEN.json is mistral_common/data/tekken_240911.json in the package mistral-common 1.5.0. llama.cpp cannot serve here: it
splits words by a simpler expression than the vocabulary was trained with.
"""

import base64
import json
import pathlib
import sys

import tiktoken

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "golden"))
import tokenizer as golden  # noqa: E402  (its texts)


def spelling():
    """GPT-2's spelling of bytes (openai/gpt-2, encoder.py)."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    return {**{byte: chr(byte) for byte in printable}, **{byte: chr(256 + i) for i, byte in enumerate(others)}}


def parents(token, ranks):
    """The two parts that merge into `token`: what is left of it when only lower ranks merge."""
    parts = [bytes([byte]) for byte in token]
    while len(parts) > 2:
        pairs = [(ranks.get(parts[i] + parts[i + 1], len(ranks)), i) for i in range(len(parts) - 1)]
        rank, i = min(pairs)
        if rank >= ranks[token]:
            break
        parts[i:i + 2] = [parts[i] + parts[i + 1]]
    return parts


def main(output, path):
    data = json.loads(pathlib.Path(path).read_text())
    count = data["config"]["default_vocab_size"] - data["config"]["default_num_special_tokens"]
    ranks = {base64.b64decode(entry["token_bytes"]): entry["rank"] for entry in data["vocab"][:count]}
    encoding = tiktoken.Encoding("tekken", pat_str=data["config"]["pattern"], mergeable_ranks=ranks, special_tokens={})
    characters = spelling()

    def spelled(token):
        return "".join(characters[byte] for byte in token)

    merges = [parents(token, ranks) for token in ranks if len(token) > 1]
    vocab = {"model": "gpt2", "pre": "tekken", "tokens": [spelled(token) for token in ranks],
             "merges": [" ".join(map(spelled, pair)) for pair in merges if len(pair) == 2]}
    cases = [{"hex": text.encode().hex(), "ids": encoding.encode_ordinary(text), "add_special": False, "parse_special": False}
             for text in golden.TEXTS + golden.random_texts(800)]
    output = pathlib.Path(output)
    output.mkdir(parents=True, exist_ok=True)
    (output / "tekken.json").write_text(json.dumps({"vocab": vocab, "cases": cases}))
    print(f"wrote tekken.json: {len(cases)} texts")


if __name__ == "__main__":
    main(*sys.argv[1:])
