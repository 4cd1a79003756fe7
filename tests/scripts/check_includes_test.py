"""Small trees that break the include direction, and what scripts/check_includes.py says of them."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "scripts" / "check_includes.py"


def check(files: dict[str, str]) -> tuple[int, str]:
    with tempfile.TemporaryDirectory() as root:
        for name, text in files.items():
            path = Path(root, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        run = subprocess.run([sys.executable, SCRIPT, root], capture_output=True, text=True)
        return run.returncode, run.stdout.strip()


class CheckIncludesTest(unittest.TestCase):
    def test_downward_is_accepted_over_several_floors(self):
        code, said = check({"src/ops/a.cc": '#include <vector>\n#include "quant/b.h"\n', "src/quant/b.h": ""})
        self.assertEqual((code, said), (0, "all includes point downward"))

    def test_upward_is_refused(self):
        code, said = check({"src/quant/a.h": '\n#include "ops/b.h"\n', "src/ops/b.h": ""})
        self.assertEqual((code, said), (1, "src/quant/a.h:2: quant may not include ops/b.h"))

    def test_sideways_is_refused(self):
        code, said = check({"src/sampling/a.h": '#include "tokenizer/b.h"', "src/tokenizer/b.h": ""})
        self.assertEqual((code, said), (1, "src/sampling/a.h:1: sampling may not include tokenizer/b.h"))

    def test_a_path_is_spelled_from_src(self):
        code, said = check({"src/io/a.h": '#include "io/b.h"', "src/io/gguf/b.h": ""})
        self.assertEqual((code, said), (1, 'src/io/a.h:1: "io/b.h" is not the path of a file below src/ or include/'))

    def test_an_unknown_folder_is_refused(self):
        code, said = check({"src/misc/a.h": ""})
        self.assertEqual((code, said), (1, "src/misc/a.h: the folder misc has no place in scripts/check_includes.py"))

    def test_a_public_header_stands_alone(self):
        code, said = check({"include/patina/a.h": '#include "io/b.h"', "src/io/b.h": ""})
        self.assertEqual((code, said), (1, "include/patina/a.h:1: a public header may not include io/b.h"))


if __name__ == "__main__":
    unittest.main()
