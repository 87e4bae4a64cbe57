import { installRuntimes } from './runtimes/install.mjs';

/**
 * CI's Deno, which two files of tests ask for: installed before either of them runs, as two of npm
 * in one folder get in each other's way. Where it cannot be had those tests fail and say so.
 */
export default async function installDeno(): Promise<void> {
  if (process.env.CI) await installRuntimes(['deno']);
}
