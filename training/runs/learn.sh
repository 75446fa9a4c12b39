#!/usr/bin/env bash
# What a hundred corrected pictures teach a detector that was kept weak. Two CPU cores: about a tenth of the shipped
# detector's training, 15 minutes of learning, and two evaluations. Run from the repository's root.
# SCENES: a cache of training.scenes (split train). WORK: an empty folder.
set -eu
: "${SCENES:?cache of training.scenes}" "${WORK:?work folder}"
# A tenth of the 216,000 crops that the shipped detector saw.
python -m training.detector --scenes "$SCENES" --out "$WORK/weak" --max-steps 900 --batch-size 24 \
  --crop-wh 192 192 --late-ratio 0 --seed 3 --threads 2
# 100 pictures to learn from and 50 of other cutouts and places to measure on; their labels count as corrected.
python app.py synth generate --count 150 --out "$WORK/data" --format jsonl --seed 5 --size 960x544 \
  --shares 0.67,0.33,0 --set effects=light --set "size_px_range=[24, 240]" --set clutter_ratio=0
python app.py project create "$WORK/project"
python app.py project import "$WORK/project" "$WORK/data"
python -m training.learn --project "$WORK/project" --run "$WORK/project/runs/weak-start" --max-minutes 13 \
  --reranker-ratio 0 --init "$WORK/weak/weights.safetensors" --scenes "$SCENES" --threads 2 --learning-rate 1.5e-3
cat "$WORK/project/runs/weak-start/metrics.json"
