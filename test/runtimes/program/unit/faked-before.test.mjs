/* global test, expect, vi */
// The package is loaded when timers are fake already.
const fakes = globalThis.vi ?? import.meta.jest;

test('package loaded under fake timers, 256×256 decoded → a picture', async () => {
  fakes.useFakeTimers();
  try {
    const { Taesd } = await import('taesd-wasm');
    const taesd = await Taesd.load({ model: 'nano', workers: 0 });
    const latents = { shape: [1, 4, 32, 32], data: new Float32Array(4 * 32 * 32) };
    const { width, height } = await taesd.decode(latents);
    expect([width, height]).toEqual([256, 256]);
    taesd.dispose();
  } finally {
    fakes.useRealTimers();
  }
});
