// npm run test:runtimes: the package, from its tarball in an empty folder, in every runtime that
// it promises to run in.
//   --only NAME[,NAME]  some of them; the names are in runtimes.mjs
//   --install           installs the runtimes and runs nothing
//   --json FILE         where the results go as JSON
// Fails where a check fails; where the variable CI is set, also where a runtime cannot be had.
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { installRuntimes } from './install.mjs';
import { report } from './report.mjs';
import { NotRun, RUNTIMES } from './runtimes.mjs';
import { makeWorkplace, missingShared } from './workplace.mjs';

const started = Date.now();
const progress = (text) =>
  console.error(`${((Date.now() - started) / 1000).toFixed(0).padStart(4)} s  ${text}`);

const options = {
  only: { type: 'string' },
  install: { type: 'boolean' },
  json: { type: 'string' },
};
const { only, install, json } = parseArgs({ options }).values;
const names = only?.split(',') ?? Object.keys(RUNTIMES);
const unknown = names.find((name) => !Object.hasOwn(RUNTIMES, name));
if (unknown !== undefined) {
  console.error(`--only: expected some of ${Object.keys(RUNTIMES).join(', ')}, got ${unknown}`);
  process.exit(2);
}
const needed = names.flatMap((name) => RUNTIMES[name].installs ?? []);
if (install) {
  await installRuntimes(needed);
  process.exit(0);
}
const missing = missingShared();
if (missing !== undefined) {
  console.error(
    `test:runtimes is not run: it needs golden tensors and weights, and there is no ${missing}`,
  );
  process.exit(process.env.CI ? 1 : 0);
}

progress('installing the runtimes, and beside it the package from its tarball in an empty folder');
const [installed, place] = await Promise.all([
  installRuntimes(needed),
  makeWorkplace().catch((error) => {
    console.error(`test:runtimes: no package to run: ${error.message}`);
    process.exit(1);
  }),
]);

/** An installed runtime's program. */
function program(name) {
  if (installed[name].program === undefined) throw new NotRun(installed[name].reason);
  return installed[name].program;
}

const found = new Map();
const isUntimed = (name) => RUNTIMES[name].isUntimed === true;
// Nothing else may take the cores while times are measured. The longest rows are last in the list:
// they start first, so that no core is left with one at the end.
await runRows(
  names.filter((name) => !isUntimed(name)),
  1,
);
await runRows(names.filter(isUntimed).reverse(), 2);
const rows = names.map((name) => found.get(name));
compare(rows);

if (json !== undefined) writeFileSync(json, `${JSON.stringify(rows, null, 2)}\n`);
progress('done\n');
console.log(report(rows));
const failed = rows.some(
  ({ notRun, error, checks = [] }) =>
    error !== undefined ||
    (notRun !== undefined && process.env.CI) ||
    checks.some(({ pass }) => !pass),
);
process.exit(failed ? 1 : 0);

/** Runs rows, so many at a time, in their order. */
async function runRows(waiting, atOnce) {
  const next = waiting.values();
  const lane = async () => {
    for (const name of next) found.set(name, await rowOf(name));
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
}

/** Runs a row. @returns what report.mjs shows */
async function rowOf(name) {
  const { title, note, slow, run } = RUNTIMES[name];
  progress(title);
  try {
    return { name, title, note, slow, ...(await run({ place, program })) };
  } catch (error) {
    const key = error instanceof NotRun ? 'notRun' : 'error';
    return { name, title, note, [key]: error.message };
  }
}

/** Each beside the first that ran: times against Node 20, and every bit that was computed. */
function compare(results) {
  const first = results.find(({ digests }) => digests !== undefined);
  const node = results.find(({ name }) => name === 'node20');
  for (const row of results) {
    if (row.digests === undefined) continue;
    if (node?.oneThreadMs !== undefined) row.ratio = row.oneThreadMs / node.oneThreadMs;
    if (row === first) continue;
    const common = Object.keys(row.digests).filter((what) => Object.hasOwn(first.digests, what));
    const differing = common.filter((what) => row.digests[what] !== first.digests[what]);
    row.checks.push({
      name: `bits that differ from ${first.title}`,
      pass: differing.length === 0,
      value: differing.join(', ') || 'none',
      bound: 'none',
    });
  }
}
