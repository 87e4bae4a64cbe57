import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { nameOf } from './corpus.ts';
import { plain } from './outcome.ts';

/** An input that showed a fault. */
export interface Finding {
  readonly target: string;
  /** Equal for inputs that show the same fault. */
  readonly signature: string;
  readonly report: string;
  readonly input: Uint8Array;
}

/** Returns the kind of fault: an error's name, message and the first line of the package in it. */
export function signatureOf(error: unknown): string {
  if (!(error instanceof Error)) return `thrown ${typeof error}`;
  const line = error.stack?.split('\n').find((one) => /\/(?:dist|src)\/.*:\d+:\d+/.test(one));
  const place = line?.replace(/.*\/(?:dist|src)\//, '').replace(/:\d+\)?$/, '') ?? '';
  return `${error.name} ${plain(error.message)} ${place}`.trim();
}

/** Writes the input and a report beside it. @returns the file of the input */
export function saveFinding(folder: string, finding: Finding): string {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${finding.target}-${nameOf(finding.input)}`);
  writeFileSync(path, finding.input);
  const repeat = `npm run fuzz -- ${finding.target} --replay ${path}`;
  writeFileSync(`${path}.txt`, `${finding.signature}\n\n${finding.report}\n\n${repeat}\n`);
  return path;
}
