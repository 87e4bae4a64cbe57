// Writes dist/taesd.min.js and dist/taesd.all.min.js: the package as one ES module each, for pages
// that load it by address. They import nothing and request nothing. dist/taesd-preview.min.js also
// defines <taesd-preview>, and imports a small model from beside it when the element needs one.
//
// The code of a file is one function, so that its text is known: a page of another origin starts
// workers from that text.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { minify } from 'vite';

const DIST = fileURLToPath(new URL('../dist/', import.meta.url));
const ROOT = fileURLToPath(new URL('../', import.meta.url));

/** The browsers with WebAssembly SIMD, from the oldest. */
const TARGET = 'es2022';

/** Parts that neither file has, by the file in dist/ that is imported on first use. */
const NEITHER = {
  'weights/from-torch.js': 'the reader of PyTorch’s files',
  'torch/read-torch.js': 'the reader of PyTorch’s files',
  'npy/npz.js': 'the reader of .npz files',
  'steps/walk.js': 'steps',
  'backend/wasm/relaxed.js': "precision: 'relaxed'",
};

/** The parts that previews on a page do without. */
const NOT_IN_MIN = {
  'backend/webgpu/networks.js': 'WebGPU',
  'backend/reference.js': "backend: 'reference'",
  'draw/decode-to-canvas.js': 'decodeToCanvas',
  'sources/picture-of.js': 'the reader of pictures of browsers',
  'picture/scale.js': 'maxSize',
  'weights/misfit.js': 'the reader of weights with other names',
  'weights/other-models.js': 'hints on models that are not supported',
};

/**
 * The files: their contents, and the parts that they lack. Those parts were chosen by size and use,
 * so that the files stay below the limits of .size-limit.mjs.
 */
const FILES = {
  'taesd.min.js': { entry: 'min.js', lacks: { ...NEITHER, ...NOT_IN_MIN } },
  'taesd.all.min.js': { entry: 'all.js', lacks: NEITHER },
  // A page has it with one script tag, so it acts when it is loaded.
  'taesd-preview.min.js': {
    entry: 'preview-element.js',
    lacks: { ...NEITHER, ...NOT_IN_MIN },
    standIns: { 'weights/in-package.js': 'one-file/beside.js' },
    atEnd: `import { defineTaesdPreview } from './element/index.js';
      defineTaesdPreview();`,
  },
};

/** Files of dist/ whose place another takes. */
const STAND_INS = {
  'backend/wasm/compile-failure.js': 'one-file/compile-failure.js',
  'backend/wasm/own-kernels.js': 'one-file/own-kernels.js',
  'backend/wasm/worker-module.js': 'one-file/worker-module.js',
  'platform/address-space.js': 'one-file/address-space.js',
  'weights/in-package.js': 'one-file/in-package.js',
  'weights/open-store.js': 'one-file/open-store.js',
  'platform/request-failure.js': 'one-file/request-failure.js',
  'platform/unused-proxies.js': 'one-file/unused-proxies.js',
  'platform/system-errors.js': 'one-file/system-errors.js',
  'picture/decode-picture.js': 'one-file/decode-picture.js',
};

export async function writeOneFiles() {
  const { writeKernelText } = await import('../dist/one-file/kernel-text.js');
  const kernels = writeKernelText(readFileSync(join(DIST, 'taesd.wasm')));
  for (const [name, file] of Object.entries(FILES)) {
    const { entry } = file;
    const whole = await bundle(name, file);
    const { code } = await minify(name, wrapped(whole, kernels), {
      module: true,
      compress: { target: TARGET },
      mangle: { toplevel: true },
      codegen: { removeWhitespace: true, legalComments: 'none' },
    });
    writeFileSync(join(DIST, name), banner(whole) + code);
    const types = readFileSync(join(DIST, 'one-file', entry.replace('.js', '.d.ts')), 'utf8');
    writeFileSync(join(DIST, name.replace('.js', '.d.ts')), types.replaceAll("'../", "'./"));
  }
}

/** Bundles an entry into one module that exports and imports nothing but its end. */
async function bundle(name, { entry, lacks, standIns = {}, atEnd = '' }) {
  const { outputFiles } = await build({
    stdin: {
      contents: `export * from './one-file/${entry}';
        import { serveIfWorker } from './one-file/worker-module.js';
        serveIfWorker();
        ${atEnd}`,
      resolveDir: DIST,
    },
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: TARGET,
    write: false,
    charset: 'utf8',
    legalComments: 'none',
    define: { TAESD_NAME: JSON.stringify(name) },
    plugins: [replacing({ ...STAND_INS, ...standIns }), allAtOnce(lacks)],
  });
  return outputFiles[0].text;
}

