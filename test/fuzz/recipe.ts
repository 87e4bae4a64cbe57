import { utf8 } from '../bytes.ts';
import type { Random } from './random.ts';

/*
 * Inputs that are not bytes by nature are JSON: a command line, the arguments of a call, a recipe
 * for a file that is too large to be kept.
 */

export const written = (value: unknown): Uint8Array => utf8(JSON.stringify(value));

/** Returns the JSON of an input; undefined if it is none. */
export function read<T>(input: Uint8Array): T | undefined {
  try {
    return JSON.parse(new TextDecoder().decode(input)) as T;
  } catch {
    return undefined;
  }
}

export const shown = (input: Uint8Array): string => new TextDecoder().decode(input);

/** Yields the JSON without each of its parts, the largest first. */
export function* smallerJson(input: Uint8Array): Generator<Uint8Array> {
  const root = read<unknown>(input);
  for (const value of smallerValues(root)) yield written(value);
}

function* smallerValues(value: unknown): Generator<unknown> {
  if (Array.isArray(value)) {
    for (const i of value.keys()) yield value.toSpliced(i, 1);
    for (const [i, one] of value.entries()) {
      for (const less of smallerValues(one)) yield value.with(i, less);
    }
  } else if (typeof value === 'object' && value !== null) {
    for (const key of Object.keys(value)) {
      yield Object.fromEntries(Object.entries(value).filter(([other]) => other !== key));
    }
    for (const [key, one] of Object.entries(value)) {
      for (const less of smallerValues(one)) yield { ...value, [key]: less };
    }
  } else if (typeof value === 'string' && value.length > 1) {
    yield value.slice(0, value.length >> 1);
    yield value.slice(value.length >> 1);
    for (let i = 0; i < Math.min(value.length, 40); i++)
      yield value.slice(0, i) + value.slice(i + 1);
  }
}

/** Changes a list: leaves out, repeats, exchanges, replaces or adds a part. */
export function changeList<T>(
  random: Random,
  list: T[],
  other: readonly T[],
  fresh: () => T,
): void {
  const at = random.below(list.length + 1);
  switch (random.below(6)) {
    case 0:
      list.splice(at, 1);
      return;
    case 1:
      if (list.length > 0) list.splice(at, 0, random.pick(list));
      return;
    case 2:
      if (other.length > 0) list.splice(at, random.below(2), random.pick(other));
      return;
    case 3: {
      if (list.length < 2) return;
      const [a, b] = [random.below(list.length), random.below(list.length)];
      [list[a], list[b]] = [list[b], list[a]];
      return;
    }
    default:
      list.splice(at, random.below(2), fresh());
  }
}
