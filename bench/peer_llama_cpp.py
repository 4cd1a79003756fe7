#!/usr/bin/env python3
"""Times llama.cpp (the llama-cpp-python package) on a model file, as `patina bench` does; prints the same JSON.

    python bench/peer_llama_cpp.py MODEL [-p 512] [-n 64] [-t 2] [-r 5] [-d 0] [-b 1] [--cache-type q8_0] [--no-repack]
    python bench/peer_llama_cpp.py MODEL --first-token 20      from loading to the first token after so many of a prompt
    python bench/peer_llama_cpp.py MODEL --ik ...              ik_llama.cpp, the fork (the ik-llama-cpp-python package)
"""

import argparse
import ctypes
import json
import resource
import statistics
import sys
import time

IK = "--ik" in sys.argv
if IK:
    import ik_llama_cpp._ctypes_api as lc
else:
    import llama_cpp as lc

CACHE_TYPES = {"f16": 1, "q8_0": 8}  # of ggml


def decode(ctx, tokens: list[tuple[int, int, int]], logits: range) -> None:
    """One pass over (token, position, sequence); logits after those at the indices."""
    batch = lc.llama_batch_init(len(tokens), 0, 1)
    batch.n_tokens = len(tokens)
    for i, (token, position, sequence) in enumerate(tokens):
        batch.token[i], batch.pos[i], batch.n_seq_id[i] = token, position, 1
        batch.seq_id[i][0] = sequence
        batch.logits[i] = i in logits
    status = lc.llama_decode(ctx, batch)
    lc.llama_batch_free(batch)
    if status != 0:
        raise SystemExit(f"llama_decode failed with {status}")


class Peer:
    def __init__(self, args: argparse.Namespace):
        self.args = args
        model_params = lc.llama_model_default_params()
        setattr(model_params, "repack_tensors" if IK else "use_extra_bufts", not args.no_repack)
        self.model = lc.llama_model_load_from_file(args.model.encode(), model_params)
        params = lc.llama_context_default_params()
        params.n_seq_max = args.b
        if not IK:
            params.kv_unified = True
        elif args.b > 1:
            params.flash_attn = False  # aborts where sequences are in one batch
        params.n_ctx = max(512, (args.d + args.p + args.n) * args.b)
        params.n_batch = params.n_ubatch = 512
        params.n_threads = params.n_threads_batch = args.t
        params.type_k = params.type_v = CACHE_TYPES[args.cache_type]
        self.ctx = lc.llama_init_from_model(self.model, params)
        self.vocabulary = lc.llama_vocab_n_tokens(lc.llama_model_get_vocab(self.model))

    def forget(self, sequence: int, begin: int) -> None:
        """Drops what the sequence holds from position `begin` on."""
        if IK:  # the package does not declare it
            drop = lc._lib.llama_kv_cache_seq_rm
            drop.argtypes = [ctypes.c_void_p, ctypes.c_int32, ctypes.c_int32, ctypes.c_int32]
            drop(self.ctx, sequence, begin, -1)
        else:
            lc.llama_memory_seq_rm(lc.llama_get_memory(self.ctx), sequence, begin, -1)

    def read(self, begin: int, count: int, sequence: int = 0) -> None:
        for first in range(begin, begin + count, 512):
            last = min(first + 512, begin + count)
            part = [((7 + 31 * i) % (self.vocabulary - 300) + 260, i, sequence) for i in range(first, last)]
            decode(self.ctx, part, range(len(part) - 1, len(part)))

    def prepare(self) -> None:
        """As far as the depth, for every sequence."""
        for sequence in range(self.args.b):
            self.forget(sequence, 0)
            self.read(0, self.args.d, sequence)

    def timed(self, test: str, count: int) -> float:
        """Tokens a second of one prompt of `count` tokens ("pp"), or of as many tokens one by one ("tg"), of all sequences."""
        for sequence in range(self.args.b):
            self.forget(sequence, self.args.d)
        begin = time.perf_counter()
        if test == "pp":
            self.read(self.args.d, count)
            return count / (time.perf_counter() - begin)
        for i in range(count):
            token = (7 + 31 * i) % (self.vocabulary - 300) + 260
            decode(self.ctx, [(token, self.args.d + i, s) for s in range(self.args.b)], range(self.args.b))
        return count * self.args.b / (time.perf_counter() - begin)


def measure(args: argparse.Namespace) -> list[dict]:
    if args.first_token:
        args.p, args.n = args.first_token, 1
        begin = time.perf_counter()
        Peer(args).read(0, args.first_token)
        return [{"test": "first token", "seconds": time.perf_counter() - begin}]
    peer = Peer(args)
    peer.prepare()
    results = []
    for test, count in (("pp", args.p), ("tg", args.n)):
        if count == 0:
            continue
        peer.timed(test, min(count, 16))
        speeds = [peer.timed(test, count) for _ in range(args.r)]
        name = f"{test}{count}" + (f"x{args.b}" if test == "tg" and args.b > 1 else "") + (f" @ d{args.d}" if args.d else "")
        results.append({"test": name, "avg_ts": statistics.mean(speeds), "stddev_ts": statistics.stdev(speeds) if args.r > 1 else 0.0,
                        "median_ts": statistics.median(speeds),
                        "peak_memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024})
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("-p", type=int, default=512)
    parser.add_argument("-n", type=int, default=64)
    parser.add_argument("-t", type=int, default=2)
    parser.add_argument("-r", type=int, default=5)
    parser.add_argument("-d", type=int, default=0, help="tokens of context before")
    parser.add_argument("-b", type=int, default=1, help="sequences that write at once")
    parser.add_argument("--cache-type", choices=["f16", "q8_0"], default="f16")
    parser.add_argument("--no-repack", action="store_true", help="multiply with the weights as they are in the file")
    parser.add_argument("--first-token", type=int, default=0)
    parser.add_argument("--ik", action="store_true", help="time ik_llama.cpp")
    args = parser.parse_args()
    if not IK:
        silent = lc.llama_log_callback(lambda level, text, data: None)
        lc.llama_log_set(silent, ctypes.c_void_p(0))
    lc.llama_backend_init()
    print(json.dumps(measure(args)))


if __name__ == "__main__":
    main()
