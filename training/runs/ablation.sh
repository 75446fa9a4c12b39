#!/bin/sh
# Does blending help? The same detector, the same number of steps, scenes that differ in how they are pasted.
# "plain" rotates, resizes and pastes, as the origin did; "gaussian" fades the rims; "default" is ours.
# All three get the same camera effects and sizes. They begin with INIT and are measured on DATASET.
# Two CPU cores: about 40 minutes. Run from the repository's root.
set -eu
: "${CUTOUTS:?folder with cutouts.jsonl}" "${BACKGROUNDS:?folder of photographs}" "${WORK:?work folder}"
: "${INIT:?weights to begin with}" "${DATASET:?folder with annotations.jsonl}"
STEPS=${STEPS:-400}

for preset in plain gaussian default; do
  python -m training.scenes --cutouts "$CUTOUTS" --backgrounds "$BACKGROUNDS" --count 1200 \
    --out "$WORK/$preset/scenes" --seed 3 --config "synth/presets/$preset.toml" \
    --set effects=photo --set "canvas_wh=[640, 366]" --set "size_px_range=[12, 180]" \
    --set "count_weights=[0.08, 0.12, 0.18, 0.2, 0.18, 0.14, 0.1]"
  python -m training.detector --scenes "$WORK/$preset/scenes" --out "$WORK/$preset/run" \
    --init "$INIT" --max-steps "$STEPS" --threads 1 --batch-size 16 --crop-wh 192 192 \
    --learning-rate 6e-4 --late-ratio 0 --seed 3
  python -m training.export_detector --weights "$WORK/$preset/run/weights.safetensors" \
    --out "$WORK/$preset/model"
  python -m training.evaluate_detector --model "$WORK/$preset/model/detector.onnx" \
    --dataset "$DATASET" > "$WORK/$preset.json"
done
