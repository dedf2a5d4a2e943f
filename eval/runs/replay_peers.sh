#!/usr/bin/env bash
# Selections that other selectors published, on one base and harness, against even sampling and CLaMR.
# FILES="name=file.json …": of AKS, WFS-SB, QCA, BOLT or VideoITG, made for TASKS (one task) with FRAMES frames.
. "$(dirname "$0")/common.sh"

TASKS=${TASKS:-longvideobench_val_v}
FRAMES=${FRAMES:-16}
if [ "${SMOKE:-}" = 1 ]; then
  FRAMES=8
  $PYTHON -c 'import json; print(json.dumps([[10, 60, 110, 160, 200, 250, 290, 310]] * 8))' >"$OUTPUT/aks.json"
  FILES="aks=$OUTPUT/aks.json"
fi
: "${FILES:?give FILES=\"name=file.json …\"}"
BASE="pretrained=$QWEN3,max_num_frames=$FRAMES"

evaluate peers_uniform "$TASKS" qwen3_vl "$BASE,clamr_mode=uniform"
evaluate peers_clamr "$TASKS" qwen3_vl "$BASE,$SELECTOR,clamr_pair=none"
runs="peers_uniform peers_clamr"
for one in $FILES; do
  evaluate "peers_${one%%=*}" "$TASKS" qwen3_vl "$BASE,clamr_mode=cached,clamr_selections=${one#*=},clamr_pair=none"
  runs="$runs peers_${one%%=*}"
done
# shellcheck disable=SC2086  # names without spaces
report peers $runs
