// node bench/workers.mjs: the speed-up of several workers that the plans promise, from the built
// package. It counts multiply-adds: those of one worker, divided by those of the busiest of
// several. No network runs, so the machine needs no more than one core.
//   --markdown     the table of docs/performance.md: only 2, 4, 6 and 8 workers
import { parseArgs } from 'node:util';
import { planNetwork } from '../dist/backend/plan.js';
import { segmentsOf } from '../dist/backend/segments.js';
import { WASM_RULES } from '../dist/backend/wasm/plan-rules.js';
import { workFor } from '../dist/backend/wasm/schedule.js';
import { divideRows, spansOf } from '../dist/backend/wasm/spans.js';
import { busiestWork } from '../dist/backend/wasm/worker-count.js';
import { VARIANTS } from '../dist/model/variants.js';
import { table } from './peers/report.mjs';

const { values } = parseArgs({ options: { markdown: { type: 'boolean' } } });
const MODELS = ['taesd', 'taef2', 'nano', 'taesana', 'taew2_1'];
const SIZES = [256, 512, 1024, 2048];
const HALVES = { decoder: 'decode', encoder: 'encode' };
const MAX = 8;

/** Returns the plans of a half's segments, with the shapes of their maps. */
function plansOf({ networks, latentChannels, pictureChannels, downscale }, half, size) {
  const side = half === 'decoder' ? size / downscale : size;
  let input = [half === 'decoder' ? latentChannels : pictureChannels, side, side];
  const layers = networks[half].map((layer) => ({ layer }));
  return segmentsOf(layers, 'f32').map(({ network, tallest }) => {
    const plan = planNetwork(
      network.map(({ layer }) => layer),
      WASM_RULES,
      tallest,
    );
    const shapes = plan.shapes(input);
    input = shapes[shapes.length - 1];
    return { plan, shapes, wanted: { first: 0, end: input[1] } };
  });
}

/** Returns the work of the busiest worker, and the work of all. */
function workOf(plans, workers) {
  let [busiest, all] = [0, 0];
  for (const { plan, shapes, wanted } of plans) {
    const spans = workers === 1 ? [wanted] : spansOf(shapes, wanted, workers);
    const loads = spans.map((span) => workFor(plan, shapes, span));
    busiest += busiestWork(loads, workers);
    all += loads.reduce((sum, load) => sum + load, 0);
  }
  return { busiest, all };
}

/** Returns the workers that a run uses on eight cores if their number is not given. */
const defaultFor = (plans) =>
  Math.max(
    ...plans.map(({ plan, shapes, wanted }) => {
      return divideRows(plan, shapes, wanted, { workers: MAX, isDefault: true }).workers;
    }),
  );

const rows = [];
for (const [half, verb] of Object.entries(HALVES)) {
  for (const name of MODELS) {
    const cells = SIZES.map((size) => {
      const plans = plansOf(VARIANTS[name], half, size);
      const one = workOf(plans, 1);
      const gains = Array.from({ length: MAX }, (_, n) => {
        const { busiest, all } = workOf(plans, n + 1);
        return { gain: one.busiest / busiest, all: all / one.busiest };
      });
      return { size, gains, workers: defaultFor(plans) };
    });
    if (values.markdown) {
      const texts = cells.map(({ gains, workers }) => {
        const some = gains.filter((_, n) => n % 2 === 1).map(({ gain }) => gain.toFixed(1));
        return `${some.join(' ')}: ${workers}`;
      });
      rows.push([`${verb}, ${name}`, ...texts]);
      continue;
    }
    for (const { size, gains, workers } of cells) {
      const texts = gains.slice(1).map(({ gain, all }) => `${gain.toFixed(2)} (${all.toFixed(2)})`);
      rows.push([`${verb}, ${name}, ${size}²`, ...texts, `${workers}`]);
    }
  }
}
const counts = Array.from({ length: MAX - 1 }, (_, n) => `${n + 2} workers`);
const titles = values.markdown ? SIZES.map((size) => `${size}²`) : [...counts, 'default'];
console.log(table(['', ...titles], rows));