const replacing = (standIns) => ({
  name: 'stand-ins',
  setup({ onResolve }) {
    onResolve({ filter: /^fast-png$/ }, () => ({ path: join(DIST, 'one-file/fast-png.js') }));
    onResolve({ filter: /^\./ }, ({ path, resolveDir, importer }) => {
      if (inDist(importer).startsWith('one-file/')) return undefined;
      const standIn = standIns[inDist(join(resolveDir, path))];
      return standIn === undefined ? undefined : { path: join(DIST, standIn) };
    });
  },
});

/** Returns a file's path in dist/. */
const inDist = (path) => path.slice(DIST.length);

/** The usual form of `import()`. One name is smaller than the module with all of its names. */
const NAMED = /const \{ (\w+) \} = await (?:lazily\(\(\) => )?import\('(\.[^']+\.js)'\)\)?;/g;

/**
 * Turns each `import()` into an import: the code is there, and may run where `import()` is
 * forbidden, as in service workers. That of a part that the file lacks is rejected.
 */
const allAtOnce = (lacks) => ({
  name: 'all at once',
  setup({ onLoad }) {
    onLoad({ filter: /\.js$/ }, ({ path }) => {
      if (!path.startsWith(DIST)) return undefined;
      const imports = [];
      const wanted = (from) => inDist(join(dirname(path), from));
      const contents = readFileSync(path, 'utf8')
        .replace(NAMED, (text, exported, from) => {
          if (wanted(from) in lacks) return text;
          const local = `import${imports.length}`;
          imports.push(`import { ${exported} as ${local} } from '${from}';`);
          return `const ${exported} = ${local};`;
        })
        .replace(/import\('(\.[^']+\.js)'\)/g, (_, from) => {
          const part = lacks[wanted(from)];
          if (part === undefined) {
            const local = `import${imports.length}`;
            imports.push(`import * as ${local} from '${from}';`);
            return `Promise.resolve(${local})`;
          }
          const local = `absent${imports.length}`;
          imports.push(`import { absent as ${local} } from '${DIST}one-file/absent.js';`);
          const isInAll = !(wanted(from) in NEITHER);
          return `Promise.reject(${local}(${JSON.stringify(part)}, ${isInAll}))`;
        });
      return { contents: imports.join('\n') + contents, resolveDir: dirname(path) };
    });
  },
});

/**
 * Puts a module into a function that returns its exports. The kernels stand behind it: workers get
 * them compiled, and in the midst of the code they would cost 1 kB, as gzip forgets what came
 * 32 kB before.
 */
function wrapped(code, kernels) {
  const plain = withoutStrings(code).replace(MODEL_IMPORT, '');
  const [end, list] = /export \{([^}]*)\};\s*$/.exec(code) ?? [];
  if (list === undefined || /\bimport\b *[({."'*]/.test(plain)) {
    throw new Error('expected a module that imports nothing, got another');
  }
  const pairs = list.split(',').map((pair) => pair.trim().split(' as '));
  const object = pairs.map(([local, exported = local]) => `${exported}: ${local}`);
  const names = pairs.map(([local, exported = local]) => exported);
  return `function TAESD_WHOLE(TAESD_HERE, TAESD_KERNELS) {
    'use strict';
    ${code.slice(0, -end.length)}
    return { ${object} };
  }
  export const { ${names} } = TAESD_WHOLE(import.meta.url, ${JSON.stringify(kernels)});`;
}

/** The import of a model in one-file/beside.ts. */
const MODEL_IMPORT = /\bimport\(\s*(?:\/\*.*?\*\/\s*)*addressOfModel\s*\)/;

const withoutStrings = (code) =>
  code.replace(/"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`|\/\/.*$/gm, '""');

function banner(code) {
  const { version, license } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const others = ['fflate', 'fast-png', 'iobuffer'].filter((name) =>
    code.includes(`node_modules/${name}/`),
  );
  const withOthers = others.length > 0 ? `; with ${others.join(', ')} (MIT)` : '';
  return `/*! taesd-wasm ${version} (${license})${withOthers} */\n`;
}
