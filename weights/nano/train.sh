#!/bin/sh
# Makes nano from nothing but Debian 12's packages and TAESD's weights:
#   sh train.sh WEIGHTS PICTURES WORK
# WEIGHTS holds taesd_encoder.safetensors and taesd_decoder.safetensors; PICTURES holds astronaut.png and chelsea.png,
# which are only measured with; WORK takes what is fetched and made (4 GB). Needs apt and root:
#   apt-get update && apt-get install -y --no-install-recommends python3-torch python3-numpy python3-pil
set -eu
weights=$1 pictures=$2 work=$3
here=$(cd "$(dirname "$0")" && pwd)
packages='plasma-workspace-wallpapers mate-backgrounds lomiri-wallpapers-16.04 lomiri-wallpapers-20.04 gnome-backgrounds
  ukui-wallpapers gcompris-qt-data endless-sky-data tuxpaint-stamps-default wesnoth-1.16-data palapeli-data
  python3-sklearn plasma-workspace-data dde-account-faces krita-data trigger-rally-data extremetuxracer-data'
python=/usr/bin/python3

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
[ -e "$work/data/done" ] ||
  $python pictures.py --packages "$work/packages" --weights "$weights" --out "$work/data"
touch "$work/data/done"
$python train.py --data "$work/data" --out "$work/run" --decoder-steps 7000 --encoder-steps 3000 --seed 1 --resume
cp "$work/data/pictures.tsv" "$work/run/losses.tsv" "$work"/run/nano_*.safetensors "$here"
$python evaluate.py --weights "$weights" --nano "$here" --pictures "$pictures" --out "$work/results"
