#!/usr/bin/env bash
# The run behind assets/models/spotter-upscaler-x4. PHOTOS: a folder of photographs.
set -euo pipefail
photos=${1:?usage: training/runs/upscaler.sh PHOTOS}
python -m training.upscaler --backgrounds "$photos" --out runs/upscaler --max-minutes 25 --threads 1
python -m training.export_upscaler --run runs/upscaler --out assets/models/spotter-upscaler-x4
python -m pipeline.catalog
