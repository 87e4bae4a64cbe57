import { expectedText } from '../errors.ts';
import { StoreRefusal } from './store.ts';

/** The name of a file of weights leads to anything but a file. */
export class NotAFile extends StoreRefusal {}

const MOVE_IT = 'move it away: a file of weights belongs there';

/**
 * Makes the error for a name that leads to anything but a file.
 *
 * @param path  the path of the name
 * @param kind  `a pipe`
 */
export function notAFile(path: string, name: string, kind: string): NotAFile {
  const remedy = { api: MOVE_IT, command: MOVE_IT };
  const reason = `${name} is ${kind}`;
  return new NotAFile('ARG', expectedText(path, 'a file', kind), { reason, remedy });
}
