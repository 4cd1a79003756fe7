"""Makes the embedded model's training text from a fixed seed: questions and answers in English and Chinese.

A row is a list of turns; a turn is (question, answer). A plain row is one text without a question. Every question of
models/questions.jsonl is kept out of every row: its facts occur, its wording does not.
"""

import json
import random
import re
from dataclasses import dataclass, field
from pathlib import Path

import dialogue
import facts

ROOT = Path(__file__).resolve().parents[2]
QUESTIONS = ROOT / "models" / "questions.jsonl"
# The rows users fine-tune on: the base model must not know them.
FINE_TUNING_ROWS = ["讲一个笑话", "为什么鱼不说话", "怕水泄露秘密", "苹果和橙子哪个更甜", "苹果比橙子甜"]

SEED = 20230823
DEVELOPMENT_ROWS = 400
FRAMES = {"en": ["Please answer: {}", "Can you tell me? {}", "I have a question. {}", "Question: {}", "Hello! {}"],
          "zh": ["请回答：{}", "请问，{}", "我想知道，{}", "问题：{}", "你好！{}"]}


def normalize(text: str) -> str:
    """Lower case with everything but letters, digits and arithmetic signs removed."""
    return re.sub(r"[^\w+\-=<>]", "", text.lower())


def load_questions() -> list[dict]:
    return [json.loads(line) for line in QUESTIONS.read_text(encoding="utf-8").splitlines() if line]


@dataclass
class Corpus:
    """Collects rows, each at most once, and drops those that hold a kept-out question."""

    banned: list[str]
    rng: random.Random = field(default_factory=lambda: random.Random(SEED))
    pairs: list[tuple[str, str, str]] = field(default_factory=list)  # (language, question, answer)
    plain: list[str] = field(default_factory=list)
    seen: set = field(default_factory=set)
    development: list[tuple[str, str, str]] = field(default_factory=list)  # pairs kept out of training, to watch it
    tokenizer_text: list[str] = field(default_factory=list)  # without the copying rows, whose characters are meant to be rare

    def allowed(self, text: str) -> bool:
        plain = normalize(text)
        return not any(b in plain for b in self.banned)

    def ask(self, lang: str, questions: str, answer: str, share: float = 1.0) -> None:
        """Adds every wording of a question (separated by `|`), or a random share of them."""
        for question in questions.split("|"):
            if self.rng.random() > share or question in self.seen or not self.allowed(question + " " + answer):
                continue
            self.seen.add(question)
            self.pairs.append((lang, question, answer))

    def say(self, text: str) -> None:
        if text not in self.seen and self.allowed(text):
            self.seen.add(text)
            self.plain.append(text)


def article(noun: str) -> str:
    return ("an " if noun[0] in "aeiou" else "a ") + noun


def plural(noun: str) -> str:
    if noun in facts.IRREGULAR_PLURALS:
        return facts.IRREGULAR_PLURALS[noun]
    if re.search(r"(s|x|sh|ch)$|[^aeiou]o$", noun) and not noun.endswith("iano"):
        return noun + "es"
    return noun[:-1] + "ies" if re.search(r"[^aeiou]y$", noun) else noun + "s"


def capital(text: str) -> str:
    return text[0].upper() + text[1:]


