// The table at the end, and under it what did not pass, and what is to be known of each runtime.

/** A runtime that takes longer than this, against Node 20, needs an explanation. */
const SLOW = 1.5;

const COLUMNS = [
  ['runtime', ({ title }) => title],
  ['version', ({ version }) => version ?? '–'],
  ['pass', passText],
  ['largest error', ({ largestError }) => largestError?.toExponential(1) ?? '–'],
  ['one thread', ({ oneThreadMs }) => ms(oneThreadMs)],
  ['× Node 20', ({ ratio }) => ratio?.toFixed(2) ?? '–'],
  ['2 workers', ({ threads, threadsMs }) => (threads > 1 ? ms(threadsMs) : '–')],
  ['threads', ({ threads }) => `${threads ?? '–'}`],
  ['abort', ({ abortMs }) => ms(abortMs)],
  ['page blocked', ({ blocksMs, blocksAloneMs }) => blockText(blocksMs, blocksAloneMs)],
];

/** @returns the table's lines, and the notes under it */
export function report(rows) {
  const cells = [
    COLUMNS.map(([title]) => title),
    ...rows.map((row) => COLUMNS.map(([, text]) => text(row))),
  ];
  const widths = COLUMNS.map((_, n) => Math.max(...cells.map((line) => line[n].length)));
  // Names to the left, numbers to the right.
  const pad = (text, n) => (n < 2 ? text.padEnd(widths[n]) : text.padStart(widths[n]));
  const line = (texts) => texts.map(pad).join('  ').trimEnd();
  const [head, ...body] = cells.map(line);
  const rule = widths.map((width) => '-'.repeat(width)).join('  ');
  return [head, rule, ...body, '', ...EXPLANATION, ...failures(rows), ...notes(rows)].join('\n');
}

const EXPLANATION = [
  'largest error: f32 against PyTorch, in latents and pictures of 0 … 1. Times: decode 512×512, f32, the fastest of 4.',
  'abort: until the call ended, one thread. page blocked: the longest task with 2 workers / without, ms, in the calmest decode.',
];

function passText({ checks, notRun, error }) {
  if (notRun !== undefined) return 'not run';
  if (error !== undefined) return 'FAILED';
  const passed = checks.filter(({ pass }) => pass).length;
  return `${passed === checks.length ? '' : 'FAILED '}${passed}/${checks.length}`;
}

function failures(rows) {
  const lines = rows.flatMap(({ title, notRun, error, checks = [] }) => [
    ...(notRun === undefined ? [] : [`${title}: not run: ${notRun}`]),
    ...(error === undefined ? [] : [`${title}: ${error}`]),
    ...checks
      .filter(({ pass }) => !pass)
      .map(({ name, value, bound }) => `${title}: ${name}: ${value}, expected ${bound}`),
  ]);
  return lines.length === 0 ? [] : ['', ...lines];
}

function notes(rows) {
  const lines = rows.flatMap(({ title, note, slow, ratio }) => {
    const why =
      ratio > SLOW
        ? `${ratio.toFixed(2)} × Node's time: ${slow ?? 'no reason is known; was the machine busy?'}`
        : undefined;
    const text = [note, why].filter((part) => part !== undefined).join('. ');
    return text === '' ? [] : [`${title}: ${text}`];
  });
  return lines.length === 0 ? [] : ['', ...lines];
}

const ms = (value) => (value === undefined || value === null ? '–' : `${value.toFixed(0)} ms`);

const blockText = (withWorkers, alone) =>
  withWorkers === undefined
    ? '–'
    : [withWorkers, alone].map((blocks) => Math.min(...blocks).toFixed(0)).join(' / ');
