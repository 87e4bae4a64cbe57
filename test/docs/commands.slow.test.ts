import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadEsbuild } from '../../examples/edge-worker/tools/install.mjs';
import { freePort } from '../../examples/edge-worker/tools/workerd.mjs';
import { renderPicture } from '../../examples/render-picture.mjs';
import { Taesd } from '../../src/index.ts';
import { f16BytesToF32 } from '../../src/numbers/half.ts';
import { decodePng, encodePng } from '../../src/png/index.ts';
import { needs, PYTHON } from '../python.ts';
import { installRuntimes } from '../runtimes/install.mjs';
import { sharedPath, testShared } from '../shared.ts';
import { documentedCode, ROOT } from './blocks.mjs';
import { writeDiffusers } from './diffusers.ts';
import { inFolder } from './in-folder.ts';
import { makeCheckout, shell, writeInputs } from './shell.ts';

/*
 * Commands of the documents, and the clients in Python, run as they stand there. The package itself
 * is not built again, and servers listen on free ports.
 */

/** Returns a script of package.json without its first part, which builds. */
function builtScript(name: string): string {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  expect(scripts[name]).toMatch(/^npm run build && /);
  return scripts[name].replace('npm run build && ', '');
}

/** The size of a picture in a folder. */
function sizeOf(folder: string, name: string): [number, number] {
  const { width, height } = decodePng(readFileSync(join(folder, name)));
  return [width, height];
}

testShared('docs/command.md: its commands → each succeeds; the files that they name', async () => {
  await inFolder((folder) => {
    writeInputs(folder);
    const said = shell(folder, documentedCode('docs/command.md', 'sh'));
    expect(said).toMatch(/http:\/\/127\.0\.0\.1:\d+/);
    const names = readdirSync(folder);
    expect(names).toEqual(
      expect.arrayContaining(['latent.png', 'photo.latent', 'sheet.png', 'decoded.png', 'maps']),
    );
    expect(readdirSync(join(folder, 'latents')).sort()).toEqual(['a.safetensors', 'photo.png']);
    expect(sizeOf(folder, 'decoded.png')).toEqual([64, 64]);
    expect(readdirSync(join(folder, 'maps')).length).toBeGreaterThan(10);
  });
});

testShared('README: its commands → each succeeds; a contact sheet', async () => {
  await inFolder((folder) => {
    writeInputs(folder);
    const said = shell(folder, documentedCode('README.md', 'sh', 'Command line'));
    expect(said).toMatch(/http:\/\/127\.0\.0\.1:\d+/);
    expect(sizeOf(folder, 'decoded.png')).toEqual([40, 48]);
    expect(existsSync(join(folder, 'sheet.png'))).toBe(true);
  });
});

test('README: set-up → the example’s panel; the tests by the line that CI runs', async () => {
  await inFolder((folder) => {
    makeCheckout(folder);
    const said = shell(
      folder,
      documentedCode('README.md', 'sh', 0),
      `npm_script() {
        case "$*" in
          'run example') ${builtScript('example')} ;;
          test) echo 'the tests' ;;
          *) return 1 ;;
        esac
      }`,
    );
    expect(said).toMatch(/^out\/[\w-]+\.png\b[\s\S]*^the tests$/m);
    const tests = /^npm ci && npm test$/m;
    expect(documentedCode('README.md', 'sh', 0)).toMatch(tests);
    expect(readFileSync(join(ROOT, '.ci/run'), 'utf8')).toMatch(tests);
  });
});

testShared('docs/models.md: weights pulled → found in the cache and listed', async () => {
  await inFolder((folder) => {
    const lines = documentedCode('docs/models.md', 'sh', 0);
    const said = shell(folder, lines, 'unset TAESD_WEIGHTS');
    // A model that was not pulled is listed with the command that fetches it.
    for (const model of ['taesd', 'taesdxl']) {
      expect(said).toMatch(new RegExp(`^${model} .*\\bcache\\b(?!.*npx)`, 'm'));
    }
  });
});

test('docs/models.md, weights/dream/README.md: a landscape → one picture, and its steps', async () => {
  const lines = documentedCode('docs/models.md', 'sh', 1);
  expect(documentedCode('weights/dream/README.md', 'sh')).toBe(lines);
  await inFolder((folder) => {
    makeCheckout(folder);
    shell(folder, lines);
    expect(sizeOf(folder, 'picture.png')).toEqual([256, 256]);
    // 20 steps in five columns of 128 pixels, with gaps of 8.
    expect(sizeOf(folder, 'sheet.png')).toEqual([672, 536]);
  });
});

testShared('weights/matrix/README.md: the matrices → the errors in its table', async () => {
  await inFolder((folder) => {
    makeCheckout(folder);
    mkdirSync(join(folder, 'src/cli/sheet'), { recursive: true });
    symlinkSync(sharedPath('weights'), join(folder, 'WEIGHTS'));
    symlinkSync(sharedPath('images'), join(folder, 'PICTURES'));
    const said = shell(folder, documentedCode('weights/matrix/README.md', 'sh'));
    const rows = said.trim().split('\n');
    expect(rows.length).toBe(5);
    const stated = readFileSync(join(ROOT, 'weights/matrix/README.md'), 'utf8').split('\n');
    expect(stated).toEqual(expect.arrayContaining(rows));
    expect(readFileSync(join(folder, 'src/cli/sheet/matrices.ts'), 'utf8')).toContain('taef2');
  });
});

