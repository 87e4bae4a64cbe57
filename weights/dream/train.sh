#!/bin/sh
# Makes dream from nothing but this package's dist/ and TAESD's weights, taesd_encoder.safetensors in WEIGHTS:
#   sh train.sh WEIGHTS WORK [SCENES [STEPS]]
# WORK takes what is made: 200 kB a picture and 16 kB its latents. A run that was stopped goes on; after a change of
# the scenes, remove WORK first. Needs Node 20, `npm ci && npm run build`, a processor with 16-bit products (avx512_bf16;
# without them leave out --bf16), and root for apt:
#   apt-get update && apt-get install -y --no-install-recommends python3-torch python3-numpy python3-pil
set -eu
weights=$1 work=$2 scenes=${3:-6000} steps=${4:-18000}
here=$(cd "$(dirname "$0")" && pwd)
nano=$here/../nano
python=/usr/bin/python3

# Threads that wait by spinning make everything 10 to 100 times slower as soon as another program runs, too.
export OMP_WAIT_POLICY=passive GOMP_SPINCOUNT=0

node "$here/render.mjs" --out "$work/scenes" --scenes "$scenes" --processes 2
node "$nano/encode.mjs" --space taesd --data "$work/scenes" --weights "$weights"
$python "$here/train.py" --scenes "$work/scenes" --out "$work/run" --steps "$steps" --seed 1 --threads 1 --bf16 --resume
cp "$work/run/losses.tsv" "$work/run/dream.safetensors" "$here"
node "$here/../../examples/dream/samples.mjs" -o "$here/samples.png"
