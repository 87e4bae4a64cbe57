import type { Step } from 'taesd-wasm';
import { placeOf } from './names.ts';
import { nextTask } from './next-task.ts';
import type { StepView } from './protocol.ts';
import { view } from './view.ts';

/**
 * The most bytes of maps from inside a block that are kept beside those that a pixel's sum needs.
 */
const INNER_BYTES = 160 * 2 ** 20;

/** The places that a number of a block is the sum of: they are kept at any size. */
const NEEDED = new Set(['conv.4', 'add', 'x+past', '0', '1']);

/** An operation inside a block, whether its map is kept or not. */
interface Fact {
  readonly name: string;
  readonly isRelu: boolean;
  /** It reads what the operation before it has made. */
  readonly follows: boolean;
}

/** The inside of one block while it is computed, and after it. */
export class Inside {
  readonly block: string;
  /** Settles when all operations have run. */
  readonly done: Promise<void>;
  /**
   * Somebody waits for the views of all operations: a request for another block does not end the
   * work.
   */
  isOpening = false;
  readonly #abort = new AbortController();
  readonly #kept = new Map<string, Step>();
  readonly #facts: Fact[] = [];
  /** Undefined if the views are not wanted. */
  readonly #views: StepView[] | undefined;

  /**
   * @param outer      the block
   * @param wantsViews whether `views` will be asked for
   */
  constructor(outer: Step, wantsViews: boolean) {
    this.block = outer.name;
    this.#views = wantsViews ? [] : undefined;
    this.isOpening = wantsViews;
    this.done = this.#compute(outer);
    // Each who waits hears of it. If nobody does, it is no news.
    this.done.catch(() => undefined);
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  end(): void {
    this.#abort.abort();
  }

  /** A step, if its map is kept. */
  kept(name: string): Step | undefined {
    return this.#kept.get(name);
  }

  has(name: string): boolean {
    return this.#facts.some((fact) => fact.name === name);
  }

  /** All steps' views; undefined if a map that they need was dropped. */
  async views(): Promise<readonly StepView[] | undefined> {
    if (this.#views !== undefined) return this.#views;
    if (this.#kept.size < this.#facts.length) return undefined;
    const views: StepView[] = [];
    for (const step of this.#kept.values()) {
      views.push(view(step, this.block));
      // A view of a large map takes some 15 ms.
      await nextTask();
    }
    return views;
  }

  /** True if a ReLU reads what this operation has made, and comes right after it. */
  isBeforeRelu(name: string): boolean {
    const next = this.#facts[this.#facts.findIndex((fact) => fact.name === name) + 1];
    return next?.isRelu === true && next.follows;
  }

  async #compute(outer: Step): Promise<void> {
    let bytes = 0;
    let last: Step | undefined;
    for await (const step of outer.inner({ signal: this.signal })) {
      const { name, layer, inputs, output } = step;
      const follows = last !== undefined && inputs[0] === last.output;
      this.#facts.push({ name, isRelu: layer.kind === 'relu', follows });
      this.#views?.push(view(step, this.block));
      last = step;
      if (!NEEDED.has(placeOf(name).place ?? '')) {
        if (bytes + output.data.byteLength > INNER_BYTES) continue;
        bytes += output.data.byteLength;
      }
      this.#kept.set(name, step);
    }
  }
}