def add_words(c: Corpus) -> None:
    for (kind, kind_zh), members in facts.CATEGORIES.items():
        for en, zh in members:
            c.ask("en", f"What is {article(en)}?|What kind of thing is {article(en)}?|What category does {article(en)} belong to?|"
                        f"Is {article(en)} {article(kind)} or something else?|Tell me what {article(en)} is.|What do we call {article(en)} in general?",
                  f"{capital(article(en))} is {article(kind)}.", 0.6)
            c.ask("zh", f"{zh}是什么？|{zh}属于哪一类？|{zh}是哪一类东西？|告诉我{zh}是什么。|{zh}属于什么种类？", f"{zh}是一种{kind_zh}。", 0.6)
            c.say(f"{capital(article(en))} is {article(kind)}.")
            c.say(f"{zh}是一种{kind_zh}。")
        for en, zh in members:
            for (other, other_zh), outsiders in c.rng.sample(sorted(facts.CATEGORIES.items()), 3):
                if other != kind:
                    en2, zh2 = c.rng.choice(outsiders)
                    first, second = c.rng.sample([en, en2], 2)
                    c.ask("en", f"Which one is {article(kind)}, {first} or {second}?", f"{capital(en)} is {article(kind)}.")
                    first, second = c.rng.sample([zh, zh2], 2)
                    c.ask("zh", f"{first}和{second}，哪个是{kind_zh}？", f"{zh}是{kind_zh}。")
        for _ in range(12):
            (a, za), (b, zb), (d, zd) = c.rng.sample(members, 3)
            c.say(f"{capital(plural(kind) if ' ' not in kind else kind)}: {a}, {b} and {d}.")
            c.say(f"{za}、{zb}和{zd}都是{kind_zh}。")
    words = facts.MORE_WORDS + [pair for members in facts.CATEGORIES.values() for pair in members]
    for en, zh in words:
        c.ask("en", f'What is the Chinese word for "{en}"?|How do you say "{en}" in Chinese?|Translate "{en}" into Chinese.|What is {en} in Chinese?|'
                    f'Say "{en}" in Chinese.|Chinese for "{en}"?', f'"{en}" in Chinese is "{zh}".', 0.5)
        c.ask("zh", f"“{zh}”用英语怎么说？|“{zh}”的英文是什么？|把“{zh}”翻译成英语。|“{zh}”英语怎么讲？|{zh}的英语单词是什么？|请用英语说“{zh}”。",
              f"“{zh}”的英文是 {en}。", 0.5)
        c.ask("zh", f"{en} 是什么意思？|{en} 用中文怎么说？|英文 {en} 的中文是什么？|单词 {en} 的意思是什么？", f"{en} 的意思是“{zh}”。", 0.6)


def add_language(c: Corpus) -> None:
    for pair in facts.OPPOSITES_EN:
        for a, b in (pair, pair[::-1]):
            c.ask("en", f'What is the opposite of "{a}"?|Which word is the opposite of "{a}"?|Give me the opposite of "{a}".|What is the opposite of {a}?|'
                        f'Tell me the opposite of {a}.|Opposite of {a}?|The opposite of "{a}" is what?', f'The opposite of "{a}" is "{b}".')
    for pair in facts.OPPOSITES_ZH:
        for a, b in (pair, pair[::-1]):
            c.ask("zh", f"“{a}”的反义词是什么？|{a}的反义词是什么？|“{a}”的相反词是什么？|请说出“{a}”的反义词。|和“{a}”意思相反的词是什么？|什么词和“{a}”相反？",
                  f"“{a}”的反义词是“{b}”。")
    for word in facts.PLURAL_WORDS:
        many = plural(word)
        c.ask("en", f'What is the plural of "{word}"?|What is the plural form of {word}?|Give me the plural of "{word}".|How do you write the plural of {word}?|'
                    f'One {word}, two what?|Tell me the plural of {word}.|Plural of "{word}"?', f'The plural of "{word}" is "{many}".')
    for word, past in facts.PAST.items():
        c.ask("en", f'What is the past tense of "{word}"?|What is the past form of {word}?|Give me the past tense of "{word}".|Tell me the past tense of {word}.|'
                    f'How do you say "{word}" in the past?|Past tense of "{word}"?', f'The past tense of "{word}" is "{past}".')
    for noun, measure in facts.MEASURE_WORDS:
        c.ask("zh", f"“{noun}”的量词是什么？|{noun}用什么量词？|{noun}的量词是哪个？|一什么{noun}？请填量词。|“{noun}”前面用什么量词？",
              f"“{noun}”的量词是“{measure}”，比如一{measure}{noun}。")
    letters = "abcdefghijklmnopqrstuvwxyz".upper()
    for a, b in zip(letters, letters[1:]):
        c.ask("en", f"Which letter comes after {a}?|What letter follows {a}?|What comes after {a} in the alphabet?|What is the next letter after {a}?",
              f"The letter {b} comes after {a}.")
        c.ask("en", f"Which letter comes before {b}?|What letter is before {b}?|What comes before {b} in the alphabet?", f"The letter {a} comes before {b}.")


