// A whole network by level: the layers that work at one size of map, as a network of their own.
import { fileURLToPath } from 'node:url';
import { Bench } from 'tinybench';
import { loadCheckout, piecesOf, preparePiece } from './checkout.mjs';

/** This checkout. */
export const HERE = fileURLToPath(new URL('..', import.meta.url));

/**
 * @param half       'encoder' or 'decoder'
 * @param precision  'f32' or 'fast'
 * @returns rows { level, ms, multiplyAdds }; the last one is the whole network in one run
 */
export async function benchLevels(half, precision, size = 512) {
  const checkout = await loadCheckout(HERE);
  const backend = await checkout.createWasmBackend({ precision });
  const pieces = piecesOf(checkout, half, size);
  const bench = new Bench({
    iterations: 3,
    time: 0,
    warmupIterations: 2,
    warmupTime: 0,
    throws: true,
  });
  for (const piece of pieces) {
    const start = preparePiece(backend, checkout, piece);
    bench.add(piece.level, () => {
      for (const _ of start());
    });
  }
  await bench.run();
  return pieces.map(({ level, multiplyAdds }, i) => ({
    level,
    ms: bench.tasks[i].result.latency.p50,
    multiplyAdds,
  }));
}
