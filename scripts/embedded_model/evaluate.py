"""Asks a model file the questions of models/questions.jsonl through llama.cpp (llama-cpp-python), greedily."""

import argparse

import llama_cpp

import corpus
from prompt import ask, is_right


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--need", type=int, default=45, help="fail below this many right answers")
    args = parser.parse_args()
    llm = llama_cpp.Llama(args.model, n_ctx=512, n_threads=args.threads, verbose=False)
    right = {"en": 0, "zh": 0}
    questions = corpus.load_questions()
    for q in questions:
        answer = llm.create_completion(ask(q["question"]), max_tokens=48, temperature=0.0)["choices"][0]["text"]
        ok = is_right(answer, q["accept"])
        right[q["lang"]] += ok
        print(f"{'ok   ' if ok else 'WRONG'} {q['question']} -> {answer}")
    total = sum(right.values())
    print(f"llama-cpp-python {llama_cpp.__version__}: {total} of {len(questions)} right ({right['en']} English, {right['zh']} Chinese)")
    raise SystemExit(total < args.need)


if __name__ == "__main__":
    main()
