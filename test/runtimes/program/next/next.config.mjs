import documented from './documented.config.mjs';

// One build shows both: taesd-wasm is bundled, and its copy, taesd-kept-out, is not.
const serverExternalPackages = documented.serverExternalPackages.map((name) =>
  name.replace('taesd-wasm', 'taesd-kept-out'),
);
const root = process.env.TAESD_ROOT;

export default { serverExternalPackages, turbopack: { root }, outputFileTracingRoot: root };
