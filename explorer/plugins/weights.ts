import {
  copyFileSync,
  createReadStream,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import type { Plugin } from 'vite';

/*
 * The real models' weights, which are not in the repository. `npm run explore` serves those that
 * are on this machine, in the folder that TAESD_WEIGHTS names or in the cache that `taesd pull`
 * fills; `npm run explore:build` copies those of TAESD_WEIGHTS, if it is set. The page asks for
 * `weights/index.json` to know which there are. The sizes of downloads are written into the page.
 */

interface ManifestFile {
  readonly bytes: number | null;
  readonly sha256: string | null;
}
type Alternative = Readonly<Record<'encoder' | 'decoder' | 'both', ManifestFile | undefined>>;

const { models }: { models: Readonly<Record<string, readonly Alternative[]>> } = JSON.parse(
  readFileSync(new URL('../../weights/manifest.json', import.meta.url), 'utf8'),
);
/** The names of files, with their model: one for each half, or one of both. */
const NAMES: ReadonlyMap<string, string> = new Map(
  Object.keys(models).flatMap((model) =>
    ['_encoder', '_decoder', ''].flatMap((half) =>
      ['safetensors', 'pth'].map((ending) => [`${model}${half}.${ending}`, model] as const),
    ),
  ),
);

/**
 * The bytes that a download of each model takes; null if they are not known. A model is left out if
 * no hash of one of its files is known: it cannot be downloaded.
 */
function downloadSizes(): Readonly<Record<string, number | null>> {
  const sizes = Object.entries(models).flatMap(([model, alternatives]) => {
    const filesOf = ({ encoder, decoder, both }: Alternative) =>
      [encoder, decoder, both].filter((file) => file !== undefined);
    const whole = alternatives.map(filesOf).find((files) => files.every((file) => file.sha256));
    if (whole === undefined) return [];
    const isKnown = whole.every(({ bytes }) => bytes !== null);
    return [[model, isKnown ? whole.reduce((sum, { bytes }) => sum + (bytes ?? 0), 0) : null]];
  });
  return Object.fromEntries(sizes);
}

export function weights(): Plugin {
  let out = '';
  return {
    name: 'weights',
    config: () => ({ define: { DOWNLOAD_BYTES: JSON.stringify(downloadSizes()) } }),
    configResolved(config) {
      out = join(config.root, config.build.outDir);
      if (isAbsolute(config.build.outDir)) out = config.build.outDir;
    },
    configureServer({ middlewares, config }) {
      const folders = [process.env.TAESD_WEIGHTS, cacheFolder()].filter((folder) => !!folder);
      const found = new Map(
        folders.toReversed().flatMap((folder) => filesIn(folder as string).map((f) => [f.name, f])),
      );
      config.logger.info(`  weights served: ${modelsOf([...found.keys()])}`);
      middlewares.use('/weights/', (request, response) => {
        const name = new URL(request.url ?? '/', 'http://host').pathname.slice(1);
        const file = found.get(name);
        if (name === 'index.json') {
          response.setHeader('content-type', 'application/json');
          response.end(JSON.stringify([...found.keys()]));
        } else if (file === undefined) {
          response.writeHead(404).end();
        } else {
          response.setHeader('content-type', 'application/octet-stream');
          createReadStream(file.path).pipe(response);
        }
      });
    },
    writeBundle() {
      const folder = process.env.TAESD_WEIGHTS;
      const files = folder ? filesIn(folder) : [];
      const target = join(out, 'weights');
      mkdirSync(target, { recursive: true });
      for (const { name, path } of files) copyFileSync(path, join(target, name));
      writeFileSync(join(target, 'index.json'), JSON.stringify(files.map(({ name }) => name)));
      const from = folder ? 'copied from TAESD_WEIGHTS' : 'TAESD_WEIGHTS is not set';
      this.info(`weights: ${modelsOf(files.map(({ name }) => name))} (${from})`);
    },
  };
}

/** The models that have files, in words. */
function modelsOf(names: readonly string[]): string {
  const models = new Set(names.map((name) => NAMES.get(name)));
  return ['nano, which is in the page', ...models].join(', ');
}

function filesIn(folder: string): { name: string; path: string }[] {
  try {
    return readdirSync(folder)
      .filter((name) => NAMES.has(name))
      .map((name) => ({ name, path: join(folder, name) }));
  } catch {
    return [];
  }
}

/** Returns the folder that `taesd pull` keeps them in: README.md, "Weights". */
function cacheFolder(): string {
  const { platform, env } = process;
  const home = homedir();
  if (platform === 'darwin') return join(home, 'Library', 'Caches', 'taesd-wasm');
  const given = platform === 'win32' ? env.LOCALAPPDATA : env.XDG_CACHE_HOME;
  const usual = platform === 'win32' ? join(home, 'AppData', 'Local') : join(home, '.cache');
  return join(given !== undefined && isAbsolute(given) ? given : usual, 'taesd-wasm');
}
