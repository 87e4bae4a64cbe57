#!/bin/sh
# Makes one nano from nothing but Debian 12's packages, this package's dist/ and a TAESD's weights:
#   sh train.sh MODEL WEIGHTS PICTURES WORK
#   sh train.sh first-filters WORK
# MODEL is nano, nano-sdxl, nano-sd3 or nano-flux1. WEIGHTS holds the files of the TAESD whose latents it decodes, as
# taesdxl_encoder.safetensors and taesdxl_decoder.safetensors; PICTURES holds astronaut.png and chelsea.png, which are only
# measured with; WORK takes what is fetched and made (4 GB), and is shared by the models. A run that was stopped goes on
# where it was: it saves its state every half minute. Needs apt, root, and `npm ci && npm run build`:
#   apt-get update && apt-get install -y --no-install-recommends python3-torch python3-numpy python3-pil
# The second line makes the explorer's first filters, which need neither WEIGHTS nor PICTURES.
set -eu
model=$1
if [ "$model" = first-filters ]; then work=$2; else weights=$2 pictures=$3 work=$4; fi
here=$(cd "$(dirname "$0")" && pwd)
packages='plasma-workspace-wallpapers mate-backgrounds lomiri-wallpapers-16.04 lomiri-wallpapers-20.04 gnome-backgrounds
  ukui-wallpapers gcompris-qt-data endless-sky-data tuxpaint-stamps-default wesnoth-1.16-data palapeli-data
  python3-sklearn plasma-workspace-data dde-account-faces krita-data trigger-rally-data extremetuxracer-data'
python=/usr/bin/python3
case $model in
  nano) space=taesd encoder_steps=6000 ;;
  nano-sdxl) space=taesdxl encoder_steps=0 ;;
  nano-sd3) space=taesd3 encoder_steps=0 ;;
  nano-flux1) space=taef1 encoder_steps=0 ;;
  first-filters) ;;
  *) echo "expected nano, nano-sdxl, nano-sd3, nano-flux1 or first-filters, got $model" >&2 && exit 2 ;;
esac

# Threads that wait by spinning make everything 10 to 100 times slower as soon as another program runs, too.
export OMP_WAIT_POLICY=passive GOMP_SPINCOUNT=0

mkdir -p "$work/debs" "$work/packages" "$work/data"
cd "$work/debs"
for package in $packages; do
  [ -e "$work/packages/$package.version" ] && continue
  apt-get download "$package"
  dpkg -x "$package"_*.deb "$work/packages/$package"
  dpkg-deb -f "$package"_*.deb Version > "$work/packages/$package.version"
done

cd "$here"
[ -e "$work/data/done" ] || $python pictures.py --packages "$work/packages" --out "$work/data"
touch "$work/data/done"
if [ "$model" = first-filters ]; then
  SAMPLE="$work/sample.png" node --input-type=module -e "
    import { writeFileSync } from 'node:fs';
    import { encodePng } from '$here/../../dist/png/index.js';
    import { renderPicture } from '$here/../../examples/render-picture.mjs';
    writeFileSync(process.env.SAMPLE, encodePng(renderPicture(128)));"
  $python first_filters.py --data "$work/data" --sample "$work/sample.png" --out "$here"
  exit
fi
node encode.mjs --space "$space" --data "$work/data" --weights "$weights"
$python train.py --model "$model" --data "$work/data" --out "$work/$model" --decoder-steps 16000 \
  --encoder-steps "$encoder_steps" --seed 1 --threads 1 --resume
cp "$work/data/pictures.tsv" "$work/$model/$model"_*.safetensors "$here"
cp "$work/$model/losses.tsv" "$here/$model.losses.tsv"
$python evaluate.py --model "$model" --weights "$weights" --nano "$here" --pictures "$pictures" --out "$work/results"
