#!/bin/sh
# The shipped reranker, from an empty folder: cutouts, crops, 72 + 26 + 83 + 74 minutes on a shared core
# and 84 on two, export. NEWER: crops for the last part, made of MORE cutouts (see detector.sh) as they are now and
# as they were before training/light.py (commit 502acd3); without it, all of them as they are now.
# Run from the repository's root; PHOTOS is a folder of background photographs.
set -eu
PHOTOS=${1:?usage: training/runs/reranker.sh PHOTOS [WORK]}
WORK=${2:-runs/reranker}
UPSCALER=assets/models/spotter-upscaler-x4/upscaler.onnx

python -m synth.studio --out "$WORK/cutouts" --identities 4200 --views 2 --seed 10000
python -m training.crops --cutouts "$WORK/cutouts" --backgrounds "$PHOTOS" --upscaler "$UPSCALER" \
    --out "$WORK/crops" --count 52224
python -m training.crops --cutouts "$WORK/cutouts" --backgrounds "$PHOTOS" --upscaler "$UPSCALER" \
    --out "$WORK/crops-val" --split val --count 2048
python -m training.reranker --crops "$WORK/crops" --val-crops "$WORK/crops-val" \
    --out "$WORK/run" --max-minutes 72 --threads 1
python -m training.reranker --crops "$WORK/crops" --val-crops "$WORK/crops-val" \
    --out "$WORK/more" --start-from "$WORK/run" --learning-rate 6e-4 --small-ratio 0 \
    --max-minutes 26 --threads 1
python -m training.export_reranker --run "$WORK/run" "$WORK/more" --val-crops "$WORK/crops-val" \
    --out "$WORK/first"
NEWER=${NEWER:-$WORK/newer}
python -m synth.studio --out "$WORK/cutouts" --identities 1200 --views 2 --seed 40000
python -m training.crops --cutouts "$WORK/cutouts" --backgrounds "$PHOTOS" --upscaler "$UPSCALER" \
    --out "$NEWER" --count 83968 --seed 21
python -m training.crops --cutouts "$WORK/cutouts" --backgrounds "$PHOTOS" --upscaler "$UPSCALER" \
    --out "$NEWER-val" --split val --count 2048 --seed 21
python -m training.reranker --crops "$NEWER" --val-crops "$NEWER-val" --out "$WORK/light" \
    --start-from "$WORK/first" --optimizer muon --learning-rate 1.2e-3 --small-ratio 0.3 \
    --max-minutes 78 --threads 1 --seed 5
python -m training.reranker --crops "$NEWER" --val-crops "$NEWER-val" --out "$WORK/lighter" \
    --start-from "$WORK/light" --optimizer muon --learning-rate 1.1e-3 --small-ratio 0.3 \
    --max-minutes 74 --threads 1 --seed 9
python -m training.export_reranker --run "$WORK/light" "$WORK/lighter" --val-crops "$NEWER-val" \
    --out "$WORK/second"
# More cutouts, with golden yellows, their light as it is now, and what the detector takes for
# objects in photographs without any. What shipped saw these beside the cutouts of detector.sh, of
# which those with orange were left out: some of it is called yellow now.
NEWEST=${NEWEST:-$WORK/newest}
DETECTOR=assets/models/spotter-detector-n/detector.onnx
python -m synth.studio --out "$WORK/golden" --identities 5000 --views 2 --seed 100000
python -m training.crops --cutouts "$WORK/golden" --backgrounds "$PHOTOS" --upscaler "$UPSCALER" \
    --out "$NEWEST" --count 122880 --seed 31 --workers 2
python -m training.crops --cutouts "$WORK/golden" --backgrounds "$PHOTOS" --upscaler "$UPSCALER" \
    --out "$NEWEST-val" --split val --count 3072 --seed 31 --workers 2
for seed in 1 2 3; do
    python -m training.false_crops --model "$DETECTOR" --backgrounds "$PHOTOS" \
        --upscaler "$UPSCALER" --out "$NEWEST" --seed $seed --threads 2
done
python -m training.reranker --crops "$NEWEST" --val-crops "$NEWEST-val" --out "$WORK/golden-run" \
    --start-from "$WORK/second" --optimizer muon --learning-rate 1.2e-3 --small-ratio 0.3 \
    --batch 192 --negatives 96 --max-minutes 84 --threads 2 --seed 15
python -m training.export_reranker --run "$WORK/golden-run" --val-crops "$NEWEST-val" \
    --out assets/models/spotter-reranker
