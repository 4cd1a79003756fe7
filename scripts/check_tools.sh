#!/bin/sh
# Ends with the command that installs it where a tool that the build starts from is missing.
#   usage: check_tools.sh TOOL...
set -eu
for tool in "$@"; do
  command -v "$tool" > /dev/null && continue
  echo "patina needs $tool. Install it with:  sudo apt-get install $tool   (or: make deps)" >&2
  exit 1
done
