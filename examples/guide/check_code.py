"""Checks that the C++ of a page stands in programs that are compiled and run: check_code.py PAGE PROGRAM..."""

import re
import sys


def Lines(text):
  return [line.rstrip() for line in text.splitlines() if line.strip()]


def Contains(program, block):
  return any(program[at : at + len(block)] == block for at in range(len(program) - len(block) + 1))


def main(page, *programs):
  contents = [Lines(open(program, encoding="utf-8").read()) for program in programs]
  blocks = re.findall(r"^```cpp\n(.*?)^```", open(page, encoding="utf-8").read(), re.M | re.S)
  if not blocks:
    sys.exit(f"{page} has no ```cpp blocks")
  for block in blocks:
    if not any(Contains(content, Lines(block)) for content in contents):
      sys.exit(f"{page}: this block stands in no program of examples/guide:\n{block}")
  print(f"{page}: {len(blocks)} blocks stand in {len(programs)} programs")


main(*sys.argv[1:])