test('docs/explorer.md: its commands → the page, served and as a folder', async () => {
  await inFolder((folder) => {
    const said = shell(
      folder,
      documentedCode('docs/explorer.md', 'sh'),
      `vite() { (cd '${ROOT}' && TAESD_WEIGHTS= exec node_modules/.bin/vite "$@"); }
      npm_script() {
        case "$*" in
          'run explore') serve_page ${builtScript('explore')} ;;
          'run explore:build') ${builtScript('explore:build')} --outDir "$PWD/page" ;;
          *) return 1 ;;
        esac
      }
      serve_page() {
        NO_COLOR=1 "$@" < /dev/null > served.txt 2>&1 &
        listens
        command curl -sS "$(grep -o 'http://[^ ]*' served.txt | head -1)" -o served.html
      }`,
    );
    expect(said).toContain('built in');
    const title = /<title>.*<\/title>/.exec(
      readFileSync(join(ROOT, 'explorer/index.html'), 'utf8'),
    )?.[0];
    for (const page of ['served.html', 'page/index.html']) {
      expect(readFileSync(join(folder, page), 'utf8')).toContain(title);
    }
  });
});

test('docs/reliability.md: its commands, for a moment each → executions of the targets it names', async () => {
  await inFolder((folder) => {
    symlinkSync(join(ROOT, 'test'), join(folder, 'test'));
    writeFileSync(join(folder, 'FILE'), encodePng(renderPicture(64)));
    const said = shell(
      folder,
      documentedCode('docs/reliability.md', 'sh'),
      // The last --minutes counts.
      `npm_script() {
        [ "$1 $2" = 'run fuzz' ] || return 1
        shift 2; [ "$1" = -- ] && shift
        ${builtScript('fuzz')} "$@" --minutes 0.005 --corpus "$PWD/state"
      }`,
    );
    const lines = said.split('\n');
    const targets = lines.map((line) => /^([\w-]+): \d+ executions/.exec(line)?.[1] ?? '');
    expect(new Set(targets.filter(Boolean)).size).toBe(11);
    expect(targets.filter((name) => name === 'png').length).toBe(3);
    expect(targets.filter((name) => name === 'npy').length).toBe(2);
    expect(lines.filter((line) => line.endsWith('seed 7'))).toHaveLength(1);
    expect(lines.filter((line) => /; \d+ ms, \d+ MB$/.test(line))).toHaveLength(1);
  });
});

const MAIN = join(ROOT, 'dist/cli/main.js');

testShared('docs/remote.md: taesd serve → it listens, by name and on a free port', async () => {
  await inFolder((folder) => {
    const said = shell(folder, documentedCode('docs/remote.md', 'sh', 'taesd serve'));
    expect(said.match(/listening on http:\/\/127\.0\.0\.1:\d+\n/g)).toHaveLength(2);
  });
});

test('docs/remote.md: curl → a picture by each plain form, and the lines of the log', async () => {
  const port = await freePort();
  await inFolder((folder) => {
    writeInputs(folder);
    const lines = documentedCode('docs/remote.md', 'sh', 'Decoding');
    shell(
      folder,
      lines.replaceAll('8788', `${port}`),
      `taesd encode photo.png -o latent.png
      serves node '${MAIN}' serve --port ${port} --model nano`,
    );
    expect(sizeOf(folder, 'picture-1.png')).toEqual([64, 64]);
    expect(sizeOf(folder, 'picture-2.png')).toEqual([512, 512]);
    const log = readFileSync(join(folder, 'served.txt'), 'utf8');
    expect(log).toMatch(/^taesd: POST \/decode 200 64×64 \d+ ms$/m);
    expect(log).toMatch(/^taesd: POST \/decode 200 512×512 \d+ ms$/m);
  });
});

/** Latents of half floats, which a client sends as they are. */
const LATENTS = {
  shape: [1, 4, 8, 12],
  data: Float32Array.from({ length: 4 * 96 }, (_, i) => ((7 * i) % 33) / 8 - 2),
};

/** Writes `client.py`: the given names, the document's code, and files of what came of it. */
function writeClient(folder: string, code: string, results: readonly string[]): void {
  writeDiffusers(folder);
  const { shape, data } = LATENTS;
  writeFileSync(
    join(folder, 'client.py'),
    `import sys; sys.path.insert(0, ${JSON.stringify(folder)})
import types
import numpy as np
latents = np.array([${data}], np.float16).reshape(${shape})
given, prompt = latents, 'a lake'
pipe = lambda prompt, output_type: types.SimpleNamespace(images=given)
${code}
${results.map((name) => `open('${name}', 'wb').write(${name})`).join('\n')}
`,
  );
}

