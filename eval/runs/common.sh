# What the scripts here share. Each prints a report; they need a machine with the weights, the data sets and a GPU.
#
#   SMOKE=1 eval/runs/table4_long_video.sh       tiny models and made data: shows that the commands run, no number
#   OUTPUT=DIR       where runs and reports go (default: out/runs)
#   MODEL=NAME       the selector (default: meetdavidwan/clamr)
#   GPUS=N           processes of accelerate launch (default: 1)
#   LIMIT=N          documents of each task (default: all)

set -euo pipefail
PYTHON=${PYTHON:-python}
OUTPUT=${OUTPUT:-out/runs}
MODEL=${MODEL:-meetdavidwan/clamr}
GPUS=${GPUS:-1}
QWEN25=${QWEN25:-Qwen/Qwen2.5-VL-7B-Instruct}
QWEN3=${QWEN3:-Qwen/Qwen3-VL-8B-Instruct}
SELECTOR="clamr_model=$MODEL"
BASE_ARGS=""
SIZES=${SIZES:-"8 16 32 64 100"}
mkdir -p "$OUTPUT"
OUTPUT=$(cd "$OUTPUT" && pwd)

if [ "${SMOKE:-}" = 1 ]; then
  export HF_HUB_OFFLINE=1 HF_DATASETS_OFFLINE=1 TRANSFORMERS_OFFLINE=1 CUDA_VISIBLE_DEVICES= OMP_NUM_THREADS=1
  WORLD=${WORLD:-$OUTPUT/world}
  [ -d "$WORLD/hf" ] || $PYTHON -m clamr_select.eval.longvideo.smoke.world "$WORLD"
  export HF_HOME="$WORLD/hf"
  # its data sets lie here under their names on the hub
  cd "$WORLD"
  MODEL=clamr-nano
  SELECTOR="clamr_model=clamr-nano,clamr_ocr=off"
  QWEN25="$WORLD/models/qwen2_5_vl" QWEN3="$WORLD/models/qwen3_vl"
  BASE_ARGS=",device_map=cpu,min_pixels=784,max_pixels=25088"
  DEVICE=cpu
  LIMIT=${LIMIT:-2}
  SIZES=${SMOKE_SIZES:-8}
fi

# evaluate NAME TASKS BASE MODEL_ARGS: one run into $OUTPUT/NAME, not again where its results are there
evaluate() {
  local name=$1 tasks=$2 base=$3 arguments=$4
  if [ -z "$(find "$OUTPUT/$name" -name '*_results.json' 2>/dev/null)" ]; then
    launch -m lmms_eval --model clamr --tasks "$tasks" --batch_size 1 --log_samples --output_path "$OUTPUT/$name" \
      --model_args "base=$base,$arguments,clamr_log=$OUTPUT/$name/selections$BASE_ARGS" --verbosity DEBUG ${DEVICE:+--device "$DEVICE"} \
      ${LIMIT:+--limit "$LIMIT"} ${INCLUDE:+--include_path "$INCLUDE"} >"$OUTPUT/$name.log" 2>&1 ||
      { tail -n 30 "$OUTPUT/$name.log" >&2; echo "$name failed; all of it: $OUTPUT/$name.log" >&2; return 1; }
  fi
}

launch() {
  if [ "$GPUS" -gt 1 ]; then accelerate launch --num_processes "$GPUS" "$@"; else $PYTHON "$@"; fi
}

# report NAME RUN...: compare runs by name, the first is the baseline; REPORT_OPTIONS go to the command
report() {
  local name=$1
  shift
  $PYTHON -m clamr_select.cli eval report --output "$OUTPUT/reports/$name" ${REPORT_OPTIONS:-} "${@/#/$OUTPUT/}"
}
