import type { BoundNetwork } from '../../model/bind.ts';
import type { Precision } from '../../options/types.ts';
import type { RowSink, RowSource } from '../../rows.ts';
import type { Program, Span, WantedRows } from '../backend.ts';
import type { FoldedPool } from '../fold-pool.ts';
import { type Plan, planNetwork, type Stage } from '../plan.ts';
import { stageWork } from '../rows-needed.ts';
import { JOB_BYTES } from './job-layout.ts';
import { F32_BYTES } from './layout.ts';
import type { Machine } from './machine.ts';
import { outputRows } from './output-rows.ts';
import { type PackedConv, packConv, repackPool } from './pack.ts';
import { WASM_RULES } from './plan-rules.ts';
import { productsRule } from './products.ts';
import { Ring, rowCount, storedChannels } from './ring.ts';
import { ringRows, schedule } from './schedule.ts';
import type { StageRunner } from './stage-context.ts';
import { prepareStage } from './stages.ts';
import { allocateWorkspace, MAX_BLOCK_ROWS } from './workspace.ts';

/** A Winograd stage has a job for each row of tiles in a block. */
const STAGE_JOBS_BYTES = MAX_BLOCK_ROWS * JOB_BYTES;

/**
 * A network in the kernels' memory, run as a pipeline of rows. It keeps only the rows of each
 * feature map that are still needed, so memory grows with the width of the picture and not with its
 * height.
 */
export class WasmProgram implements Program {
  readonly #machine: Machine;
  readonly #plan: Plan;
  readonly #packed: ReadonlyMap<Stage, PackedConv>;
  #lastRings: { readonly key: string; readonly rows: readonly number[] } | undefined;

  constructor(machine: Machine, network: BoundNetwork, precision?: Precision, tallest?: number) {
    this.#machine = machine;
    this.#plan = planNetwork(
      network.map(({ layer }) => layer),
      WASM_RULES,
      tallest,
    );
    const packed = new Map<Stage, PackedConv>();
    const productsOf = productsRule(this.#plan, precision);
    for (const stage of this.#plan.stages) {
      if (stage.kind !== 'conv') continue;
      const cin = storedChannels(this.#plan.stages, stage.input, stage.conv.cin);
      packed.set(stage, packConv(machine, network, stage, cin, productsOf(stage)));
    }
    this.#packed = packed;
  }

  *run(
    source: RowSource,
    sink: RowSink,
    wanted?: WantedRows,
    folded?: FoldedPool,
  ): Generator<number, void, void> {
    const { memory } = this.#machine;
    if (folded !== undefined) {
      // The plan of a block begins with its pool.
      repackPool(memory, this.#packed.get(this.#plan.stages[0]) as PackedConv, folded);
    }
    const mark = memory.mark();
    try {
      const shapes = this.#plan.shapes([source.channels, source.height, source.width]);
      const [, height] = shapes[shapes.length - 1];
      const span = wanted ?? { first: 0, end: height };
      const { rings, runners } = this.#allocate(shapes, span);
      const last = rings.length - 1;
      const read = outputRows(this.#machine, rings[last], shapes[last][0], wanted?.asBytes);
      for (const { stage, map, span: rows } of schedule(this.#plan, shapes, span)) {
        let work = 0;
        if (stage === undefined) {
          for (let y = rows.first; y < rows.end; y++) {
            source.read(y, rings[0].pixels(memory, y), rings[0].channels);
          }
        } else {
          (runners.get(stage) as StageRunner)(rows);
          work = stageWork(stage, rows.end - rows.first, rings[map].width);
        }
        if (map === last) {
          for (let y = Math.max(rows.first, span.first); y < Math.min(rows.end, span.end); y++) {
            sink(y, read(y), rings[map].channels);
          }
        }
        yield work;
      }
    } finally {
      memory.release(mark);
    }
  }

  /**
   * The rings' sizes. They are kept for the next run if its shape is equal: finding them takes up
   * to 1 % of it.
   */
  #ringRows(shapes: ReturnType<Plan['shapes']>, span: Span): readonly number[] {
    const key = `${shapes[0]} ${span.first} ${span.end}`;
    if (this.#lastRings?.key !== key) {
      this.#lastRings = { key, rows: ringRows(this.#plan, shapes, span) };
    }
    return this.#lastRings.rows;
  }

  /** Allocates a ring for each map and the buffers of the stages, and prepares the stages. */
  #allocate(shapes: ReturnType<Plan['shapes']>, span: Span) {
    const { memory, kernels } = this.#machine;
    const { stages } = this.#plan;
    const stored = shapes.map(
      ([channels, height, width], map) =>
        [storedChannels(stages, map, channels), height, width] as const,
    );
    const widest = Math.max(...stored.map(([channels, , width]) => rowCount(channels, width)));
    const zeroRowPtr = memory.allocate('row of zeros', widest * F32_BYTES);
    memory.f32(zeroRowPtr, widest).fill(0);
    const jobsPtr = memory.allocate('jobs', stages.length * STAGE_JOBS_BYTES);
    const workspace = allocateWorkspace(memory, stages, widest * F32_BYTES);
    const alive = this.#ringRows(shapes, span);
    // Only the source's rows may be written with gaps, if fewer channels are true than stored.
    const rings = stored.map(
      (shape, map) => new Ring(memory, shape, alive[map], zeroRowPtr, map === 0),
    );
    const runners = new Map<Stage, StageRunner>();
    for (const [n, stage] of stages.entries()) {
      const add = stage.kind === 'conv' && stage.add !== undefined ? rings[stage.add] : undefined;
      const context = {
        memory,
        kernels,
        workspace,
        jobPtr: jobsPtr + n * STAGE_JOBS_BYTES,
        input: rings[stage.input],
        output: rings[stage.output],
        add,
        packed: this.#packed.get(stage),
        cin: shapes[stage.input][0],
        cout: shapes[stage.output][0],
      };
      runners.set(stage, prepareStage(stage, context));
    }
    return { rings, runners };
  }
}