/** Checks the picture that a client got. */
async function expectPicture(folder: string): Promise<void> {
  const nano = await Taesd.load({ model: 'nano', workers: 0 });
  const { width, height, data } = await nano.decode(LATENTS);
  nano.dispose();
  const decoded = decodePng(readFileSync(join(folder, 'image')));
  expect([decoded.width, decoded.height]).toEqual([width, height]);
  expect(Uint8Array.from(decoded.data)).toEqual(Uint8Array.from(data));
}

test('docs/remote.md: diffusers’ client → nano’s picture, and latents of it', async ({ skip }) => {
  needs(['numpy'], skip);
  const port = await freePort();
  await inFolder(async (folder) => {
    const code = documentedCode('docs/remote.md', 'python');
    writeClient(folder, code.replaceAll('8788', `${port}`), ['image', 'latents']);
    const served = `serves node '${MAIN}' serve --port ${port} --model nano`;
    shell(folder, `${PYTHON} -I client.py`, served);
    await expectPicture(folder);
    const nano = await Taesd.load({ model: 'nano', workers: 0 });
    const { data } = await nano.encode(decodePng(readFileSync(join(folder, 'image'))));
    nano.dispose();
    const { buffer } = Uint8Array.from(readFileSync(join(folder, 'latents')));
    const encoded = f16BytesToF32(new Uint8Array(buffer));
    expect(encoded.length).toBe(data.length);
    const far = encoded.map((value, i) => Math.abs(value - data[i]));
    expect(Math.max(...far)).toBeLessThan(0.01);
  });
});

test('examples/node-server: its commands → a picture', async () => {
  const port = await freePort();
  await inFolder((folder) => {
    writeInputs(folder);
    makeCheckout(folder);
    const lines = documentedCode('examples/node-server/README.md', 'sh');
    const before = 'taesd encode photo.png -o latent.png';
    shell(folder, lines.replaceAll('8788', `${port}`), before);
    expect(sizeOf(folder, 'picture.png')).toEqual([64, 64]);
  });
});

test('examples/edge-worker: built, served → pictures for curl and diffusers’ client', async ({
  skip,
}) => {
  needs(['numpy'], skip);
  loadEsbuild();
  const port = await freePort();
  await inFolder(async (folder) => {
    writeInputs(folder);
    makeCheckout(folder);
    const example = join(folder, 'examples/edge-worker');
    const config = readFileSync(join(example, 'config.capnp'), 'utf8');
    writeFileSync(join(example, 'config.capnp'), config.replace(':8787"', `:${port}"`));
    const code = documentedCode('examples/edge-worker/README.md', 'python');
    writeClient(folder, code.replaceAll('8787', `${port}`), ['image']);
    const served = documentedCode('examples/edge-worker/README.md', 'sh', 0);
    const asked = documentedCode('examples/edge-worker/README.md', 'sh', 1);
    const lines = `${served}\n${asked.replaceAll('8787', `${port}`)}\n${PYTHON} -I client.py`;
    expect(shell(folder, lines)).toMatch(/^out\/worker\.js +\d+ bytes, \d+ gzipped$/m);
    expect(sizeOf(folder, 'picture-1.png')).toEqual([64, 64]);
    expect(sizeOf(folder, 'picture-2.png')).toEqual([512, 512]);
    await expectPicture(folder);
  });
});

test('examples/edge-worker: deployed, as a dry run → the code with its modules', async ({
  skip,
}) => {
  const { wrangler } = await installRuntimes(['wrangler']);
  if (wrangler.program === undefined && process.env.CI) throw new Error(wrangler.reason);
  if (wrangler.program === undefined) return skip(wrangler.reason);
  loadEsbuild();
  await inFolder((folder) => {
    makeCheckout(folder);
    const lines = documentedCode('examples/edge-worker/README.md', 'sh', 'Deploying it');
    // This project has no account.
    const before = `wrangler() {
      HOME=$PWD WRANGLER_SEND_METRICS=false command node '${wrangler.program}' "$@" --dry-run
    }`;
    const said = shell(join(folder, 'examples/edge-worker'), lines, before);
    expect(said).toMatch(/│ nano-decoder\.bin +│ buffer +│/);
    expect(said).toMatch(/│ taesd\.wasm +│ compiled-wasm +│/);
    expect(said).toContain('--dry-run: exiting now.');
  });
});

test('examples/comfyui: its commands → the pack among ComfyUI’s nodes', async () => {
  await inFolder((folder) => {
    makeCheckout(folder);
    // The document writes … for the place of ComfyUI.
    mkdirSync(join(folder, '…/ComfyUI/custom_nodes'), { recursive: true });
    shell(folder, documentedCode('examples/comfyui/README.md', 'sh'));
    const pack = join(folder, '…/ComfyUI/custom_nodes/taesd-latent-previews');
    const files = readdirSync(pack, { recursive: true, encoding: 'utf8' });
    expect(files).toEqual(
      expect.arrayContaining(['__init__.py', 'taesd_stream.py', 'web/taesd.mjs', 'web/nano.mjs']),
    );
  });
});
