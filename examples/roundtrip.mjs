// npm run example [-- --model taesd] [--weights DIR]
// Renders a picture, encodes it to an 8-bit latent and decodes that. Writes all three, and a panel
// of them, to out/.
import { mkdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { latentsToPicture, pictureToLatents, Taesd, TaesdError } from 'taesd-wasm';
import { encodeLatentPng } from 'taesd-wasm/latent-file';
import { encodePng } from 'taesd-wasm/png';
import { panel } from './panel.mjs';
import { psnr } from './psnr.mjs';
import { renderPicture } from './render-picture.mjs';

const OUT = 'out';

async function main() {
  const options = { model: { type: 'string' }, weights: { type: 'string' } };
  const { values } = parseArgs({ options });
  // nano is in the package. The weights in a folder are those of taesd.
  const name = values.model ?? (values.weights === undefined ? 'nano' : 'taesd');
  const taesd = await Taesd.load({ model: name, weights: values.weights });
  const { model, weights } = taesd.info;
  console.log(`model ${model}, weights from ${weights}`);
  const picture = renderPicture();
  const { width, height } = picture;

  const started = performance.now();
  const latents = await taesd.encode(picture, { onProgress: progress('encoding') });
  const encoded = performance.now();
  // Latents are stored and sent as bytes: decode what bytes keep of them.
  const bytes = latentsToPicture(latents);
  const restored = pictureToLatents(bytes, latents.shape[1]);
  const decoded = await taesd.decode(restored, { width, height, onProgress: progress('decoding') });
  const finished = performance.now();
  taesd.dispose();

  mkdirSync(OUT, { recursive: true });
  const save = (name, file, text) => {
    writeFileSync(`${OUT}/${name}`, file);
    console.log(`${OUT}/${name.padEnd(18)} ${text}`);
  };
  const kB = (file) => `${Math.round(file.length / 1000)} kB`;
  const original = encodePng(picture);
  const latentFile = encodeLatentPng({ latents, model, width, height });
  const result = encodePng(decoded);
  const seconds = (from, to) => `${((to - from) / 1000).toFixed(1)} s`;
  save('picture.png', original, `${width}×${height}, rendered, ${kB(original)}`);
  save(
    'latent.png',
    latentFile,
    `${bytes.width}×${bytes.height}, its latent, ${kB(latentFile)}, encoded in ${seconds(started, encoded)}`,
  );
  save(
    'decoded.png',
    result,
    `${width}×${height}, decoded in ${seconds(encoded, finished)}, PSNR ${psnr(picture, decoded).toFixed(1)} dB`,
  );
  save(
    'side-by-side.png',
    encodePng(panel(picture, bytes, decoded)),
    'picture, latent channel by channel, decoded',
  );
}

/** Returns a callback that prints per cent; undefined if stderr is not a terminal. */
function progress(what) {
  if (!process.stderr.isTTY) return undefined;
  return ({ done, total }) => {
    const percent = Math.floor((100 * done) / total);
    process.stderr.write(done === total ? '\r\x1b[K' : `\r${what} ${percent} %`);
  };
}

try {
  await main();
} catch (error) {
  const isMisused = String(error?.code).startsWith('ERR_PARSE_ARGS');
  if (!(error instanceof TaesdError) && !isMisused) throw error;
  console.error(`${error.message}\n\n  npm run example [-- --model taesd] [--weights DIR]`);
  process.exitCode = 1;
}
