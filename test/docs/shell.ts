import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { renderPicture } from '../../examples/render-picture.mjs';
import { encodeLatentSafetensors } from '../../src/formats/index.ts';
import { encodePng } from '../../src/png/index.ts';
import { comfyByHand } from '../formats/files-by-hand.ts';
import { seededNumbers } from '../formats/seeded-numbers.ts';
import { FULL, LOSSY } from '../picture/files.ts';
import { randomTensor, seededRandom } from '../random.ts';
import { sharedIsThere, sharedPath } from '../shared.ts';
import { ROOT } from './blocks.mjs';

/*
 * Commands of the documents, run as they stand there.
 */

/** The lines a script begins with, in front of the document's. */
const prelude = (main: string, weights: string) => `set -eo pipefail
# A server runs on while the next lines run. At the end of the script its process group is ended,
# because the server may be a child of the command.
set -m
trap 'for job in $(jobs -p); do kill -- "-$job" 2> /dev/null || true; done; wait' EXIT
# Waits for the address that the last command in the background prints.
listens() {
  until grep -q http: served.txt; do
    kill -0 $! 2> /dev/null || { cat served.txt >&2; return 1; }
    sleep 0.1
  done
}
taesd() {
  case $1 in
    serve)
      # On a free port.
      command node '${main}' "$@" --port 0 < /dev/null > served.txt 2>&1 &
      listens
      kill -INT $!
      wait $! || [ $? -eq 130 ]
      cat served.txt
      ;;
    pull) command node '${main}' "$@" --from '${weights}' ;;
    *) command node '${main}' "$@" ;;
  esac
}
npx() { [ "$1" = --no-install ] && shift; "$@"; }
# Everything is installed and built.
npm() {
  case "$*" in
    ci | 'run build') ;;
    *) npm_script "$@" ;;
  esac
}
npm_script() { echo "no script for npm $*" >&2; return 1; }
node() {
  case $1 in
    */server.mjs | */serve.mjs) serves node "$@" ;;
    *) command node "$@" ;;
  esac
}
serves() {
  command "$@" < /dev/null > served.txt 2>&1 &
  listens
  until command curl -s -o home.txt "$(grep -o 'http://[^ ]*' served.txt | head -1)"; do sleep 0.1; done
}
answers=0
curl() {
  command curl -sS --fail-with-body "$@"
  cp picture.png "picture-$((++answers)).png"
}
`;

/**
 * Runs lines of a shell, each of which must succeed. `taesd` is the built command, a server runs
 * until the last line has ended, and each picture that `curl` gets is kept: `picture-1.png`.
 *
 * @param before  lines in front of them. They define `npm_script` if there is `npm run` among
 *   the document's
 * @returns what is on stdout and stderr
 */
export function shell(folder: string, lines: string, before = ''): string {
  const weights = sharedPath('weights');
  const script = `${prelude(join(ROOT, 'dist/cli/main.js'), weights)}${before}\n${lines}`;
  const given = sharedIsThere ? { TAESD_WEIGHTS: weights } : {};
  const cache = mkdtempSync(join(tmpdir(), 'taesd-docs-'));
  try {
    const { status, stdout, stderr } = spawnSync('bash', ['-c', script], {
      cwd: folder,
      env: { ...process.env, ...given, XDG_CACHE_HOME: cache },
      encoding: 'utf8',
      timeout: 500_000,
    });
    expect(status, stderr + stdout).toBe(0);
    return stdout + stderr;
  } finally {
    rmSync(cache, { recursive: true });
  }
}

/** Writes the files that the documents' commands name. */
export function writeInputs(folder: string): void {
  writeFileSync(join(folder, 'photo.png'), encodePng(renderPicture(64)));
  writeFileSync(join(folder, 'photo.jpg'), FULL.bytes);
  writeFileSync(join(folder, 'photo.webp'), LOSSY.bytes);
  const stored = seededNumbers('F32', [1, 4, 6, 5], 1);
  writeFileSync(join(folder, 'ComfyUI_00001_.latent'), comfyByHand(stored));
  const { data } = randomTensor(seededRandom(5), [1, 4, 64, 64], 1);
  writeFileSync(join(folder, 'latent.f32'), data);
  writeFileSync(join(folder, 'latents.f16'), Buffer.from(new Uint8Array(2 * data.length)));
  mkdirSync(join(folder, 'latents'));
  const latents = randomTensor(seededRandom(5), [1, 4, 6, 5], 1);
  const file = encodeLatentSafetensors({ latents, model: 'taesd', width: 40, height: 48 });
  writeFileSync(join(folder, 'latents/a.safetensors'), file);
}

/** Makes a folder like a checkout, whose examples and weights may be written to. */
export function makeCheckout(folder: string): void {
  const filter = (path: string) => !path.endsWith('node_modules');
  for (const name of ['examples', 'weights']) {
    cpSync(join(ROOT, name), join(folder, name), { recursive: true, filter });
  }
  const tools = 'examples/edge-worker/tools/npm/node_modules';
  for (const name of ['dist', tools]) symlinkSync(join(ROOT, name), join(folder, name));
}
