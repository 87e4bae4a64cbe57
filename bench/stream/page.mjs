// The part of stream.mjs that runs in the browser.
import { answerQuestions } from '/bench/webgpu/answer.mjs';
import { Taesd } from '/dist/index.js';
import { nano } from '/dist/nano.js';
import { previewFrom } from '/dist/preview/index.js';

let instances = [];

answerQuestions({
  /** @param workers  the number of workers of each instance */
  async load(workers) {
    for (const taesd of instances) taesd.dispose();
    instances = [];
    for (const count of workers) {
      instances.push(await Taesd.load({ ...nano(), precision: 'fast', workers: count }));
    }
  },
  /** @returns for each picture its step and the time at which it was on the canvas */
  async show(port) {
    const canvas = document.createElement('canvas');
    document.body.replaceChildren(canvas);
    const context = canvas.getContext('2d');
    const shown = [];
    const preview = previewFrom(new WebSocket(`ws://127.0.0.1:${port}`), instances, {
      onFrame({ data, width, height }, { step, elapsedMs }) {
        if (canvas.width !== width) Object.assign(canvas, { width, height });
        context.putImageData(new ImageData(data, width, height), 0, 0);
        shown.push({ step, elapsedMs, at: performance.timeOrigin + performance.now() });
      },
    });
    await preview.done;
    return { shown, dropped: preview.dropped, side: canvas.width };
  },
});
