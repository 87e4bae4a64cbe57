import { Corpus, type State } from './corpus.ts';
import { Coverage } from './coverage.ts';
import { type Cost, costOf, type Execution, execute, faultOfCost } from './execution.ts';
import { type Finding, signatureOf } from './finding.ts';
import { collect, MAX_MS, peakBytes, resetPeak } from './measure.ts';
import { minimise } from './minimise.ts';
import { Random } from './random.ts';
import { MAX_INPUT, type SharedInput } from './shared.ts';
import { type Target, WrongResult } from './target.ts';

/** A rise of the peak in a batch from which on an input is measured alone. */
const NOTEWORTHY_BYTES = 48e6;
/**
 * A time from which on an input that is slower than all before is measured alone. The time of a
 * collection of garbage or of a compilation is then left out.
 */
const NOTEWORTHY_MS = 5;
const DEFAULT_MAX_BYTES = 2 ** 15;
/** One input in so many is made from nothing. */
const FRESH = 12;
/** Inputs that are kept together if one of them is to be kept. */
const FEW = 2;
/** Outcomes in words that count as coverage. */
const MAX_OUTCOMES = 5000;

type Fault = NonNullable<Execution['fault']>;

/** The news that a campaign's thread sends. */
export type News =
  | {
      readonly kind: 'state';
      readonly state: State;
      readonly corpus: number;
      readonly size: number;
    }
  | { readonly kind: 'finding'; readonly finding: Finding }
  | { readonly kind: 'end' };

export interface LoopOptions {
  readonly target: Target;
  readonly folder: string;
  readonly state: State;
  /** The time to end at, as `Date.now()` returns it. */
  readonly until: number;
  /** The number of executions to end at. */
  readonly executions: number;
  readonly shared: SharedInput;
  readonly send: (news: News) => void;
}

/** Runs a campaign to its end. */
export async function runLoop(options: LoopOptions): Promise<void> {
  await options.target.prepare?.();
  const loop = new Loop(options);
  await loop.run();
  await options.target.end?.();
}

class Loop {
  readonly #options: LoopOptions;
  readonly #corpus: Corpus;
  readonly #coverage = new Coverage();
  readonly #outcomes = new Set<string>();
  readonly #signatures = new Set<string>();
  #state: State;
  #sent = 0;

  constructor(options: LoopOptions) {
    this.#options = options;
    this.#state = options.state;
    this.#corpus = new Corpus(options.folder);
  }

  async run(): Promise<void> {
    const { target, until, executions, send } = this.#options;
    await target.check?.(false);
    this.#coverage.start();
    const known = this.#corpus.inputs.length > 0 ? [...this.#corpus.inputs] : target.seeds();
    // All seeds are kept: they are few, and each is of another kind.
    for (const input of known) {
      this.#isNewOutcome(await this.#execute(input, false));
      this.#corpus.add(input);
    }
    this.#coverage.add(this.#coverage.read());
    while (Date.now() < until && this.#state.executions < executions) {
      await this.#runBatch(this.#makeBatch());
      await this.#check(false);
      if (Date.now() - this.#sent > 1000) this.#sendState();
    }
    await this.#check(true);
    this.#sendState();
    this.#coverage.stop();
    send({ kind: 'end' });
  }

  #sendState(): void {
    this.#sent = Date.now();
    const [corpus, { size }] = [this.#corpus.inputs.length, this.#coverage];
    this.#options.send({ kind: 'state', state: this.#state, corpus, size });
  }

  /** Inputs are made before the batch is run, so that they depend on nothing but the corpus. */
  #makeBatch(): Uint8Array[] {
    const { target } = this.#options;
    const { seed, executions } = this.#state;
    return Array.from({ length: target.batch }, (_, i) =>
      this.#make(new Random(seed, executions + i)),
    );
  }

