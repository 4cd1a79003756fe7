"""Makes tests/golden/tokenizer/{spm,bpe}.json: tiny vocabularies with the ids that the packages `sentencepiece` and
`tokenizers` give for a list of nasty texts.

    python scripts/golden/tokenizer.py
"""

import io
import json
import pathlib
import random

import sentencepiece as spm
from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers

GOLDEN = pathlib.Path(__file__).resolve().parents[2] / "tests/golden/tokenizer"

# What the vocabularies are made of.
CORPUS = [
    "The quick brown fox jumps over the lazy dog. It's what we've been told; they'll say 'I'd rather not'.",
    "Tell me a joke about computers. Why did the computer go to the doctor? Because it had a virus!",
    "讲一个笑话。为什么鱼不说话？因为它们怕水泄露秘密！苹果和橙子哪个更甜？通常来说，苹果比橙子甜。",
    "In 2024 there were 1234567 apples and 890 pears, 3.14 pies, and 12,345.67 oranges.",
    "Привет, мир! Как дела? Γειά σου Κόσμε. שלום עולם. مرحبا بالعالم. नमस्ते दुनिया. สวัสดีชาวโลก",
    "def main():\n    return [x ** 2 for x in range(10)]\n\n\tprint(main())\n",
    "\U0001F600 \U0001F468\u200D\U0001F469\u200D\U0001F467 caf\u00e9 na\u00efve \u00dcbergr\u00f6\u00dfe e\u0301",
] * 3

TEXTS = [
    "", " ", "  ", "   a", "a   ", "Hello", " Hello", "Hello world", "Hello, world! It's 2024.",
    "\t", "\n", "\n\n", "\r\n", " \n \n\n \t\n", "a\r\nb\r\n\r\nc", "line one\nline two\n", "\u3000全角\u3000空格",
    "I'm sure we've DON'T they'LL 'S 'x ''s", "it\u2019s", "'\u017F",
    "1", "12", "123", "1234", "12345678901", "3.14159", "１２３", "\u0661\u0662\u0663", "x\u00b2\u00bd\u2167",
    "讲一个笑话。", "为什么鱼不说话？因为它们怕水泄露秘密！", "我想在apple工作1314151天～", "日本語とカタカナ", "한국어 텍스트",
    "\U0001F600\U0001F680", "\U0001F468\u200D\U0001F469\u200D\U0001F467", "\U0001F44D\U0001F3FD ok", "\U0001F1E8\U0001F1F3",
    "e\u0301a\u0308 \u0301", "नमस्ते दुनिया", "ប៉ុន្តែ ភាសា", "สวัสดีชาวโลก", "שלום עולם", "مرحبا بالعالم \u200F\u202E",
    "ПРИВЕТ Привет приветМир", "ΑΒΓ αβγ", "\u01C5\u02B0x", "CamelCase HTTPServer iPhone",
    "a\x00b", "\x00", "\x01\x7f", "\u00a0nbsp\u00a0", "\u2028\u2029\u0085", "\u180Ea\u180E", "\u200b zero \ufeff",
    "    return x ** 2;  // done\n\n\n}", "!!!???...", "$$ ++ <=> ^~ | `a`", "a/b//c\n/d", "http://x.y/z?q=1&r=2#f",
    "--- *** ___ ===", "<s></s><unk>", "\u2581lower\u2581block", "\uD7FF\uE000\uFFFD\U0010FFFF", "ﬁ ﬂ Ａｂ", "x" * 300, " " * 300,
    "ab " * 60, "\n" * 70, "9" * 100, "中" * 50,
]

# Byte sequences that are no UTF-8.
BROKEN = [b"\xff", b"a\xffb", b"\xe4\xbd", b"\xe4a\xbd\xa0", b"\xc0\x80", b"\xed\xa0\x80", b"\xf5\x80\x80\x80 ok", b"\x80\x81 x"]

# As in src/tokenizer/pre_tokenizer.cc; from openai/gpt-2 encoder.py and the models' tokenizer.json files.
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
          r"|\s+(?!\S)|\s+")
