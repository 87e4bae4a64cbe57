// node tools/serve.mjs
// Runs the bundle in out/ on workerd, at config.capnp's address, until it is stopped.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { workerdPath } from './install.mjs';

const config = fileURLToPath(new URL('../config.capnp', import.meta.url));
const program = workerdPath();
const [, address] = /address = "\*?([^"]+)"/.exec(readFileSync(config, 'utf8'));
console.log(`http://127.0.0.1:${address.split(':').at(-1)}/  (Ctrl+C stops it)`);
const child = spawn(program, ['serve', config], { stdio: 'inherit' });
for (const name of ['SIGINT', 'SIGTERM']) process.on(name, () => child.kill(name));
child.on('exit', (code) => {
  process.exitCode = code ?? 0;
});