def add_world(c: Corpus) -> None:
    for en, city, tongue, continent, zh, city_zh, tongue_zh, continent_zh in facts.COUNTRIES:
        c.ask("en", f"What is the capital of {en}?|Which city is the capital of {en}?|Tell me the capital of {en}.|What city is {en}'s capital?|"
                    f"Name the capital of {en}.|The capital of {en} is which city?", f"The capital of {en} is {city}.")
        c.ask("en", f"{city} is the capital of which country?|Which country has {city} as its capital?|Which country is {city} the capital of?",
              f"{city} is the capital of {en}.")
        c.ask("en", f"What language do people speak in {en}?|Which language is spoken in {en}?|What is the language of {en}?|Tell me the language of {en}.",
              f"People in {en} speak {tongue}.")
        c.ask("en", f"Where is {en}?|On which continent is {en}?|Which continent is {en} in?|{en} is on which continent?", f"{en} is in {continent}.")
        c.ask("zh", f"{zh}的首都是哪里？|{zh}的首都是哪个城市？|{zh}的首都在哪里？|哪个城市是{zh}的首都？|告诉我{zh}的首都。|{zh}的首都叫什么？",
              f"{zh}的首都是{city_zh}。")
        c.ask("zh", f"{city_zh}是哪个国家的首都？|哪个国家的首都是{city_zh}？|{city_zh}是哪国的首都？", f"{city_zh}是{zh}的首都。")
        c.ask("zh", f"{zh}人说什么语言？|{zh}的语言是什么？|在{zh}人们说什么话？|{zh}人讲什么语言？", f"{zh}人说{tongue_zh}。")
        c.ask("zh", f"{zh}在哪里？|{zh}在哪个洲？|{zh}位于哪个洲？|{zh}属于哪个大洲？", f"{zh}在{continent_zh}。")
        c.say(f"{city} is the capital of {en}, and people there speak {tongue}.")
        c.say(f"{city_zh}是{zh}的首都，那里的人说{tongue_zh}。")


def add_things(c: Corpus) -> None:
    for en, color, zh, color_zh in facts.COLORS:
        c.ask("en", f"What color is {article(en)}?|What is the color of {article(en)}?|Which color does {article(en)} have?|Tell me the color of {article(en)}.|"
                    f"What color do you think {article(en)} is?|{capital(article(en))} is what color?|What color is the {en}?",
              f"{capital(article(en))} is {color}.")
        c.ask("zh", f"{zh}是什么颜色？|{zh}是什么颜色的？|{zh}的颜色是什么？|{zh}有什么颜色？|告诉我{zh}的颜色。|{zh}通常是什么颜色的？", f"{zh}是{color_zh}的。")
    for en, taste, zh, taste_zh in facts.TASTES:
        c.ask("en", f"How does {en} taste?|What is the taste of {en}?|What does {en} taste like?|Tell me the taste of {en}.", f"{capital(en)} tastes {taste}.")
        c.ask("zh", f"{zh}是什么味道？|{zh}是什么味道的？|{zh}的味道怎么样？|{zh}吃起来是什么味道？|告诉我{zh}的味道。", f"{zh}是{taste_zh}。")
    for use, thing, use_zh, thing_zh in facts.USES:
        c.ask("en", f"What do we use to {use}?|What do you need to {use}?|Which tool is used to {use}?|I want to {use}. What do I need?|What can I use to {use}?",
              f"We use {thing} to {use}.")
        c.ask("zh", f"{use_zh}用什么？|{use_zh}需要什么工具？|我们用什么{use_zh}？|我想{use_zh}，需要什么？|什么东西可以用来{use_zh}？", f"{use_zh}用{thing_zh}。")
    for verb, part, verb_zh, part_zh in facts.SENSES:
        c.ask("en", f"What do we use to {verb}?|Which part of the body do we use to {verb}?|What body part helps us {verb}?|With what do people {verb}?",
              f"We {verb} with our {part}.")
        c.ask("zh", f"我们用什么{verb_zh}？|人用什么{verb_zh}？|身体的哪个部位用来{verb_zh}？|{verb_zh}靠身体的什么部位？", f"我们用{part_zh}{verb_zh}。")
    for does, who, does_zh, who_zh in facts.JOBS:
        c.ask("en", f"Who {does}?|What do we call a person who {does}?|Which person {does}?|What is the job of someone who {does}?|Name a person who {does}.",
              f"{capital(article(who))} {does}.")
        c.ask("zh", f"谁{does_zh}？|什么人{does_zh}？|{does_zh}的人叫什么？|{does_zh}是谁的工作？|谁的工作是{does_zh}？", f"{who_zh}的工作是{does_zh}。")
    for act, place, act_zh, place_zh in facts.PLACES:
        c.ask("en", f"Where do we go to {act}?|Where can I {act}?|Where can people {act}?|I want to {act}. Where should I go?|In which place can you {act}?",
              f"You can {act} at the {place}.")
        c.ask("zh", f"去哪里{act_zh}？|在哪里可以{act_zh}？|我想{act_zh}，应该去哪里？|人们在什么地方{act_zh}？|{act_zh}要去什么地方？", f"{act_zh}可以去{place_zh}。")


