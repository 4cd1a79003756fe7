#!/bin/sh
# The checks that run no code of the project: format, include direction, file length, scripts, clang-tidy. All of them
# run; the exit code is 1 if one found something.
#   usage: lint.sh BUILD [--analyze]      BUILD: a configured build folder of the test preset (clang-tidy reads its
#   commands); --analyze: with clang's static analyzer, which is slow
set -eu
cd "$(dirname "$0")/.."
[ $# -ge 1 ] || { echo "usage: $0 BUILD [--analyze]" >&2; exit 2; }

for tool in clang-format-19 clang-tidy-19 python3 shellcheck; do
  command -v $tool > /dev/null || { echo "lint needs $tool: run  make deps-test" >&2; exit 1; }
done

check_format() { scripts/sources.sh | xargs clang-format-19 --dry-run -Werror; }

check_length() {
  scripts/sources.sh | xargs wc -l | awk -v soft=500 -v hard=800 '
    $2 == "total" { next }
    $1 > hard { print $2 " has " $1 " lines: split it, " hard " is the limit"; failed = 1; next }
    $1 > soft { print "note: " $2 " has " $1 " lines; does it still tell one story?" }
    END { exit failed }'
}

check_python() {
  find scripts tests bench -name '*.py' -print0 | xargs -0 python3 -c '
import ast, sys
for path in sys.argv[1:]:
    ast.parse(open(path, encoding="utf-8").read(), path)'
}

failed=
check() {
  name=$1
  shift
  echo "lint: $name"
  "$@" || failed="$failed, $name"
}
check format check_format
check "include direction" python3 scripts/check_includes.py
check "file length" check_length
check "shell scripts" find scripts bench tests -name '*.sh' -exec shellcheck .ci/run {} +
check "python scripts" check_python
check clang-tidy python3 scripts/clang_tidy.py "$@"
[ -z "$failed" ] || { echo "lint found something:${failed#,}" >&2; exit 1; }
