#!/usr/bin/env bash
# Table 4 of the paper (arXiv 2506.06144): Qwen2.5-VL-7B with 100 frames, even or by CLaMR, on the long videos of
# Video-MME (with and without subtitles) and of LongVideoBench.
. "$(dirname "$0")/common.sh"

FRAMES=${FRAMES:-100}
[ "${SMOKE:-}" != 1 ] || FRAMES=8
TASKS=${TASKS:-videomme_long,longvideobench_val_v}
[ "${SMOKE:-}" != 1 ] || TASKS=videomme,longvideobench_val_v
INCLUDE=$($PYTHON -m clamr_select.cli lmms-tasks)
BASE="pretrained=$QWEN25,max_num_frames=$FRAMES"
WITH_WORDS=videomme_long_clamr_sub
[ "${SMOKE:-}" != 1 ] || WITH_WORDS=videomme_clamr_sub

evaluate t4_uniform "$TASKS" qwen2_5_vl "$BASE,clamr_mode=uniform"
# the paper gives each frame once
evaluate t4_clamr "$TASKS" qwen2_5_vl "$BASE,$SELECTOR,clamr_preset=as_published,clamr_pair=none"
evaluate t4_clamr_vision "$TASKS" qwen2_5_vl \
  "$BASE,$SELECTOR,clamr_preset=as_published,clamr_pair=none,clamr_modalities=video,clamr_subtitles=none"
report t4_without_subtitles t4_uniform t4_clamr t4_clamr_vision
evaluate t4_sub_uniform "$WITH_WORDS" qwen2_5_vl "$BASE,clamr_mode=uniform"
evaluate t4_sub_clamr "$WITH_WORDS" qwen2_5_vl "$BASE,$SELECTOR,clamr_preset=as_published,clamr_pair=none"
# the words are those of each arm's own frames, so they differ
REPORT_OPTIONS=--allow-different-text report t4_with_subtitles t4_sub_uniform t4_sub_clamr
