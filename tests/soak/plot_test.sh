#!/usr/bin/env bash
# The plot of three samples is XML with a line for each series; no samples are a sentence.
set -euo pipefail
plot=$1
samples=$TEST_TMPDIR/samples.jsonl
for i in 1 2 3; do
  echo "{\"seconds\": $i, \"calls\": ${i}000, \"objects\": $i, \"deaths\": 0, \"pss_kib\": 9000, \"latency_us\": 30," \
    "\"driver_anon_kib\": 1, \"driver_descriptors\": 2, \"node_anon_kib\": 3, \"node_descriptors\": 4," \
    "\"worker_anon_kib\": 5, \"worker_descriptors\": 6}"
done >"$samples"
python3 "$plot" "$samples" "$TEST_TMPDIR/soak.svg"
python3 - "$TEST_TMPDIR/soak.svg" <<'END'
import sys
import xml.etree.ElementTree
svg = xml.etree.ElementTree.parse(sys.argv[1])
lines = svg.findall(".//{http://www.w3.org/2000/svg}polyline")
assert len(lines) == 8, len(lines)
assert all(len(line.get("points").split()) == 3 for line in lines)
assert "3,000 calls, 3 objects" in open(sys.argv[1]).read()
END
: >"$samples"
if said=$(python3 "$plot" "$samples" "$TEST_TMPDIR/none.svg" 2>&1); then
  echo "a plot of nothing was drawn" && exit 1
fi
[[ "$said" == *"no samples in it" ]]
