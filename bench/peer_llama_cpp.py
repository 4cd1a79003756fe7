#!/usr/bin/env python3
"""Times llama.cpp (the llama-cpp-python package) on a model file, as `patina bench` does; prints the same JSON.

    python bench/peer_llama_cpp.py MODEL [-p 512] [-n 64] [-t 2] [-r 5] [--no-repack]
"""

import argparse
import ctypes
import json
import statistics
import time

import llama_cpp as lc


def decode(ctx, tokens: list[int], position: int) -> None:
    batch = lc.llama_batch_init(len(tokens), 0, 1)
    batch.n_tokens = len(tokens)
    for i, token in enumerate(tokens):
        batch.token[i], batch.pos[i], batch.n_seq_id[i] = token, position + i, 1
        batch.seq_id[i][0] = 0
        batch.logits[i] = i == len(tokens) - 1
    status = lc.llama_decode(ctx, batch)
    lc.llama_batch_free(batch)
    if status != 0:
        raise SystemExit(f"llama_decode failed with {status}")


def timed(ctx, vocabulary: int, test: str, count: int) -> float:
    """Tokens a second of one prompt of `count` tokens ("pp"), or of as many tokens one by one ("tg")."""
    lc.llama_memory_clear(lc.llama_get_memory(ctx), True)
    tokens = [(7 + 31 * i) % (vocabulary - 300) + 260 for i in range(count)]
    begin = time.perf_counter()
    if test == "pp":
        decode(ctx, tokens, 0)
    else:
        for i, token in enumerate(tokens):
            decode(ctx, [token], i)
    return count / (time.perf_counter() - begin)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("-p", type=int, default=512)
    parser.add_argument("-n", type=int, default=64)
    parser.add_argument("-t", type=int, default=2)
    parser.add_argument("-r", type=int, default=5)
    parser.add_argument("--no-repack", action="store_true", help="multiply with the weights as they are in the file")
    args = parser.parse_args()
    silent = lc.llama_log_callback(lambda level, text, data: None)
    lc.llama_log_set(silent, ctypes.c_void_p(0))
    lc.llama_backend_init()
    model_params = lc.llama_model_default_params()
    model_params.use_extra_bufts = not args.no_repack
    model = lc.llama_model_load_from_file(args.model.encode(), model_params)
    params = lc.llama_context_default_params()
    params.n_ctx = params.n_batch = params.n_ubatch = max(args.p, args.n, 512)
    params.n_threads = params.n_threads_batch = args.t
    ctx = lc.llama_init_from_model(model, params)
    vocabulary = lc.llama_vocab_n_tokens(lc.llama_model_get_vocab(model))
    results = []
    for test, count in (("pp", args.p), ("tg", args.n)):
        if count == 0:
            continue
        timed(ctx, vocabulary, test, min(count, 16))
        speeds = [timed(ctx, vocabulary, test, count) for _ in range(args.r)]
        results.append({"test": f"{test}{count}", "avg_ts": statistics.mean(speeds),
                        "stddev_ts": statistics.stdev(speeds) if args.r > 1 else 0.0, "median_ts": statistics.median(speeds)})
    print(json.dumps(results))


if __name__ == "__main__":
    main()
