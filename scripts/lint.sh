#!/bin/sh
# The checks that run no code of the project: format, include direction, file length, scripts, clang-tidy.
#   usage: lint.sh BUILD      a build folder of the test preset that is built (clang-tidy reads its commands)
set -eu
cd "$(dirname "$0")/.."
[ $# -eq 1 ] || { echo "usage: $0 BUILD" >&2; exit 2; }
soft_limit=500
hard_limit=800

for tool in clang-format-19 clang-tidy-19 python3 shellcheck; do
  command -v $tool > /dev/null || { echo "lint needs $tool: run  make deps-test" >&2; exit 1; }
done

echo "lint: format"
scripts/sources.sh | xargs clang-format-19 --dry-run -Werror

echo "lint: include direction"
python3 scripts/check_includes.py

echo "lint: file length"
scripts/sources.sh | xargs wc -l | awk -v soft=$soft_limit -v hard=$hard_limit '
  $2 == "total" { next }
  $1 > hard { print $2 " has " $1 " lines: split it, " hard " is the limit"; failed = 1; next }
  $1 > soft { print "note: " $2 " has " $1 " lines; does it still tell one story?" }
  END { exit failed }'

echo "lint: scripts"
find scripts bench tests -name '*.sh' -exec shellcheck .ci/run {} +
find scripts tests bench -name '*.py' -print0 | xargs -0 python3 -c '
import ast, sys
for path in sys.argv[1:]:
    ast.parse(open(path, encoding="utf-8").read(), path)'

echo "lint: clang-tidy"
python3 scripts/clang_tidy.py "$1"
