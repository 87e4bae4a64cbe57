import { installRuntimes } from './runtimes/install.mjs';

const RECIPES = ['react', 'react-dom', 'vue', 'p5', 'onnxruntime-web'];

/**
 * CI's Deno, which two files of tests ask for, and the packages of the recipes: installed before
 * any of them runs, as two of npm in one folder get in each other's way. Where one cannot be had,
 * its tests fail and say so.
 */
export default async function installDeno(): Promise<void> {
  if (process.env.CI) await installRuntimes(['deno', ...RECIPES]);
}
