#!/usr/bin/env bash
# Tables 1, 2, 3, 5 and 6 of the paper: CLaMR against its baselines, its ablations, losses, modality accuracy and query
# types. On MultiVENT 2.0 and MSR-VTT where their folders are given (docs/retrieval_evaluation.md says how they are made),
# and always on procedural videos.
#
#   MULTIVENT2=DIR MSRVTT=DIR   folders with rows.jsonl; one that is not given is left out, and said
#   CHECKPOINTS=DIR             one folder a view (docs/training.md): Tables 2 and 5, and the pooled baseline of Table 1
#   SYSTEMS="ours words …"      instead of the preset's; WEIGHTS="mclip.pictures=DIR …" replaces checkpoints of baselines
#   RETRIEVAL_OPTIONS="…"       more options of clamr-select eval retrieval, e.g. --documents, --precision int8
. "$(dirname "$0")/common.sh"

DOCUMENTS=${DOCUMENTS:-1000}
SYSTEMS=${SYSTEMS:-}
[ "${SMOKE:-}" != 1 ] || DOCUMENTS=20

# retrieval NAME DATA_OPTIONS...: one data set into $OUTPUT/reports/retrieval_NAME; what is there already is kept
retrieval() {
  local name=$1
  shift
  # shellcheck disable=SC2086  # names without spaces
  $PYTHON -m clamr_select.cli eval retrieval "$@" --output "$OUTPUT/reports/retrieval_$name" --model "$MODEL" \
    ${CHECKPOINTS:+--checkpoints "$CHECKPOINTS"} ${SYSTEMS:+--systems $SYSTEMS} ${WEIGHTS:+--weights $WEIGHTS} \
    ${RETRIEVAL_OPTIONS:-}
}

if [ "${SMOKE:-}" = 1 ]; then
  $PYTHON -m clamr_select.eval.needle.as_rows "$OUTPUT/rows" --num-documents "$DOCUMENTS"
  retrieval smoke --rows "$OUTPUT/rows/rows.jsonl" --frames-dir "$OUTPUT/rows/frames" --device cpu --num-frames 4
else
  if [ -n "${MULTIVENT2:-}" ]; then retrieval multivent2 --preset multivent2 --data "$MULTIVENT2"; else
    echo "MultiVENT 2.0 is left out: MULTIVENT2=DIR names its folder" >&2; fi
  if [ -n "${MSRVTT:-}" ]; then retrieval msrvtt --preset msrvtt --data "$MSRVTT"; else
    echo "MSR-VTT is left out: MSRVTT=DIR names its folder" >&2; fi
fi
$PYTHON -m clamr_select.cli eval needle --task retrieval --num-documents "$DOCUMENTS" --output "$OUTPUT/reports/retrieval" \
  ${CHECKPOINTS:+--checkpoints "$CHECKPOINTS"} --model "$MODEL"
