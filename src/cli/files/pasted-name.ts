import { onOneLine, TaesdError } from '../../errors.ts';
import { STREAM } from './read-input.ts';

/*
 * The command lines of other programs in messages, such as "magick in.gif[0] out.png".
 */

/** Writes the name of a file in place of `in.gif`, so that the line can be pasted. */
export function pastedName(path: string, text: string): string {
  if (path === STREAM) return text;
  return text.replace(
    /(?<=")([a-z0-9_-]+ [^"]*?)\bin\.[a-z0-9]+(\[0\])?(?= )/g,
    (_, before, frame) => {
      return `${before}${quoted(`${path}${frame ?? ''}`)}`;
    },
  );
}

/** Does so in the sentence of an error. */
export function withPastedName(path: string, error: unknown): unknown {
  if (!(error instanceof TaesdError)) return error;
  const { code, sentence, remedy } = error;
  return new TaesdError(code, pastedName(path, sentence), { cause: error, remedy });
}

/** Returns a name as a shell reads it. */
function quoted(name: string): string {
  const plain = name.startsWith('-') ? `./${name}` : name;
  if (/^[\w./-]+$/.test(plain)) return plain;
  return `'${onOneLine(plain).replaceAll("'", "'\\''")}'`;
}