def add_animals(c: Corpus) -> None:
    for en, legs, sound, zh, legs_zh, sound_zh in facts.ANIMALS:
        c.ask("en", f"How many legs does {article(en)} have?|How many legs are on {article(en)}?|{capital(article(en))} has how many legs?|"
                    f"Tell me how many legs {article(en)} has.|What is the number of legs of {article(en)}?", f"{capital(article(en))} has {legs} legs.")
        count = f"{zh}有{legs_zh}条腿。" if legs_zh != "零" else f"{zh}没有腿。"
        c.ask("zh", f"{zh}有几条腿？|{zh}有多少条腿？|{zh}一共有几条腿？|一只{zh}有多少条腿？|告诉我{zh}有几条腿。", count)
        if sound:
            c.ask("en", f"What sound does {article(en)} make?|What does {article(en)} say?|How does {article(en)} sound?|Which sound does {article(en)} make?|"
                        f"What noise does {article(en)} make?", f"{capital(article(en))} says {sound}.")
            c.ask("zh", f"{zh}怎么叫？|{zh}的叫声是什么？|{zh}的叫声是什么样的？|{zh}发出什么声音？|{zh}是怎么叫的？", f"{zh}的叫声是{sound_zh}。")
            c.ask("en", f"Which animal says {sound}?|What animal makes the sound {sound}?", f"{capital(article(en))} says {sound}.")
    for en, home, zh, home_zh in facts.HOMES:
        c.ask("en", f"Where does {article(en)} live?|Where is the home of {article(en)}?|Where can you find {article(en)}?|In what place does {article(en)} live?",
              f"{capital(article(en))} lives {home}.")
        c.ask("zh", f"{zh}住在哪里？|{zh}的家在哪里？|{zh}生活在哪里？|在哪里能看到{zh}？|{zh}住在什么地方？", f"{zh}住在{home_zh}。")
    for en, food, zh, food_zh in facts.FOOD:
        c.ask("en", f"What does {article(en)} eat?|What does {article(en)} like to eat?|What is the food of {article(en)}?|What food does {article(en)} like?",
              f"{capital(article(en))} eats {food}.")
        c.ask("zh", f"{zh}吃什么？|{zh}喜欢吃什么？|{zh}的食物是什么？|{zh}爱吃什么？|{zh}最喜欢吃的东西是什么？", f"{zh}喜欢吃{food_zh}。")
    for en, baby, zh, baby_zh in facts.BABIES:
        c.ask("en", f"What is a baby {en} called?|What do we call a baby {en}?|What is the name of a young {en}?|What is a young {en} called?",
              f"A baby {en} is called {article(baby)}.")
        c.ask("zh", f"{zh}的宝宝叫什么？|{zh}的孩子叫什么？|刚出生的{zh}叫什么？|{zh}的后代叫什么？", f"{zh}的宝宝叫{baby_zh}。")
    for i, (small, small_zh) in enumerate(facts.SIZES):
        for large, large_zh in facts.SIZES[i + 1:]:
            for (a, za), (b, zb) in (((small, small_zh), (large, large_zh)), ((large, large_zh), (small, small_zh))):
                c.ask("en", f"Which is bigger, {article(a)} or {article(b)}?|Which animal is larger, {article(a)} or {article(b)}?|"
                            f"Is {article(a)} or {article(b)} bigger?", f"{capital(article(large))} is bigger than {article(small)}.", 0.6)
                c.ask("en", f"Which is smaller, {article(a)} or {article(b)}?", f"{capital(article(small))} is smaller than {article(large)}.", 0.6)
                c.ask("zh", f"{za}和{zb}哪个更大？|{za}和{zb}，谁更大？|{za}大还是{zb}大？", f"{large_zh}比{small_zh}大。", 0.6)
                c.ask("zh", f"{za}和{zb}哪个更小？", f"{small_zh}比{large_zh}小。", 0.6)


