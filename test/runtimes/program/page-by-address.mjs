// A page that no bundler has seen: the policy forbids import maps within the page, so the package
// is had by its address.
import * as taesd from './node_modules/taesd-wasm/dist/index.js';
import * as kernels from './node_modules/taesd-wasm/dist/kernels.js';
import * as nano from './node_modules/taesd-wasm/dist/nano.js';
import * as nanoSdxl from './node_modules/taesd-wasm/dist/nano-sdxl.js';
import * as picture from './node_modules/taesd-wasm/dist/picture/index.js';
import { runPage } from './page.mjs';

await runPage(
  { taesd, nano, nanoSdxl, kernels, picture },
  () => import('./readme/page-by-address.js'),
);
