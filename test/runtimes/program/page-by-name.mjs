// The page that Vite builds.
import * as taesd from 'taesd-wasm';
import * as kernels from 'taesd-wasm/kernels';
import * as nano from 'taesd-wasm/nano';
import * as nanoSdxl from 'taesd-wasm/nano-sdxl';
import * as picture from 'taesd-wasm/picture';
import { runPage } from './page.mjs';

await runPage({ taesd, nano, nanoSdxl, kernels, picture }, () => import('./readme/page.js'));