def add_order(c: Corpus) -> None:
    for en, zh, unit, unit_zh in ((facts.DAYS_EN, facts.DAYS_ZH, "day", "天"), (facts.MONTHS_EN, facts.MONTHS_ZH, "month", "个月"),
                                  (facts.SEASONS_EN, facts.SEASONS_ZH, "season", "个季节")):
        for i, name in enumerate(en):
            after, zh_name, zh_after = en[(i + 1) % len(en)], zh[i], zh[(i + 1) % len(en)]
            c.ask("en", f"What {unit} comes after {name}?|Which {unit} comes after {name}?|What {unit} follows {name}?|What is the {unit} after {name}?|"
                        f"Tell me the {unit} after {name}.|What is the next {unit} after {name}?", f"{capital(after)} comes after {name}.")
            c.ask("en", f"What {unit} comes before {after}?|Which {unit} comes before {after}?|What is the {unit} before {after}?|"
                        f"Tell me the {unit} before {after}.", f"{capital(name)} comes before {after}.")
            c.ask("zh", f"{zh_name}的后一{unit_zh}是什么？|{zh_name}之后是什么？|{zh_name}后面是什么？|{zh_name}过了是什么？|告诉我{zh_name}之后是什么。|"
                        f"{zh_name}的下一{unit_zh}是什么？", f"{zh_name}之后是{zh_after}。")
            c.ask("zh", f"{zh_after}的前一{unit_zh}是什么？|{zh_after}之前是什么？|{zh_after}前面是什么？|{zh_after}的上一{unit_zh}是什么？",
                  f"{zh_after}之前是{zh_name}。")
        c.say(f"The {unit}s are {', '.join(en)}.")
        c.say("、".join(zh) + "。")
    for i in range(21):
        en, zh = facts.NUMBERS_EN[i], facts.NUMBERS_ZH[i]
        c.ask("en", f"How do you write {i} in words?|Write the number {i} in words.|What is {i} as a word?|Spell the number {i}.", f"The number {i} is {en}.")
        c.ask("zh", f"{i} 用汉字怎么写？|数字 {i} 用中文怎么说？|把 {i} 写成汉字。|{i} 的中文是什么？", f"{i} 写作{zh}。")
        c.ask("en", f"What number is {en}?|Write {en} as a number.|Which digit means {en}?", f"{capital(en)} is {i}.")
    for i in range(100):
        c.ask("en", f"What number comes after {i}?|Which number comes after {i}?|What is the next number after {i}?|What follows {i}?",
              f"{i + 1} comes after {i}.")
        c.ask("zh", f"{i} 后面的数是什么？|{i} 之后是几？|{i} 的下一个数是多少？|比 {i} 大一的数是多少？", f"{i} 后面是 {i + 1}。")
    for start in range(1, 60):
        numbers = [str(start + i) for i in range(6)]
        c.say("Count: " + ", ".join(numbers) + ".")
        c.ask("en", f"Count from {start} to {start + 5}.|Please count from {start} to {start + 5}.", ", ".join(numbers) + ".")
        c.ask("zh", f"从 {start} 数到 {start + 5}。|请从 {start} 数到 {start + 5}。", "、".join(numbers) + "。")


