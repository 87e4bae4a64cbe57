// The page that Vite builds.
import * as taesd from 'taesd-wasm';
import * as kernels from 'taesd-wasm/kernels';
import * as nano from 'taesd-wasm/nano';
import { runPage } from './page.mjs';

await runPage({ taesd, nano, kernels }, () => import('./readme/page.js'));
