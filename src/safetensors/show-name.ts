/**
 * A name from a file, made fit for one line of an error message: control and direction characters
 * (a terminal would obey them) as `\uXXXX`, and cut after 60 characters.
 */
export function showName(name: string): string {
  const short = name.length > 60 ? `${name.slice(0, 60)}…` : name;
  return JSON.stringify(short)
    .slice(1, -1)
    .replace(/[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, escaped);
}

const escaped = (char: string): string => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** The first few of many names: `a, b, c and 7 more`. */
export function showNames(names: readonly string[], most = 5): string {
  const shown = names.slice(0, most).map(showName).join(', ');
  return names.length > most ? `${shown} and ${names.length - most} more` : shown;
}
