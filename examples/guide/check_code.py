"""Checks that the C++ of a page stands in programs that are compiled and run: check_code.py PAGE PROGRAM...

Blank lines do not count, nor that a block is indented more in the program, all of it alike.
"""

import re
import sys


def Lines(text):
  return [line.rstrip() for line in text.splitlines() if line.strip()]


def Indentation(line):
  return len(line) - len(line.lstrip())


def Contains(program, block):
  for at in range(len(program) - len(block) + 1):
    indent = " " * (Indentation(program[at]) - Indentation(block[0]))
    if program[at : at + len(block)] == [indent + line for line in block]:
      return True
  return False


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
