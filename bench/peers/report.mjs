// The results as Markdown tables, which also read well in a terminal.

/** Pads columns to one width; all but the first are aligned to the right. */
export function table(header, rows) {
  const widths = header.map((_, i) => Math.max(...[header, ...rows].map((row) => row[i].length)));
  const line = (cells) =>
    `| ${cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join(' | ')} |`;
  const rule = `| ${widths.map((width, i) => (i === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`;
  return [line(header), rule, ...rows.map(line)].join('\n');
}

/** @param judged  from targets.mjs */
export function targetsTable(judged) {
  const rows = judged.map(({ what, shown, shownTarget, reached }) => [
    what,
    shown ?? 'not run',
    shownTarget,
    reached ? 'yes' : shown === undefined ? '–' : 'NO',
  ]);
  const reasons = judged
    .filter(({ reason }) => reason !== undefined)
    .map(({ what, reason }) => `not run: ${what}: ${reason}`);
  return [table(['what', 'measured', 'target', 'reached'], rows), ...reasons].join('\n');
}

/** @param results  { value } of the parts decode and encode, if they ran */
export function speedTable({ decode, encode }, versions) {
  const columns = [
    ['decode', decode?.value],
    ['encode', encode?.value],
  ].filter(([, value]) => value !== undefined);
  if (columns.length === 0) return undefined;
  const names = Object.keys(columns[0][1]);
  const rows = names.map((name) => {
    const label = versions[name] === undefined ? name : `${name} ${versions[name]}`;
    const cells = columns.flatMap(([, value]) => {
      const { ms, largestDifference, decibels, reason } = value[name];
      if (reason !== undefined) return ['not run', '–'];
      return [
        `${ms.toFixed(0)} ms`,
        `${largestDifference.toExponential(1)}, ${decibels.toFixed(0)} dB`,
      ];
    });
    return [label, ...cells];
  });
  const header = columns.flatMap(([verb]) => [`${verb} 512²`, 'off PyTorch by']);
  const reasons = names.flatMap((name) =>
    columns
      .filter(([, value]) => value[name].reason !== undefined)
      .map(([verb, value]) => `not run: ${verb}, ${name}: ${value[name].reason}`),
  );
  return [table(['one thread', ...header], rows), ...reasons].join('\n');
}

/**
 * @param model    its name
 * @param results  from measure/model.mjs
 */
export function modelTable(model, results, versions) {
  const entries = Object.entries(results);
  const rows = entries
    .filter(([, { ms }]) => ms !== undefined)
    .map(([name, { ms, multiplyAdds, largestDifference, decibels, fromF32, wasmBytes }]) => [
      name === 'taesd' ? 'taesd, f32' : `${model}, ${name} ${versions[name] ?? ''}`.trimEnd(),
      `${ms.toFixed(0)} ms`,
      versions[name] === undefined ? (multiplyAdds / ms / 1e6).toFixed(1) : '–',
      offBy({ largestDifference, decibels }),
      fromF32 === undefined ? '–' : offBy(fromF32),
      wasmBytes === undefined ? '–' : `${(wasmBytes / 1e6).toFixed(1)} MB`,
    ]);
  const header = ['512²', 'decode', 'G/s', 'off PyTorch by', 'off our f32 by', 'WASM memory'];
  const memories = entries
    .filter(([name, { wasmBytes }]) => name.endsWith('workers') && wasmBytes !== undefined)
    .map(([name, { wasmBytes }]) => `${(wasmBytes / 1e6).toFixed(1)} MB (${name})`);
  const lines = entries
    .filter(([, { reason }]) => reason !== undefined)
    .map(([name, { reason }]) => `not run: ${model}, ${name}: ${reason}`);
  if (memories.length > 0) lines.unshift(`${model}, f32, WASM memory: ${memories.join(', ')}`);
  return [table(header, rows), ...lines].join('\n');
}

const offBy = ({ largestDifference, decibels }) =>
  `${largestDifference.toExponential(1)}, ${decibels.toFixed(1)} dB`;

/** @param rows  from measure/sizes.mjs */
export function sizesTable(rows) {
  const sizes = [...new Set(rows.map(({ size }) => size))];
  const names = [...new Set(rows.map(({ name }) => name))];
  const cell = ({ ms, aboveStartBytes, reason }) =>
    reason === undefined ? `${seconds(ms)}, ${gigabytes(aboveStartBytes)}` : '–';
  const reasons = rows
    .filter(({ name, size, reason }, i) => {
      const first = rows.findIndex((row) => row.name === name && row.reason !== undefined);
      return reason !== undefined && first === i && size;
    })
    .map(({ name, size, reason }) => `${name} stops before ${size}²: ${reason}`);
  const body = names.map((name) => [
    name,
    ...sizes.map((size) => cell(rows.find((row) => row.name === name && row.size === size))),
  ]);
  return [table(['decode', ...sizes.map((size) => `${size}²`)], body), ...reasons].join('\n');
}

const seconds = (ms) => `${(ms / 1000).toPrecision(ms < 1000 ? 2 : 3)} s`;
const gigabytes = (bytes) =>
  bytes < 1e9 ? `${(bytes / 1e6).toFixed(0)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;

/** Returns lines for the figures that are in no table. */
export function notes({ start, workers, size, nano, previews, fresh, resolution }) {
  const lines = [];
  if (start?.value) {
    lines.push(
      `Loading the library's modules before the first picture: ${start.value.importMs.toFixed(0)} ms more.`,
    );
  }
  if (workers?.value) {
    const texts = Object.entries(workers.value.counts).map(
      ([count, { ms }]) =>
        `${count === '0' ? 'this thread alone' : `${count} worker${count === '1' ? '' : 's'}`} ${ms.toFixed(0)} ms`,
    );
    lines.push(`Decode 1024², f32: ${texts.join(', ')}.`);
  }
  const listed = (values) =>
    Object.entries(values)
      .map(([name, { ms }]) => `${name} ${ms.toFixed(1)} ms`)
      .join(', ');
  if (nano?.value) lines.push(`nano, decode 512²: ${listed(nano.value)}.`);
  if (previews?.value) {
    const { shared, each, taesdMs } = previews.value;
    lines.push(
      `nano, 512² in Chromium: ${shared.toFixed(1)} pictures a second of two workers that share ` +
        `each, ${each.toFixed(1)} of two instances; taesd f32 takes ${taesdMs.toFixed(0)} ms.`,
    );
  }
  if (fresh?.value) lines.push(`Fresh processes: ${listed(fresh.value)}.`);
  if (resolution?.value) lines.push(`Decode 512² at 1/2: ${listed(resolution.value)}.`);
  if (size?.value)
    lines.push(`taesd.wasm: ${size.value.bytes} bytes, ${size.value.gzipped} gzipped.`);
  return lines.join('\n');
}
