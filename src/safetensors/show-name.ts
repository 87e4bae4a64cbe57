import { escaped } from '../errors.ts';

/** The longest part of a name that messages show. */
const MAX_SHOWN = 60;

/**
 * Returns a name from a file, fit for one line of a message. It is cut after 60 characters. Quotes
 * and backslashes are escaped as in JSON, so that the name may stand in quotes.
 */
export function showName(name: string): string {
  const short = name.length > MAX_SHOWN ? `${name.slice(0, MAX_SHOWN)}…` : name;
  return escaped(JSON.stringify(short).slice(1, -1));
}

/** Returns the first few of many names: `a, b, c and 7 more`. */
export function showNames(names: readonly string[], max = 5): string {
  const shown = names.slice(0, max).map(showName).join(', ');
  return names.length > max ? `${shown} and ${names.length - max} more` : shown;
}
