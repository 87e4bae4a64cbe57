// The system's browsers, started without a driver between, on a profile of their own that is empty.
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * WebGPU is off in Chromium on Linux unless asked for, and without a card there is only the
 * software adapter; a canvas costs it its device unless all else is drawn by that adapter too.
 */
export const CHROMIUM_WEBGPU = [
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
  '--enable-features=Vulkan',
  '--use-vulkan=swiftshader',
  '--use-angle=vulkan',
  '--disable-vulkan-surface',
];

/** No page but ours: nothing that greets, asks, measures or looks for updates. */
const FIREFOX_PREFERENCES = {
  'browser.aboutwelcome.enabled': false,
  'browser.shell.checkDefaultBrowser': false,
  'browser.startup.homepage_override.mstone': 'ignore',
  'datareporting.policy.dataSubmissionEnabled': false,
  'toolkit.telemetry.reportingpolicy.firstRun': false,
  'app.normandy.enabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
};

/** Firefox takes Vulkan's adapter, which is Mesa's llvmpipe where there is no card. */
const FIREFOX_WEBGPU = { 'dom.webgpu.enabled': true, 'gfx.webgpu.ignore-blocklist': true };

const NAMES = {
  chromium: ['chromium', 'chromium-browser', 'google-chrome'],
  firefox: ['firefox-esr', 'firefox'],
};

/**
 * @param {keyof typeof NAMES} browser
 * @returns the program's name, or undefined where this machine has none
 */
export const browserProgram = (browser) =>
  NAMES[browser].find((name) => spawnSync(name, ['--version']).status === 0);

/**
 * What a browser is started with, before the page's address.
 *
 * @param {keyof typeof NAMES} browser
 * @param {string} profile  an empty folder, which gets what the browser reads from there
 * @param {object} [options]
 * @param {boolean | undefined} [options.webgpu]  with WebGPU, on whatever adapter there is
 * @param {Readonly<Record<string, unknown>> | undefined} [options.preferences]  more of Firefox's
 */
export function browserArguments(
  browser,
  profile,
  { webgpu = false, preferences: more = {} } = {},
) {
  if (browser === 'firefox') {
    const preferences = { ...FIREFOX_PREFERENCES, ...(webgpu ? FIREFOX_WEBGPU : {}), ...more };
    const lines = Object.entries(preferences).map(
      ([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`,
    );
    writeFileSync(join(profile, 'user.js'), lines.join(''));
    return ['--headless', '--no-remote', '--profile', profile];
  }
  return [
    '--headless=new',
    // As root, which Docker and CI are, its sandbox does not start.
    '--no-sandbox',
    ...(webgpu ? CHROMIUM_WEBGPU : ['--disable-gpu']),
    '--disable-dev-shm-usage',
    '--no-first-run',
    `--user-data-dir=${profile}`,
  ];
}
