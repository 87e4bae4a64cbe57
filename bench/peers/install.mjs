// Installs the peers beside their package.json if a version is missing. Their install scripts,
// which download, are not run.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const HERE = new URL('./', import.meta.url);

/**
 * @param folder  the folder of the package.json
 * @returns the installed version of each peer, by package name; undefined if it is missing
 */
export function installPeers(folder = HERE) {
  const readJson = (path) => JSON.parse(readFileSync(new URL(path, folder), 'utf8'));
  const installed = (name) => {
    try {
      return readJson(`node_modules/${name}/package.json`);
    } catch {
      return undefined;
    }
  };
  const wanted = readJson('package.json').dependencies;
  const complete = Object.entries(wanted).every(
    ([name, version]) => installed(name)?.version === version,
  );
  if (!complete) {
    const args = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
    const stdio = ['ignore', process.stderr, process.stderr];
    spawnSync('npm', args, { cwd: fileURLToPath(folder), stdio });
  }
  return Object.fromEntries(Object.keys(wanted).map((name) => [name, installed(name)?.version]));
}
