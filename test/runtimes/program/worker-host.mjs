// The conformance program in an edge runtime: a request runs it and is answered with the result.
import * as taesd from 'taesd-wasm';
import * as kernels from 'taesd-wasm/kernels';
import * as nano from 'taesd-wasm/nano';
import * as nanoSdxl from 'taesd-wasm/nano-sdxl';
import * as remote from 'taesd-wasm/remote';
import { conform } from './conformance.mjs';

export default {
  async fetch({ url }, { OUTSIDE }) {
    const get = (path) => OUTSIDE.fetch(`http://outside${path}`);
    try {
      const result = await conform({
        packaged: { taesd, nano, nanoSdxl, kernels, remote },
        read: async (name) => new Uint8Array(await (await get(`/files/${name}`)).arrayBuffer()),
        workers: false,
        compiles: false,
        isTimed: new URL(url).pathname !== '/untimed',
        // Its own clock stands still between requests and answers.
        clock: async () => Number(await (await get('/clock')).text()),
      });
      return Response.json(result);
    } catch (error) {
      return Response.json({ failure: `${error.message}\n${error.stack}` });
    }
  },
};
