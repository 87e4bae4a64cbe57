import type { BoundNetwork } from '../../model/bind.ts';
import { countMultiplyAdds } from '../../model/measure.ts';
import type { RowSink, RowSource } from '../../rows.ts';
import type { Precision, Program, Span } from '../backend.ts';
import type { Kernels } from './kernels.ts';
import type { Memory } from './memory.ts';
import { type PackedConv, packConv } from './pack.ts';
import { type Plan, planNetwork, type Stage } from './plan.ts';
import { Ring, rowCount } from './ring.ts';
import { ringRows, schedule } from './schedule.ts';
import { allocateWorkspace, runStage, type StageContext, type Workspace } from './stages.ts';

const F32_BYTES = Float32Array.BYTES_PER_ELEMENT;

/**
 * A network in the kernels' memory, run as a pipeline of rows: of each feature map only the rows that are still
 * needed are kept, so memory grows with the width of the picture and not with its height.
 */
export class WasmProgram implements Program {
  readonly #memory: Memory;
  readonly #kernels: Kernels;
  readonly #plan: Plan;
  readonly #packed: ReadonlyMap<Stage, PackedConv>;
  #lastRings: { readonly key: string; readonly rows: readonly number[] } | undefined;

  constructor(
    memory: Memory,
    kernels: Kernels,
    network: BoundNetwork,
    precision: Precision = 'f32',
  ) {
    this.#memory = memory;
    this.#kernels = kernels;
    this.#plan = planNetwork(network.map(({ layer }) => layer));
    const packed = new Map<Stage, PackedConv>();
    const coarse = coarseMaps(this.#plan);
    for (const stage of this.#plan.stages) {
      if (stage.kind !== 'conv') continue;
      const kept = coarse.has(stage.output) ? 'f32' : precision;
      packed.set(stage, packConv(memory, kernels, network, stage, kept));
    }
    this.#packed = packed;
  }

  *run(source: RowSource, sink: RowSink, wanted?: Span): Generator<number, void, void> {
    const memory = this.#memory;
    const mark = memory.mark();
    try {
      const shapes = this.#plan.shapes([source.channels, source.height, source.width]);
      const [, height] = shapes[shapes.length - 1];
      const span = wanted ?? { first: 0, end: height };
      const { rings, contexts } = this.#allocate(shapes, span);
      const last = rings.length - 1;
      for (const { stage, map, span: rows } of schedule(this.#plan, shapes, span)) {
        let work = 0;
        if (stage === undefined) {
          for (let y = rows.first; y < rows.end; y++) {
            source.read(y, rings[0].pixels(memory, y), rings[0].channels);
          }
        } else {
          runStage(stage, rows, contexts.get(stage) as StageContext);
          work = workOf(stage, rings[map].width) * (rows.end - rows.first);
        }
        if (map === last) {
          for (let y = Math.max(rows.first, span.first); y < Math.min(rows.end, span.end); y++) {
            sink(y, rings[map].pixels(memory, y), rings[map].channels);
          }
        }
        yield work;
      }
    } finally {
      memory.release(mark);
    }
  }

  /** The rings' sizes, kept for the next run of the same shape: finding them takes up to 1 % of it. */
  #ringRows(shapes: ReturnType<Plan['shapes']>, span: Span): readonly number[] {
    const key = `${shapes[0]} ${span.first} ${span.end}`;
    if (this.#lastRings?.key !== key) {
      this.#lastRings = { key, rows: ringRows(this.#plan, shapes, span) };
    }
    return this.#lastRings.rows;
  }

  /** A ring for each map, and what each stage needs beside. */
  #allocate(shapes: ReturnType<Plan['shapes']>, span: Span) {
    const memory = this.#memory;
    const { stages } = this.#plan;
    const widest = Math.max(...shapes.map(([channels, , width]) => rowCount(channels, width)));
    const zeroRowPtr = memory.allocate('row of zeros', widest * F32_BYTES);
    memory.f32(zeroRowPtr, widest).fill(0);
    const channels = Math.max(...shapes.map(([count]) => count));
    const workspace: Workspace = allocateWorkspace(memory, channels, widest * F32_BYTES);
    const alive = this.#ringRows(shapes, span);
    const rings = shapes.map((shape, map) => new Ring(memory, shape, alive[map], zeroRowPtr));
    const contexts = new Map<Stage, StageContext>();
    for (const stage of stages) {
      const add = stage.kind === 'conv' && stage.add !== undefined ? rings[stage.add] : undefined;
      contexts.set(stage, {
        memory,
        kernels: this.#kernels,
        workspace,
        input: rings[stage.input],
        output: rings[stage.output],
        add,
        packed: this.#packed.get(stage),
      });
    }
    return { rings, contexts };
  }
}

/**
 * The maps whose stages stay f32 in either precision: those of an eighth of the full height and less, and, where the output
 * itself is so coarse (latents), of a quarter. They are a tenth of the work, but each of their numbers reaches far: with
 * them in 16 bits, latents of taesdxl were off by two 8-bit steps in places, without by one.
 */
function coarseMaps(plan: Plan): ReadonlySet<number> {
  const nominal = 64;
  const heights = plan.shapes([1, nominal, nominal]).map(([, height]) => height);
  const full = Math.max(...heights);
  const coarse = heights[heights.length - 1] < full ? full / 4 : full / 8;
  return new Set(heights.flatMap((height, map) => (height <= coarse ? [map] : [])));
}

/** Multiply-adds in one row of a stage's output, as a direct convolution would do them. */
const workOf = (stage: Stage, width: number): number =>
  stage.kind === 'conv' ? countMultiplyAdds({ ...stage.conv, stride: 1 }, [0, 1, width]) : 0;
