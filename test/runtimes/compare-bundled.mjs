// Compares the findings of a bundled program with those of the program without a bundler.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';
import { browserProgram } from '../browsers.mjs';

/** Why no worker starts in a bundle of one file, and the remedy. */
const NO_WORKERS = /a worker could not start \(.*external in other bundlers\)$/;
/** Why nano cannot be loaded in such a bundle, and the remedies. */
const NO_NANO = /the package's nano\.js, got .*taesd-wasm\/nano;.*serverExternalPackages/;

/** Loads the package where it is installed; `subpath` is that of its `dist/`. */
export const installedModule = (place, subpath) =>
  import(pathToFileURL(join(place, 'node_modules/taesd-wasm/dist', subpath)).href);

/** @returns what the program finds without a bundler */
export async function unbundled(place) {
  const { examine } = await import(pathToFileURL(join(place, 'bundled/examine.mjs')).href);
  const { Taesd } = await installedModule(place, 'index.js');
  return examine(() => Taesd.load({ model: 'nano', workers: 2 }));
}

/**
 * Makes the checks of what a bundled program found.
 *
 * @param wanted   what the program finds without a bundler
 * @param workers  the workers that start; 0: those that cannot, 'none wanted': none is asked for
 */
export function examined(name, found, wanted, workers = 2) {
  const { digest, error, workersReason } = found;
  const isReason = workers === 0 ? NO_WORKERS.test(workersReason) : workersReason === undefined;
  return [
    check(`${name}: bytes as without a bundler`, digest === wanted.digest, error ?? digest),
    check(
      `${name}: workers`,
      isReason && found.workers === (workers === 'none wanted' ? 0 : workers),
      workersReason ?? found.workers,
    ),
  ];
}

/** Makes the check of a program that cannot find nano: its error names the remedies. */
export const namesRemedy = (name, { error, digest }) =>
  check(`${name}: the error names the remedies`, NO_NANO.test(error), error ?? digest);

function check(name, pass, value) {
  return { name, pass, value, bound: 'that of the package without a bundler, or the remedy' };
}

/**
 * Opens a page in Chromium and waits for what its program finds.
 *
 * @param more  runs on the page after that
 * @returns { found, more, faults }: faults are the page's errors
 */
export async function onChromium(address, more = () => undefined) {
  const { stdout } = spawnSync('which', [browserProgram('chromium')], { encoding: 'utf8' });
  const executablePath = stdout.trim();
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  try {
    const page = await browser.newPage();
    const faults = [];
    page.on('pageerror', (error) => faults.push(error.message));
    await page.goto(address);
    await page.waitForFunction(() => 'examined' in globalThis, undefined, { timeout: 60_000 });
    const found = await page.evaluate(() => globalThis.examined);
    return { found, more: await page.evaluate(more), faults };
  } finally {
    await browser.close();
  }
}
