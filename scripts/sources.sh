#!/bin/sh
# Prints the path of every C++ file of the project.
set -eu
cd "$(dirname "$0")/.."
find src apps include tests bench fuzz -name '*.cc' -o -name '*.h' | sort
