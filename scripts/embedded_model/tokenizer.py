"""Trains the SentencePiece BPE vocabulary: byte fallback, single digits, text taken as it is (no normalization)."""

import argparse
import io
import re
from pathlib import Path

import sentencepiece as spm

import corpus
import facts

DELIMITER = "\u241f"
HAN = re.compile(r"[\u4e00-\u9fff]+")
COMMON = "什么 怎么 哪个 哪里 多少 颜色 首都 国家 城市 语言 反义词 英文 英语 中文 意思 量词 叫声 味道 东西 工具 一个 一种 我们 你们 他们 它们 为什么 因为 可以 告诉 回答 请问 喜欢 " \
         "没有 通常 不过 下一 之后 之前 后面 前面 等于 翻译 单词 属于 知道 问题 今天 地方 需要 应该 生活 说话 重复 常常 看到 大家 高兴".split()


def lexicon() -> list[str]:
    """The Chinese words of the tables, longest first: a piece never spans two of them."""
    words = set(COMMON) | {zh for members in facts.CATEGORIES.values() for _, zh in members} | {zh for _, zh in facts.MORE_WORDS}
    words |= {zh for _, zh in facts.CATEGORIES} | {w for pair in facts.OPPOSITES_ZH for w in pair} | {w for row in facts.COUNTRIES for w in row[4:]}
    words |= set(facts.DAYS_ZH) | {row[2] for row in facts.COLORS} | {row[3] for row in facts.USES}
    return sorted((w for w in words if len(w) > 1), key=lambda w: (-len(w), w))


def cut_words(text: str, pattern: re.Pattern) -> str:
    """Marks the borders of Chinese words, so that no piece of the vocabulary crosses one."""
    return HAN.sub(lambda run: DELIMITER + DELIMITER.join(pattern.findall(run[0])) + DELIMITER, text).replace(DELIMITER * 2, DELIMITER).strip(DELIMITER)


def train(out: Path, size: int) -> None:
    pattern = re.compile("|".join(lexicon()) + "|.")
    lines = ["### Instruction:", "### Response:"] * 200 + corpus.build().tokenizer_text
    model = io.BytesIO()
    spm.SentencePieceTrainer.train(
        sentence_iterator=iter(cut_words(line, pattern) for line in lines), model_writer=model, model_type="bpe", vocab_size=size,
        byte_fallback=True, character_coverage=1.0, split_digits=True, add_dummy_prefix=True, remove_extra_whitespaces=False,
        normalization_rule_name="identity", pretokenization_delimiter=DELIMITER, unk_id=0, bos_id=1, eos_id=2, pad_id=-1,
        num_threads=1, minloglevel=1)
    out.write_bytes(model.getvalue())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--size", type=int, default=3072)
    args = parser.parse_args()
    train(args.out, args.size)
    sp = spm.SentencePieceProcessor(model_proto=args.out.read_bytes())
    for text in ["### Instruction:\n讲一个笑话。\n### Response:\n为什么鱼不说话？因为它们怕水泄露秘密！", "苹果和橙子哪个更甜？通常来说，苹果比橙子甜，不过也要看品种。",
                 "What is the plural of \"child\"?", "“马”的量词是什么？ 15 + 3 = 18"]:
        print(sp.encode(text, out_type=str))


if __name__ == "__main__":
    main()
