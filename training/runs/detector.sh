#!/bin/sh
# The detector that is shipped, from scratch: scenes, training, export, figures.
# Two CPU cores: about 10 minutes of scenes, 85 of training. Run from the repository's root.
# CUTOUTS: renders of synth.studio for training. BACKGROUNDS: photographs. WORK: an empty folder.
set -eu
: "${CUTOUTS:?folder with cutouts.jsonl}" "${BACKGROUNDS:?folder of photographs}" "${WORK:?work folder}"
scenes() { python -m training.scenes --cutouts "$CUTOUTS" --backgrounds "$BACKGROUNDS" "$@"; }

scenes --count 12000 --out "$WORK/scenes/train" --split train --seed 1 --workers 2
# A second part, made while training ran: cleaner and larger objects, which were found worst.
scenes --start 12000 --count 15500 --out "$WORK/scenes/train" --split train --seed 1 --workers 2 \
  --set effects=light --set "size_px_range=[30, 400]" --set crowded_size_px_max=260 \
  --set "count_weights=[0.04, 0.5, 0.24, 0.12, 0.06, 0.04]"
for part in val:101 test:102; do
  scenes --count 300 --out "$WORK/scenes/${part%:*}" --split "${part%:*}" --seed "${part#*:}" \
    --set "canvas_wh=[960, 544]" --set "size_px_range=[12, 560]"
done

python -m training.detector --scenes "$WORK/scenes/train" --out "$WORK/detector" \
  --max-minutes 85 --threads 1 --batch-size 32
python -m training.export_detector --weights "$WORK/detector/weights.safetensors" \
  --out assets/models/spotter-detector-n
python -m training.evaluate_detector --model assets/models/spotter-detector-n/detector.onnx \
  --scenes "$WORK/scenes/test"
