#!/usr/bin/env python3
"""Makes tests/golden/train/rows/: training data as JSON lines, a JSON array and CSV, and the rows that are in it.

    python scripts/golden/rows.py

Oracle: Python's json and csv modules (3.x). They write the files, in several styles, and read them again; what they
read, put into turns of a conversation, is expected.json: for each file the kind and the turns of each row.
"""
import csv
import json
import pathlib

OUT = pathlib.Path(__file__).resolve().parents[2] / "tests/golden/train/rows"

TEXTS = ["讲一个笑话。", 'say "hi", twice', "one\ntwo\n\nthree", "back\\slash \\n", "tab\there", "{not [json]}, only text",
         "🐟 and \u00e9 and \u2028.", "semi;colon", "a", "</s> <|im_end|>", "ends with a quote\"", "''\"\"'' , ,"]


def question(i):
    return TEXTS[i % len(TEXTS)], TEXTS[(i * 5 + 1) % len(TEXTS)]


def shapes():
    rows = []
    for i in range(len(TEXTS)):
        ask, answer = question(i)
        rows += [{"text": ask},
                 {"prompt": ask, "completion": answer, "id": i, "score": 0.5, "tags": ["x", {"y": None}]},
                 {"output": answer, "instruction": ask, "input": "", "text": "the same in a template of another program"},
                 {"instruction": ask, "input": TEXTS[(i + 3) % len(TEXTS)], "output": answer},
                 {"instruction": ask, "input": None, "output": answer},
                 {"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": ask},
                               {"role": "assistant", "content": answer}, {"role": "user", "content": answer},
                               {"role": "assistant", "content": ask}]},
                 {"id": str(i), "conversations": [{"from": "human", "value": ask}, {"from": "gpt", "value": answer}]}]
    return rows


def expected(row):
    roles = {"human": "user", "gpt": "assistant"}
    if "messages" in row:
        return "chat", [[turn["role"], turn["content"]] for turn in row["messages"]]
    if "conversations" in row:
        return "chat", [[roles[turn["from"]], turn["value"]] for turn in row["conversations"]]
    if "instruction" in row:
        prompt = row["instruction"].strip()
        if row.get("input"):
            prompt += "\n### Input:\n" + row["input"].strip()
        return "question", [["user", prompt], ["assistant", row["output"].strip()]]
    if "prompt" in row:
        return "question", [["user", row["prompt"].strip()], ["assistant", row["completion"].strip()]]
    return "text", [["assistant", row["text"].strip()]]


def write_csv(name, fields, rows, **dialect):
    with open(OUT / name, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fields, **dialect)
        writer.writeheader()
        writer.writerows(rows)


def read_csv(name, **dialect):
    with open(OUT / name, newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file, **dialect))
    for row in rows:
        for name in ("messages", "conversations"):
            if name in row:
                row[name] = json.loads(row[name])
    return rows


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    rows = shapes()
    (OUT / "lines.jsonl").write_text("\n".join(json.dumps(row, ensure_ascii=i % 2 == 0) for i, row in enumerate(rows)))
    (OUT / "pretty.json").write_text(json.dumps(rows, indent=2, ensure_ascii=False) + "\n")
    (OUT / "dense.json").write_text("\ufeff" + json.dumps(rows, separators=(",", ":")))
    pairs = [question(i) for i in range(len(TEXTS))]
    write_csv("pairs.csv", ["completion", "note", "prompt"],
              [{"prompt": ask, "completion": answer, "note": "x"} for ask, answer in pairs])
    write_csv("all_quoted.csv", ["instruction", "input", "output"],
              [{"instruction": ask, "input": answer, "output": ask} for ask, answer in pairs],
              quoting=csv.QUOTE_ALL, lineterminator="\n")
    write_csv("tabs.tsv", ["text"] + ["id"], [{"text": ask, "id": 1} for ask, _ in pairs], delimiter="\t")
    write_csv("semicolons.csv", ["prompt", "completion"], [{"prompt": a, "completion": b} for a, b in pairs], delimiter=";")
    write_csv("chat.csv", ["messages"], [{"messages": json.dumps(row["messages"])} for row in rows if "messages" in row])
    files = {
        "lines.jsonl": [json.loads(line) for line in (OUT / "lines.jsonl").read_text().split("\n")],
        "pretty.json": json.loads((OUT / "pretty.json").read_text()),
        "dense.json": json.loads((OUT / "dense.json").read_text(encoding="utf-8-sig")),
        "pairs.csv": read_csv("pairs.csv"),
        "all_quoted.csv": read_csv("all_quoted.csv"),
        "tabs.tsv": read_csv("tabs.tsv", delimiter="\t"),
        "semicolons.csv": read_csv("semicolons.csv", delimiter=";"),
        "chat.csv": read_csv("chat.csv"),
    }
    result = {name: [dict(zip(("kind", "turns"), expected(row))) for row in rows] for name, rows in files.items()}
    (OUT / "expected.json").write_text(json.dumps(result, ensure_ascii=False, indent=0) + "\n")


if __name__ == "__main__":
    main()
