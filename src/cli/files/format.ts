import { extname } from 'node:path';
import { orList } from '../../checks.ts';
import { onOneLine } from '../../errors.ts';
import { expectedGot, usageError } from '../terminal/faults.ts';

/** A format that a file's ending can choose. */
export interface Format {
  /** In lower case; messages name the first one. */
  readonly endings: readonly string[];
  /** The content in a few words. */
  readonly holds: string;
}

/**
 * Returns the format of a path's ending. Capitals do not matter.
 *
 * @throws UsageError (another ending)
 */
export function formatOf<T extends Format>(
  path: string,
  formats: readonly T[],
  command: string,
): T {
  const ending = extname(path).toLowerCase();
  const format = formats.find(({ endings }) => endings.includes(ending));
  if (format !== undefined) return format;
  const known = formats.flatMap(({ endings: [first], holds }) =>
    first === undefined ? [] : `${first} (${holds})`,
  );
  const rule = `the ending ${orList(known)}`;
  const sentence = expectedGot(rule, ending === '' ? 'no ending' : ending);
  throw usageError(command, `-o: ${onOneLine(path)}: ${sentence}`);
}

/** Returns the endings of formats for help: `.png or .safetensors`. */
export const endingsOf = (formats: readonly Format[]): string =>
  orList(formats.flatMap(({ endings }) => endings));
