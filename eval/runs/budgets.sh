#!/usr/bin/env bash
# The same base at 8, 16, 32, 64 and 100 frames: even, and by the same CLaMR scores through several policies: its
# default, top-k, the rules of AKS and BOLT, and the best of the others (docs/policies.md): DATE (tass), MarKey, MDP3,
# WFS-SB (pip install 'clamr-select[policies]') and LDDR (dpp); or those of POLICIES=….
. "$(dirname "$0")/common.sh"

POLICIES=${POLICIES:-"topk_gap topk aks bolt tass markey mdp3 wfs_sb dpp"}
[ "${SMOKE:-}" != 1 ] || POLICIES=${SMOKE_POLICIES:-"topk_gap mdp3"}
BASE=${BASE:-qwen3_vl}
TASKS=${TASKS:-videomme,longvideobench_val_v,mlvu_dev,lvbench}
[ "${SMOKE:-}" != 1 ] || TASKS=${SMOKE_TASKS:-mlvu_dev,lvbench}
case $BASE in qwen2_5_vl) WEIGHTS=$QWEN25 ;; *) WEIGHTS=$QWEN3 ;; esac

for size in $SIZES; do
  runs="budget_${size}_uniform"
  evaluate "$runs" "$TASKS" "$BASE" "pretrained=$WEIGHTS,max_num_frames=$size,clamr_mode=uniform"
  for policy in $POLICIES; do
    evaluate "budget_${size}_$policy" "$TASKS" "$BASE" \
      "pretrained=$WEIGHTS,max_num_frames=$size,$SELECTOR,clamr_policy=$policy"
    runs="$runs budget_${size}_$policy"
  done
  # shellcheck disable=SC2086  # names without spaces
  report "budget_$size" $runs
done