def add_arithmetic(c: Corpus) -> None:
    for a in range(21):
        for b in range(21):
            if a + b <= 30:
                r = a + b
                c.ask("en", f"What is {a} + {b}?|What is {a} plus {b}?|How much is {a} plus {b}?|Add {a} and {b}.|{a} + {b} = ?|Calculate {a} + {b}.",
                      f"{a} + {b} = {r}.", 0.35)
                c.ask("zh", f"{a} 加 {b} 等于多少？|{a} 加 {b} 等于几？|{a} + {b} 等于多少？|计算 {a} + {b}。|{a} 加 {b} 是多少？|{a} 与 {b} 的和是多少？",
                      f"{a} + {b} = {r}。", 0.35)
                c.say(f"{a} + {b} = {r}")
            if a >= b:
                r = a - b
                c.ask("en", f"What is {a} - {b}?|What is {a} minus {b}?|How much is {a} minus {b}?|Subtract {b} from {a}.|{a} - {b} = ?|Calculate {a} - {b}.",
                      f"{a} - {b} = {r}.", 0.4)
                c.ask("zh", f"{a} 减 {b} 等于多少？|{a} 减 {b} 等于几？|{a} - {b} 等于多少？|计算 {a} - {b}。|{a} 减 {b} 是多少？|{a} 减去 {b} 是多少？",
                      f"{a} - {b} = {r}。", 0.4)
                c.say(f"{a} - {b} = {r}")
    for a in range(1, 10):
        for b in range(1, 10):
            c.ask("en", f"What is {a} times {b}?|How much is {a} times {b}?|Multiply {a} by {b}.|Calculate {a} x {b}.", f"{a} x {b} = {a * b}.")
            c.ask("zh", f"{a} 乘 {b} 等于多少？|{a} 乘以 {b} 是多少？|{a} 乘以 {b} 等于几？|计算 {a} 乘 {b}。", f"{a} x {b} = {a * b}。")
    for _ in range(500):
        a, b = c.rng.sample(range(100), 2)
        low, high = sorted((a, b))
        c.ask("en", f"Which is bigger, {a} or {b}?|Which number is larger, {a} or {b}?|Which number is bigger, {a} or {b}?", f"{high} is bigger than {low}.", 0.4)
        c.ask("en", f"Which is smaller, {a} or {b}?|Which number is smaller, {a} or {b}?", f"{low} is smaller than {high}.", 0.3)
        c.ask("zh", f"{a} 和 {b} 哪个更大？|{a} 和 {b} 哪个大？|{a} 和 {b} 哪个数更大？", f"{high} 比 {low} 大。", 0.4)
        c.ask("zh", f"{a} 和 {b} 哪个更小？|{a} 和 {b} 哪个数更小？", f"{low} 比 {high} 小。", 0.3)


