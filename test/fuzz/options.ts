import { parseArgs } from 'node:util';

/** A command line of `npm run fuzz`. */
export interface FuzzOptions {
  /** All if there are none. */
  readonly targets: readonly string[];
  readonly minutes: number;
  readonly seed: number | undefined;
  /** The number of executions to end at, counted from the seed's first one. */
  readonly executions: number;
  readonly corpus: string;
  readonly replay: string | undefined;
  /** True in the process that a supervisor started for one target. */
  readonly supervised: boolean;
}

export const USAGE = `npm run fuzz [-- TARGET… --minutes N --seed S --executions N --corpus DIR]
npm run fuzz -- TARGET --replay FILE

Runs each TARGET (all if none is named, two at a time) for N minutes (default: 5). State and corpus
are in DIR (default: test/fuzz/state), and a second run goes on with both. --seed S begins anew with
the corpus that is there: equal seeds and corpora make equal inputs. Faults are saved in
DIR/findings; the exit code is 1 if there are any. --replay runs one input, and prints its outcome.
`;

/** @throws TypeError (not understood) */
export function readOptions(args: readonly string[], folder: string): FuzzOptions {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      minutes: { type: 'string', default: '5' },
      seed: { type: 'string' },
      executions: { type: 'string' },
      corpus: { type: 'string', default: folder },
      replay: { type: 'string' },
      supervised: { type: 'boolean', default: false },
    },
  });
  const number = (name: 'minutes' | 'seed' | 'executions'): number | undefined => {
    const text = values[name];
    if (text === undefined) return undefined;
    const value = Number(text);
    if (text !== '' && value >= 0 && value < 2 ** 53) return value;
    throw new TypeError(`--${name}: expected a number, got ${text}`);
  };
  if (values.replay !== undefined && positionals.length !== 1) {
    throw new TypeError(`--replay: expected one target, got ${positionals.length}`);
  }
  return {
    targets: positionals,
    minutes: number('minutes') as number,
    seed: number('seed'),
    executions: number('executions') ?? Infinity,
    corpus: values.corpus,
    replay: values.replay,
    supervised: values.supervised,
  };
}