  #make(random: Random): Uint8Array {
    const { target } = this.#options;
    const { inputs } = this.#corpus;
    const limit = Math.min(MAX_INPUT, target.maxBytes ?? DEFAULT_MAX_BYTES);
    if (random.oneIn(FRESH)) return target.generate(random).subarray(0, limit);
    // New inputs are picked more often: much of what is behind them was not tried.
    const at = random.oneIn(3)
      ? inputs.length - 1 - random.small(inputs.length)
      : random.below(inputs.length);
    return target.mutate(random, inputs[at], random.pick(inputs)).subarray(0, limit);
  }

  async #runBatch(inputs: readonly Uint8Array[]): Promise<void> {
    const { target } = this.#options;
    let peak = resetPeak();
    const interesting = new Set<Uint8Array>();
    this.#coverage.read();
    for (const input of inputs) {
      const execution = await this.#execute(input, true);
      if (this.#isNewOutcome(execution)) interesting.add(input);
      const now = peakBytes();
      const known = Math.min(this.#state.slowestMs, (target.maxMs ?? MAX_MS) / 2);
      const isSlow = execution.ms > Math.max(NOTEWORTHY_MS, known);
      if (now - peak > NOTEWORTHY_BYTES || isSlow) {
        await this.#measure(input);
        collect();
        peak = resetPeak();
      } else peak = Math.max(peak, now);
    }
    const all = this.#coverage.read();
    if (this.#coverage.isNew(all)) {
      // A new outcome mostly comes with new code. A look at the coverage takes some ms, so these
      // inputs are looked at together, and the others only if there is still something new.
      for (const input of interesting) await this.#again(input);
      this.#coverage.add(this.#coverage.read());
      if (this.#coverage.isNew(all)) {
        const others = inputs.filter((input) => !interesting.has(input));
        for (const input of await this.#newOnes(others)) interesting.add(input);
      }
      // Code that ran once, such as a cache's, belongs to no input.
      this.#coverage.add(all);
    }
    for (const input of interesting) this.#corpus.add(input);
  }

  /** Finds the inputs that run something for the first time, by halves. */
  async #newOnes(inputs: readonly Uint8Array[]): Promise<Uint8Array[]> {
    if (inputs.length === 0) return [];
    this.#coverage.read();
    for (const input of inputs) await this.#again(input);
    const counts = this.#coverage.read();
    if (!this.#coverage.isNew(counts)) return [];
    if (inputs.length > FEW) return this.#newOnesOfHalves(inputs);
    this.#coverage.add(counts);
    return [...inputs];
  }

  async #newOnesOfHalves(inputs: readonly Uint8Array[]): Promise<Uint8Array[]> {
    const middle = inputs.length >> 1;
    const first = await this.#newOnes(inputs.slice(0, middle));
    return [...first, ...(await this.#newOnes(inputs.slice(middle)))];
  }

  async #execute(input: Uint8Array, counts: boolean): Promise<Execution> {
    const { target, shared } = this.#options;
    const { executions, total } = this.#state;
    shared.set(executions, input);
    const execution = await execute(target, input);
    if (counts) this.#state = { ...this.#state, executions: executions + 1, total: total + 1 };
    if (execution.fault !== undefined) await this.#report(input, execution.fault);
    return execution;
  }

  /** Runs an input that was run before. */
  #again(input: Uint8Array): Promise<Execution> {
    const { target, shared } = this.#options;
    shared.set(this.#state.executions, input);
    return execute(target, input);
  }

  #isNewOutcome({ outcome }: Execution): boolean {
    if (this.#outcomes.has(outcome) || this.#outcomes.size >= MAX_OUTCOMES) return false;
    this.#outcomes.add(outcome);
    return true;
  }

  async #measure(input: Uint8Array): Promise<void> {
    const { target } = this.#options;
    const cost = await this.#costOf(input);
    this.#note(cost.ms, cost.bytes);
    const fault = faultOfCost(target, cost);
    if (fault !== undefined) await this.#report(input, fault);
  }

  #costOf(input: Uint8Array): Promise<Cost> {
    const { target, shared } = this.#options;
    return costOf(target, input, () => shared.set(this.#state.executions, input));
  }

  #note(ms: number, bytes: number): void {
    const { slowestMs, largestBytes } = this.#state;
    if (ms <= slowestMs && bytes <= largestBytes) return;
    this.#state = {
      ...this.#state,
      slowestMs: Math.max(ms, slowestMs),
      largestBytes: Math.max(bytes, largestBytes),
    };
  }

  async #report(input: Uint8Array, { signature, report }: Fault): Promise<void> {
    if (this.#signatures.has(signature)) return;
    this.#signatures.add(signature);
    const { target, send } = this.#options;
    const isOfCost = signature === 'slow' || signature === 'large';
    const shows = async (candidate: Uint8Array): Promise<boolean> => {
      const fault = isOfCost
        ? faultOfCost(target, await this.#costOf(candidate))
        : (await this.#again(candidate)).fault;
      return fault?.signature === signature;
    };
    const least = await minimise(target, input, shows);
    send({ kind: 'finding', finding: { target: target.name, signature, report, input: least } });
  }

  /** Checks that the package still does what it did before the campaign. */
  async #check(isLast: boolean): Promise<void> {
    const { target, shared } = this.#options;
    try {
      await target.check?.(isLast);
    } catch (error) {
      const known = error instanceof WrongResult ? error.input : undefined;
      const place = known ? '' : 'after some input of the batch that ended with this one: ';
      const fault = { signature: signatureOf(error), report: `${place}${error}` };
      await this.#report(known ?? shared.input, fault);
    }
  }
}
