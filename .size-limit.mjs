// The gzipped size of each entry and its limit. esbuild bundles them, as a page's bundler would.
const initially = {
  name: 'initially',
  setup(build) {
    // Leaves out code that is imported later, when it is needed: workers, the cache, downloads, the
    // reference.
    build.onResolve({ filter: /.*/ }, ({ kind, path }) =>
      kind === 'dynamic-import' ? { path, external: true } : undefined,
    );
  },
};
// Leaves out what is outside of a folder of dist/: the parts of the core that a page has already.
const beside = (folder) => ({
  name: 'beside',
  setup(build) {
    build.onResolve({ filter: /^\.\.\// }, ({ path }) =>
      path.startsWith(`../${folder}/`) ? undefined : { path, external: true },
    );
  },
});
const modules = (config) => ({ ...config, format: 'esm' });
const initial = (config) => ({ ...modules(config), plugins: [initially] });

const bundle = (name, path, limit, more = {}) => ({
  name,
  path: `dist/${path}`,
  limit,
  gzip: true,
  modifyEsbuildConfig: modules,
  ...more,
});
const file = (name, path, limit) => ({
  name,
  path: `dist/${path}`,
  limit,
  gzip: true,
  disablePlugins: ['@size-limit/esbuild'],
});

export default [
  // The means and deviations of taeqi2_1 are 0.6 kB of it; 0.7 kB are the errors of parts that
  // cannot be loaded and of limited address space, and passwords of addresses; 0.4 kB are values of
  // other realms, timers that are taken once, and older browsers; 0.2 kB tell numbers apart that
  // messages compare; 0.2 kB hand on rows as bytes, and choose the products of nano; 0.2 kB are
  // tiles of 6×6; 0.1 kB chooses the kernels of a precision. Weights of 8 bits and their errors are
  // 0.5 kB, the rows of three small decoders 0.2 kB.
  bundle('core: import { Taesd } from "taesd-wasm"', 'index.js', '30.5 kB', {
    import: '{ Taesd }',
    modifyEsbuildConfig: initial,
  }),
  // The reader of .pth files of weights, with zip and deflate, is 11 kB of it; caches that refuse
  // 0.8 kB; folders in which others plant pipes, links and files of any size 0.9 kB.
  // The check of a canvas's size is 0.6 kB of it; limits on names, entries and tensors are 0.2 kB;
  // pictures that are read once, and loops that their signals end, 0.1 kB; the number of workers by
  // the work of each run 0.3 kB, tunings of WebGPU 0.7 kB, decoders of smaller pictures 0.8 kB,
  // nano in 16 bits and tiles of 6×6 0.9 kB, the relaxed kernels' errors and address 0.6 kB, the
  // small decoders and weights of 8 bits 0.9 kB. Exact bytes on textures are 30 bytes of it.
  bundle('core, with everything it loads later', 'index.js', '102.0 kB'),
  // It shares with the core the causes of failed requests, which are 0.7 kB; 0.1 kB tells numbers
  // apart that messages compare, 0.1 kB knows rows of bytes.
  // Several portions under way, their buffers and pictures read back as bytes are 0.7 kB,
  // networks of smaller pictures and plans with tiles of two sizes 0.5 kB.
  bundle('WebGPU, with the parts of the core it shares', 'backend/webgpu/networks.js', '32.3 kB'),
  // The error of limited address space is 0.2 kB of it, the causes of failed requests 0.7 kB;
  // 0.2 kB keep pipes and devices from being read as files; 0.1 kB tells numbers apart that
  // messages compare; reasons of the system without paths are 0.1 kB, rows of bytes 0.1 kB, tiles
  // of 6×6 0.3 kB.
  bundle('a worker', 'backend/wasm/worker.js', '14.8 kB'),
  file('taesd-wasm/taesd.wasm', 'taesd.wasm', '24 kB'),
  file('taesd-wasm/taesd.relaxed.wasm', 'taesd.relaxed.wasm', '24 kB'),
  // The transform of a wide convolution's weights is 0.2 kB of it, tiles of 6×6 are 2.1 kB,
  // bytes of pictures and faster pixel shuffles 0.4 kB.
  file('taesd-wasm/kernels: taesd.wasm as text', 'kernels.js', '10 kB'),
  bundle('taesd-wasm/png', 'png/index.js', '24 kB'),
  // It loads a decoder when it is needed: taesd-wasm/png, or an optional package (63 and 49 kB).
  bundle('taesd-wasm/picture', 'picture/index.js', '8.8 kB', { modifyEsbuildConfig: initial }),
  // The door for tensors of any library, and the models' channels and scales. Several instances are
  // 0.2 kB. Frames of latents are 3 kB, the connections that bring them 2.5 kB: a page that uses
  // createPreviewer alone is bundled without either.
  bundle('taesd-wasm/preview', 'preview/index.js', '16.8 kB'),
  bundle('taesd-wasm/element, beside the core and previews', 'element/index.js', '4 kB', {
    modifyEsbuildConfig: (config) => ({
      ...modules(config),
      plugins: [initially, beside('element')],
    }),
  }),
  // The engine and the WASM backend are half of it, tensors of any library 3 kB, safetensors files
  // 2.5 kB, the layers and their checks 2.2 kB.
  bundle('taesd-wasm/network', 'network/index.js', '24.4 kB', { modifyEsbuildConfig: initial }),
  // PNG files in and out are 24 kB of it, tensors of requests and the table of models 5 kB.
  bundle('taesd-wasm/remote', 'remote/index.js', '38.5 kB', { modifyEsbuildConfig: initial }),
  // Limits on tensors, entries, names and the heads of gzipped files are 0.2 kB of it, 0.3 kB with
  // every reader. The sentence for a frame of a stream is 0.1 kB.
  bundle('taesd-wasm/latent-file', 'formats/index.js', '36.7 kB', {
    modifyEsbuildConfig: initial,
  }),
  bundle('taesd-wasm/latent-file, with every reader', 'formats/index.js', '48.3 kB'),
  // For pages that load the package by address. Pipes and files of any size are 0.3 kB of it: Deno
  // reads folders with it too. Tiles of 6×6 are 2.5 kB, the number of workers by the work of each
  // run 0.3 kB, nano in 16 bits 0.4 kB, the choice of kernels 0.2 kB. Tunings of WebGPU are 0.7 kB
  // of the second. The small decoders and weights of 8 bits are 0.8 kB.
  // Frames of latents and the connections that bring them are 5.2 kB of each.
  file('taesd.min.js: one file, for previews', 'taesd.min.js', '64.7 kB'),
  file('taesd.all.min.js: one file, with nearly all', 'taesd.all.min.js', '120 kB'),
  // The readers of files of latents are 21 kB of it, the element is 4 kB.
  file('taesd-preview.min.js: one file, the element', 'taesd-preview.min.js', '91 kB'),
  // Bytes of weights, which gzip hardly makes smaller, as base64.
  file('taesd-wasm/nano: a small model as text', 'nano.js', '760 kB'),
  file('taesd-wasm/nano-sdxl: a small decoder as text', 'nano-sdxl.js', '440 kB'),
  file('taesd-wasm/nano-sd3: a small decoder as text', 'nano-sd3.js', '460 kB'),
  file('taesd-wasm/nano-flux1: a small decoder as text', 'nano-flux1.js', '460 kB'),
];
