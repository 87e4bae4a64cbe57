// Chromium and Firefox, of the system, without a driver between: a page is opened, and posts what
// it found.
import { spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { browserArguments } from '../browsers.mjs';
import { serve } from './server.mjs';
import { start, withinSeconds } from './spawn.mjs';

/**
 * What page.mjs does on purpose at its end; Firefox names the address of a blob, Chromium its
 * scheme.
 */
const MADE_ON_PURPOSE = [/^script-src(-elem)? eval$/, /^worker-src blob/];

/**
 * @param page     path of the page
 * @param folders  what is served
 * @param place    the profile goes beside it, and ends with it
 */
export async function runBrowser({ browser, program, page, folders, place }) {
  const server = await serve(folders);
  const profile = mkdtempSync(join(place, '..', `${browser}-`));
  // Killed, a browser leaves what it had in the folder for temporary files.
  const folder = { HOME: profile, TMPDIR: profile };
  const env = { ...process.env, ...folder, MOZ_CRASHREPORTER_DISABLE: '1' };
  const args = browserArguments(browser, profile);
  const running = start(program, [...args, `http://127.0.0.1:${server.port}${page}`], { env });
  try {
    const died = running.ended.then(({ code }) => {
      throw new Error(`the browser ended with ${code}: ${running.words()}`);
    });
    const result = await withinSeconds(180, Promise.race([server.result, died]));
    if (result.failure !== undefined) {
      throw new Error([result.failure, ...server.violations].join('; blocked: '));
    }
    await reported(server.violations);
    return {
      ...result,
      // What pages are told is rounded.
      version: /\d+\.[\d.]+\w*/.exec(spawnSync(program, ['--version']).stdout.toString())[0],
      checks: [...result.checks, violationsCheck(server.violations)],
    };
  } finally {
    await running.kill();
    server.close();
  }
}

/** Reports come when the browser likes. */
async function reported(violations) {
  const patience = Date.now() + 5000;
  while (violations.length < MADE_ON_PURPOSE.length && Date.now() < patience) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function violationsCheck(violations) {
  const unexpected = violations.filter((text) => !MADE_ON_PURPOSE.some((made) => made.test(text)));
  const missing = MADE_ON_PURPOSE.filter((made) => !violations.some((text) => made.test(text)));
  return {
    name: 'policy: violations beside the two made on purpose',
    pass: unexpected.length === 0 && missing.length === 0,
    value:
      [...unexpected, ...missing.map((made) => `no report of ${made.source}`)].join(', ') || 'none',
    bound: 'none',
  };
}
