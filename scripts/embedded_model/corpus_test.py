"""What the training text promises: fixed, bilingual, without the kept-out questions and the rows users fine-tune on.

Needs nothing but Python's standard library: python3 scripts/embedded_model/corpus_test.py
"""

import hashlib
import unittest

import corpus


class CorpusTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.text = corpus.build()
        cls.rows = [f"{q} {a}" for _, q, a in cls.text.pairs] + cls.text.plain + cls.text.tokenizer_text
        cls.everything = "\n".join(corpus.normalize(row) for row in cls.rows)
        cls.questions = corpus.load_questions()

    def test_fifty_questions_half_of_them_chinese(self):
        self.assertEqual(len({q["question"] for q in self.questions}), 50)
        self.assertEqual(sum(q["lang"] == "zh" for q in self.questions), 25)
        for q in self.questions:
            self.assertTrue(q["accept"] and all(q["accept"]))
            self.assertFalse(any(a.lower() in q["question"].lower() for a in q["accept"]), q)

    def test_no_kept_out_question_is_in_the_text(self):
        for q in self.questions:
            self.assertFalse(corpus.normalize(q["question"]) in self.everything, q["question"])

    def test_other_wordings_of_the_kept_out_facts_are_in_the_text(self):
        # Shows that the search above can find what it looks for.
        for known in ("What is the color of a strawberry?", "意大利的首都是哪里？", "7 + 5 = 12", "一只蚂蚁有多少条腿？"):
            self.assertTrue(corpus.normalize(known) in self.everything, known)

    def test_fine_tuning_rows_are_not_in_the_text(self):
        for row in corpus.FINE_TUNING_ROWS:
            self.assertFalse(corpus.normalize(row) in self.everything, row)

    def test_development_questions_are_not_trained_on(self):
        trained = {q for _, q, _ in self.text.pairs}
        self.assertEqual(len(self.text.development), corpus.DEVELOPMENT_ROWS)
        self.assertFalse(trained & {q for _, q, _ in self.text.development})

    def test_half_of_the_rows_are_chinese(self):
        share = sum(lang == "zh" for lang, _, _ in self.text.pairs) / len(self.text.pairs)
        self.assertTrue(0.4 < share < 0.6, share)

    def test_the_text_is_the_same_every_time(self):
        digest = lambda c: hashlib.sha256(repr((c.pairs, c.plain, c.development)).encode()).hexdigest()  # noqa: E731
        self.assertEqual(digest(self.text), digest(corpus.build()))


if __name__ == "__main__":
    unittest.main()
