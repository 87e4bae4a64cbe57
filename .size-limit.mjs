// What comes over the wire, gzipped, and the most that it may be. Bundled by esbuild, as a page's bundler would.
const initially = {
  name: 'initially',
  setup(build) {
    // What is imported while the program runs comes later, where it is needed: workers, the cache, downloads, the reference.
    build.onResolve({ filter: /.*/ }, ({ kind, path }) =>
      kind === 'dynamic-import' ? { path, external: true } : undefined,
    );
  },
};
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
  bundle('core: import { Taesd } from "taesd-wasm"', 'index.js', '20 kB', {
    import: '{ Taesd }',
    modifyEsbuildConfig: initial,
  }),
  bundle('core, with all that it loads where it is needed', 'index.js', '52 kB'),
  bundle('WebGPU, with what of the core it shares', 'backend/webgpu/networks.js', '24 kB'),
  bundle('a worker', 'backend/wasm/worker.js', '11 kB'),
  file('taesd-wasm/taesd.wasm', 'taesd.wasm', '24 kB'),
  file('taesd-wasm/kernels: taesd.wasm as text', 'kernels.js', '9 kB'),
  bundle('taesd-wasm/png', 'png/index.js', '22 kB'),
  bundle('taesd-wasm/preview', 'preview/index.js', '6 kB'),
  bundle('taesd-wasm/latent-file', 'formats/index.js', '27 kB'),
  file('taesd-wasm/nano: the small model as text', 'nano.js', '1.6 MB'),
];