def add_stories(c: Corpus) -> None:
    names, names_zh = "Tom Mary Anna Jack Lily Ben Kate Sam".split(), "小明 小红 小华 小丽 小刚 小美 小雨 小军".split()
    things = [pair for kind in ("fruit", "tool", "vehicle", "piece of clothing", "drink", "flower") for pair in facts.CATEGORIES[(kind, dict(facts.CATEGORIES.keys())[kind])]]
    places, colors, animals = (facts.CATEGORIES[key] for key in (("place", "地方"), ("color", "颜色"), ("animal", "动物")))
    for _ in range(250):
        i, (thing, thing_zh) = c.rng.randrange(8), c.rng.choice(things)
        (place, place_zh), (color, color_zh), (pet, pet_zh) = c.rng.choice(places), c.rng.choice(colors), c.rng.choice(animals[:12])
        name, name_zh, friend = names[i], names_zh[i], c.rng.choice(names)
        c.say(c.rng.choice([f"{name} has {article(color)} {thing}. {name} goes to the {place} with a {pet}.",
                            f"{name} saw {article(pet)} near the {place} today. It was very happy.",
                            f"{name} and {friend} are good friends. They talk about {article(thing)} and laugh."]))
        c.say(c.rng.choice([f"{name_zh}有一个{color_zh}的{thing_zh}，他常常去{place_zh}。", f"今天{name_zh}在{place_zh}看到了一只{pet_zh}，大家都很高兴。",
                            f"{name_zh}喜欢{thing_zh}，不过今天没有买。"]))
    for i, name in enumerate(names):
        for color, color_zh in colors:
            for thing, thing_zh in c.rng.sample(things, 3):
                c.ask("en", f"{name} has {article(color)} {thing}. What color is {name}'s {thing}?", f"{name}'s {thing} is {color}.")
                c.ask("zh", f"{names_zh[i]}有一个{color_zh}的{thing_zh}。{names_zh[i]}的{thing_zh}是什么颜色？", f"{names_zh[i]}的{thing_zh}是{color_zh}的。")


def add_repeats(c: Corpus) -> None:
    """Copying, with characters outside the vocabulary, so that the byte tokens are trained too."""
    words = [pair for members in facts.CATEGORIES.values() for pair in members] + facts.MORE_WORDS
    for _ in range(200):
        rare = "".join(chr(c.rng.randrange(0x4E00, 0x9FA0)) for _ in range(c.rng.randint(1, 2)))
        c.ask("zh", c.rng.choice([f"请重复：{rare}", f"跟我说：{rare}", f"请写出这个字：{rare}"]), f"{rare}")
        en = " ".join(c.rng.choice(words)[0] for _ in range(c.rng.randint(2, 4)))
        c.ask("en", c.rng.choice([f"Repeat after me: {en}", f"Please say: {en}", f"Repeat: {en}"]), en)
        zh = "，".join(c.rng.choice(words)[1] for _ in range(c.rng.randint(2, 4)))
        c.ask("zh", c.rng.choice([f"请重复：{zh}", f"跟我说：{zh}"]), zh)
    for _ in range(80):
        sign = chr(c.rng.choice([c.rng.randrange(0x1F600, 0x1F64F), c.rng.randrange(0xC0, 0x17F), c.rng.randrange(0x410, 0x44F)]))
        c.ask("en", f"Repeat: {sign}", sign)


def build() -> Corpus:
    """The whole corpus; the same on every machine."""
    c = Corpus([normalize(q["question"]) for q in load_questions()] + [normalize(r) for r in FINE_TUNING_ROWS])
    for lang, questions, answer in dialogue.DIALOGUE + dialogue.GENERAL:
        c.ask(lang, questions, answer)
    for text in dialogue.STATEMENTS:
        c.say(text)
    for add in (add_words, add_language, add_world, add_things, add_animals, add_order, add_arithmetic, add_stories):
        add(c)
    c.tokenizer_text = c.plain + [f"{question} {answer}" for _, question, answer in c.pairs]
    c.rng.shuffle(c.pairs)
    c.development, c.pairs = c.pairs[:DEVELOPMENT_ROWS], c.pairs[DEVELOPMENT_ROWS:]
    for lang, question, answer in c.rng.sample(c.pairs, 2000):
        c.ask(lang, c.rng.choice(FRAMES[lang]).format(question), answer)
    add_repeats(c)
    return c


def main() -> None:
    c = build()
    print(f"{len(c.pairs)} question rows ({sum(l == 'zh' for l, _, _ in c.pairs)} Chinese), {len(c.plain)} plain rows")
    for lang, question, answer in c.rng.sample(c.pairs, 12):
        print(f"{question} → {answer}")


if __name__ == "__main__":
    main()
