#!/usr/bin/env bash
# Tables 1, 2, 3, 5 and 6 of the paper are about retrieval: CLaMR against its baselines, its ablations, losses, modality
# accuracy and query types, trained and tested on MultiVENT 2.0 and MSR-VTT. Their data are not on lmms-eval; the same
# questions are measured on procedural videos, by systems trained with this repository (docs/training.md).
. "$(dirname "$0")/common.sh"

DOCUMENTS=${DOCUMENTS:-1000}
[ "${SMOKE:-}" != 1 ] || DOCUMENTS=20
$PYTHON -m clamr_select.cli eval needle --task retrieval --num-documents "$DOCUMENTS" --output "$OUTPUT/reports/retrieval" \
  ${CHECKPOINTS:+--checkpoints "$CHECKPOINTS"} --model "$MODEL"
