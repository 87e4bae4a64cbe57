import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { browserArguments, browserProgram } from './browsers.mjs';

/*
 * A browser that opens one page after the other, without a driver: its first page asks for the
 * addresses of the others. A start takes Chromium 5 s and Firefox 12 s on a busy machine, which is
 * longer than most tests on a page.
 */

export type BrowserName = 'chromium' | 'firefox';

/** How a browser is started. */
export interface BrowserOptions {
  /** With WebGPU, on whatever adapter the browser has: of Chromium its software adapter. */
  readonly webgpu?: boolean | undefined;
  /** More preferences of Firefox, by their names. */
  readonly preferences?: Readonly<Record<string, unknown>> | undefined;
  /** Fills the profile. @returns more arguments */
  readonly prepare?: (profile: string) => readonly string[];
}

/** Firefox opens and closes pages that nobody has clicked for. */
const OPENS_PAGES = {
  'dom.disable_open_during_load': false,
  'dom.allow_scripts_to_close_windows': true,
};

/** Opens each page in a tab of its own, of which it knows nothing. */
const FIRST_PAGE = `<!doctype html><script type="module">
  for (;;) {
    const address = await (await fetch('/next')).text();
    if (address !== '') open(address, '_blank', 'noopener');
  }
</script>`;

/** Firefox ends requests without an answer after 300 s. */
const ASK_AGAIN_MS = 60_000;

export interface RunningBrowser {
  /** How it ended, in words. */
  readonly ended: Promise<string>;
  /** Opens a page. The page closes itself. */
  open(address: string): void;
  end(): Promise<void>;
}

export async function startBrowser(
  name: BrowserName,
  { prepare = () => [], preferences, webgpu }: BrowserOptions,
): Promise<RunningBrowser> {
  const addresses: string[] = [];
  let asking: ServerResponse | undefined;
  const answer = (address = '') => {
    asking?.end(address);
    asking = undefined;
  };
  const server = createServer((request, response) => {
    if (request.url !== '/next') {
      response.setHeader('content-type', 'text/html').end(FIRST_PAGE);
      return;
    }
    asking = response;
    if (addresses.length > 0) answer(addresses.shift());
    else setTimeout(() => response === asking && answer(), ASK_AGAIN_MS).unref();
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  const profile = mkdtempSync(join(tmpdir(), `taesd-${name}-`));
  const args = browserArguments(name, profile, {
    webgpu,
    preferences: { ...OPENS_PAGES, ...preferences },
  });
  if (name === 'chromium') args.push('--disable-popup-blocking');
  args.push(...prepare(profile), `http://127.0.0.1:${port}/`);
  // In a process group of its own, so that its helpers end with it and leave the profile alone.
  const browser = spawn(browserProgram(name) ?? '', args, {
    stdio: 'ignore',
    detached: true,
    env: { ...process.env, HOME: profile, MOZ_CRASHREPORTER_DISABLE: '1' },
  });
  const ended = new Promise<string>((resolve) => {
    browser.on('error', ({ message }) => resolve(`the browser did not start: ${message}`));
    browser.on('close', (code) => resolve(`the browser ended with code ${code}`));
  });
  return {
    ended,
    open(address) {
      addresses.push(address);
      if (asking !== undefined) answer(addresses.shift());
    },
    async end() {
      const isRunning = browser.exitCode === null && browser.signalCode === null;
      if (browser.pid !== undefined && isRunning) process.kill(-browser.pid, 'SIGKILL');
      await ended;
      server.closeAllConnections();
      server.close();
      rmSync(profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
    },
  };
}
