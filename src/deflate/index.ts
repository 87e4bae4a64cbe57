/** DEFLATE streams, inflated as strictly as zlib does. */

export { type Inflation, inflateInto, MAX_RATIO } from './inflate.ts';