QWEN2 = LLAMA3.replace("{1,3}", "")
UPPER, LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
TEKKEN = (rf"[^\r\n\p{{L}}\p{{N}}]?{UPPER}*{LOWER}+|[^\r\n\p{{L}}\p{{N}}]?{UPPER}+{LOWER}*"
          r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
PRE = {
    "gpt-2": [GPT2], "llama-bpe": [LLAMA3], "qwen2": [QWEN2], "tekken": [TEKKEN],
    "smollm": [r"\p{N}", GPT2],
    "default": [r"[\p{P}\$\+<=>\^~\|]+", GPT2, r"\p{N}+", "[0-9][0-9][0-9]"],
}
WHOLE_WORDS_FIRST = {"llama-bpe", "tekken"}


def random_texts(count):
    rng = random.Random(7)
    parts = [t for t in TEXTS if 0 < len(t) < 20] + list(" \n\t'sS1aé中\u0301\U0001F600-_/") * 2
    return ["".join(rng.choice(parts) for _ in range(rng.randint(2, 8))) for _ in range(count)]


def hexed(text):
    return (text if isinstance(text, bytes) else text.encode()).hex()


def spm_golden(add_dummy_prefix):
    model = io.BytesIO()
    spm.SentencePieceTrainer.train(
        sentence_iterator=iter(line for text in CORPUS for line in text.split("\n") if line), model_writer=model,
        model_type="bpe", vocab_size=640, byte_fallback=True, normalization_rule_name="identity",
        remove_extra_whitespaces=False, add_dummy_prefix=add_dummy_prefix, character_coverage=0.98,
        split_digits=True, allow_whitespace_only_pieces=True, control_symbols=["<|im_end|>"],
        user_defined_symbols=[] if add_dummy_prefix else ["<tag>", "<tag>!", "\n\n", "\n"], minloglevel=2)
    sp = spm.SentencePieceProcessor(model_proto=model.getvalue())

    def kind(i):
        if sp.is_unknown(i):
            return 2
        if sp.is_control(i):
            return 3
        if sp.is_byte(i):
            return 6
        # sentencepiece's id_to_piece gives no user-defined flag.
        return 4 if sp.id_to_piece(i) in ("<tag>", "<tag>!", "\n\n", "\n") else 1

    vocab = {"model": "llama", "tokens": [sp.id_to_piece(i) for i in range(sp.vocab_size())],
             "scores": [sp.get_score(i) for i in range(sp.vocab_size())],
             "kinds": [kind(i) for i in range(sp.vocab_size())],
             "bos": sp.bos_id(), "eos": sp.eos_id(), "unk": sp.unk_id(), "add_space_prefix": int(add_dummy_prefix)}
    texts = TEXTS + random_texts(60)
    if not add_dummy_prefix:
        texts += ["<tag>", "a<tag>!b <tag>\n\n\nc", "<tag><tag>!<tag"]
    # The package cuts NUL and ill-formed text off or replaces it; U+2581 is the space's own mark.
    texts = [t for t in texts if "\x00" not in t]
    return {"vocab": vocab, "cases": [{"hex": hexed(t), "ids": sp.encode(t)} for t in texts]}


def bpe_golden():
    def pre_tokenizer(patterns):
        splits = [pre_tokenizers.Split(Regex(p), "isolated") for p in patterns]
        return splits, pre_tokenizers.Sequence(splits + [pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])

    base = Tokenizer(models.BPE())
    base.pre_tokenizer = pre_tokenizer([GPT2])[1]
    base.train_from_iterator(CORPUS, trainers.BpeTrainer(
        vocab_size=480, show_progress=False, initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet())))
    model = json.loads(base.to_str())["model"]
    tokens = [token for token, _ in sorted(model["vocab"].items(), key=lambda item: item[1])]
    merges = [tuple(m.split(" ")) if isinstance(m, str) else tuple(m) for m in model["merges"]]
    # A word that no merges lead to, for the pre-tokenizers that take whole words first.
    tokens.append("ĠcomputersX")

    texts = TEXTS + ["my computersX computersX"] + random_texts(60)
    kinds = {}
    for name, patterns in PRE.items():
        splits, sequence = pre_tokenizer(patterns)
        tokenizer = Tokenizer(models.BPE({t: i for i, t in enumerate(tokens)}, merges,
                                         ignore_merges=name in WHOLE_WORDS_FIRST))
        tokenizer.pre_tokenizer = sequence
        words = pre_tokenizers.Sequence(splits)
        kinds[name] = [{"hex": hexed(t), "ids": tokenizer.encode(t, add_special_tokens=False).ids,
                        "words": [len(w.encode()) for w, _ in words.pre_tokenize_str(t)]} for t in texts]
    return {"vocab": {"model": "gpt2", "tokens": tokens, "merges": [" ".join(m) for m in merges]}, "pre": kinds}


def write(name, golden):
    GOLDEN.mkdir(parents=True, exist_ok=True)
    (GOLDEN / name).write_text(json.dumps(golden, ensure_ascii=False, separators=(",", ":")).replace('},{', '},\n{') + "\n")


if __name__ == "__main__":
    write("spm.json", {"prefix": spm_golden(True), "no_prefix": spm_golden(False),
                       "broken": [hexed(text) for text in BROKEN]})
    write("bpe.json", bpe_golden())
