/** This file's address, its own text, and its name, which the build puts here. */
declare const TAESD_HERE: string;
declare const TAESD_WHOLE: (here: string) => unknown;
declare const TAESD_NAME: string;

/** Returns the address that this file was loaded from. */
export const here = (): string => TAESD_HERE;

/** Returns the name that the package gives this file. */
export const fileName = (): string => TAESD_NAME;

/**
 * Returns the code of this file as a script. The whole file is one function, whose text the runtime
 * knows, so a worker needs neither a request nor a second copy of the code.
 */
export const wholeText = (): string => `(${TAESD_WHOLE})(${JSON.stringify(TAESD_HERE)})`;

/** Returns the address of another file of the package, for messages. */
export function besideHere(name: string): string {
  try {
    const url = new URL(name, here());
    if (/^https?:$/.test(url.protocol)) return url.href;
  } catch {
    // A bundler's code may not know its own address.
  }
  return `dist/${name}`;
}
