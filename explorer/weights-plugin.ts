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
 * The real models' weights, which are not in the repository. `npm run explore` serves those that are on this machine, in
 * the folder that TAESD_WEIGHTS names or in the cache that `taesd pull` fills; `npm run explore:build` copies those of
 * TAESD_WEIGHTS, if it is set. The page asks for `weights/index.json` to know which there are.
 */

const { models } = JSON.parse(
  readFileSync(new URL('../weights/manifest.json', import.meta.url), 'utf8'),
);
const NAMES = new Set(
  Object.keys(models).flatMap((model) =>
    ['encoder', 'decoder'].flatMap((half) =>
      ['safetensors', 'pth'].map((ending) => `${model}_${half}.${ending}`),
    ),
  ),
);

export function weights(): Plugin {
  let out = '';
  return {
    name: 'weights',
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
  const models = new Set(names.map((name) => name.split('_')[0]));
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

/** Where `taesd pull` keeps them: README.md, "Weights". */
function cacheFolder(): string {
  const { platform, env } = process;
  const home = homedir();
  if (platform === 'darwin') return join(home, 'Library', 'Caches', 'taesd-wasm');
  const given = platform === 'win32' ? env.LOCALAPPDATA : env.XDG_CACHE_HOME;
  const usual = platform === 'win32' ? join(home, 'AppData', 'Local') : join(home, '.cache');
  return join(given !== undefined && isAbsolute(given) ? given : usual, 'taesd-wasm');
}
