// Time and memory against the picture's size, on logarithmic axes, as SVG.
// As a program: node bench/plot.mjs [RESULTS.json] [FILE.svg]
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { F32, FAST, NATIVE, TFJS, WEB } from './peers/contestants.mjs';

/**
 * Each line has its colour and its mark (hollow for `fast`): they can be told apart without
 * colours.
 */
const SERIES = [
  { name: F32, label: 'taesd-wasm f32', style: 'f32', mark: circle },
  { name: FAST, label: 'taesd-wasm fast', style: 'fast', mark: circle },
  { name: NATIVE, label: 'onnxruntime-node (native)', style: 'native', mark: square },
  { name: TFJS, label: 'tfjs-backend-wasm', style: 'tfjs', mark: triangle },
  { name: WEB, label: 'onnxruntime-web', style: 'web', mark: diamond },
];

const WIDTH = 920;
const HEIGHT = 486;
const PANEL = { width: 380, height: 300, top: 56 };
const SIZES = [256, 512, 1024, 2048, 4096];
/** Room beside the first and last size, as a factor. */
const SIDE = 1.25;

const panels = [
  {
    title: 'Time to decode, one thread',
    left: 60,
    ticks: [0.1, 1, 10, 100].map((value) => ({ value, text: `${value} s` })),
    value: ({ ms }) => ms / 1000,
  },
  {
    title: 'Peak memory above the start of the process',
    left: 520,
    ticks: [
      [30e6, '30 MB'],
      [100e6, '100 MB'],
      [300e6, '300 MB'],
      [1e9, '1 GB'],
      [3e9, '3 GB'],
      [10e9, '10 GB'],
    ].map(([value, text]) => ({ value, text })),
    value: ({ aboveStartBytes }) => aboveStartBytes,
  },
];

const STYLE = `
  text { font: 13px system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif; fill: #1f2328 }
  .title { font-size: 15px; font-weight: 600 }
  .small { font-size: 11px; fill: #59636e }
  .grid { stroke: #d1d9e0; stroke-width: 1 }
  .line { fill: none; stroke-width: 2.5; stroke-linejoin: round }
  .line.native, .line.tfjs, .line.web { stroke-width: 1.5 }
  .f32, .fast { stroke: #d1495b } .mark.f32 { fill: #d1495b } .mark.fast { fill: #ffffff; stroke-width: 2 }
  .fast.line { stroke-dasharray: 6 3 }
  .native { stroke: #2f6fb0 } .mark.native { fill: #2f6fb0 }
  .tfjs { stroke: #3c8a4e } .mark.tfjs { fill: #3c8a4e }
  .web { stroke: #96690f } .mark.web { fill: #96690f }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc } .small { fill: #9198a1 } .grid { stroke: #3d444d }
    .f32, .fast { stroke: #ff7b88 } .mark.f32 { fill: #ff7b88 } .mark.fast { fill: #0d1117 }
    .native { stroke: #6cb0f5 } .mark.native { fill: #6cb0f5 }
    .tfjs { stroke: #6fce84 } .mark.tfjs { fill: #6fce84 }
    .web { stroke: #e0b050 } .mark.web { fill: #e0b050 }
  }`;

/**
 * @param report  the JSON that bench:peers writes, with its part `sizes`
 * @returns the text of the SVG
 */
export function plotSvg({ machine, versions, results }) {
  const rows = results.sizes.value.filter(({ reason }) => reason === undefined);
  const title = 'Time and peak memory of decoding against the size of the picture';
  const lines = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img" aria-labelledby="title">`,
    `<title id="title">${title}, for taesd-wasm and its peers</title>`,
    `<style>${STYLE}\n</style>`,
    ...panels.flatMap((panel) => drawPanel(panel, rows)),
    ...legend(),
    ...footer(machine, versions),
    '</svg>',
  ];
  return `${lines.join('\n')}\n`;
}

function drawPanel({ title, left, ticks, value }, rows) {
  const { width, height, top } = PANEL;
  const values = rows.map(value);
  const low = Math.min(...values) / 1.4;
  const high = Math.max(...values) * 1.4;
  const x = logScale(SIZES[0] / SIDE, SIZES.at(-1) * SIDE, left, left + width);
  const y = logScale(low, high, top + height, top);
  const out = [text(left, top - 20, title, 'title')];
  for (const tick of ticks.filter((tick) => tick.value >= low && tick.value <= high)) {
    const at = y(tick.value);
    out.push(`<path class="grid" d="M${left} ${at}h${width}"/>`);
    out.push(text(left - 6, at + 4, tick.text, 'small', 'end'));
  }
  for (const size of SIZES) {
    out.push(`<path class="grid" d="M${x(size)} ${top}v${height}"/>`);
    out.push(text(x(size), top + height + 18, `${size}²`, 'small', 'middle'));
  }
  // This project last, so that it lies on top.
  for (const { name, style, mark } of SERIES.toReversed()) {
    const points = rows
      .filter((row) => row.name === name)
      .map((row) => [x(row.size), y(value(row))]);
    if (points.length === 0) continue;
    const path = points.map(([px, py], i) => `${i === 0 ? 'M' : 'L'}${px} ${py}`).join('');
    out.push(`<path class="line ${style}" d="${path}"/>`);
    for (const [px, py] of points) out.push(mark(px, py, style));
  }
  return out;
}

/** One row of names under the panels. */
function legend() {
  const y = PANEL.top + PANEL.height + 52;
  const widths = [150, 156, 218, 176, 150];
  let x = 40;
  return SERIES.flatMap(({ label, style, mark }, i) => {
    const at = x;
    x += widths[i];
    return [
      `<path class="line ${style}" d="M${at} ${y}h26"/>`,
      mark(at + 13, y, style),
      text(at + 34, y + 4, label),
    ];
  });
}

function footer(machine, versions) {
  const y = PANEL.top + PANEL.height + 80;
  const peers = Object.entries(versions)
    .filter(([name]) => [WEB, NATIVE].includes(name) || name.includes('backend'))
    .map(([name, version]) => `${name.replace(/^@.*\//, '')} ${version}`);
  const lines = [
    `${machine}.`,
    `${peers.join(', ')}.`,
    'taesd-wasm hands rows on as they come; peers give the whole picture and end where they fail or would need more than 12 GB.',
  ];
  return lines.map((line, i) => text(40, y + 16 * i, line, 'small'));
}

/** low … high → from … to, rounded to tenths of a pixel. */
function logScale(low, high, from, to) {
  const span = Math.log(high / low);
  return (value) => Math.round(10 * (from + ((to - from) * Math.log(value / low)) / span)) / 10;
}

function text(x, y, content, style = '', anchor = 'start') {
  const escaped = content.replace(/&/g, '&amp;').replace(/</g, '&lt;');
  return `<text x="${x}" y="${y}" class="${style}" text-anchor="${anchor}">${escaped}</text>`;
}

function circle(x, y, style) {
  return `<circle class="mark ${style}" cx="${x}" cy="${y}" r="4"/>`;
}

function square(x, y, style) {
  return `<path class="mark ${style}" d="M${x - 3.5} ${y - 3.5}h7v7h-7z"/>`;
}

function triangle(x, y, style) {
  return `<path class="mark ${style}" d="M${x} ${y - 5}l4.5 8h-9z"/>`;
}

function diamond(x, y, style) {
  return `<path class="mark ${style}" d="M${x} ${y - 5}l5 5l-5 5l-5 -5z"/>`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [
    source = new URL('results.json', import.meta.url),
    target = new URL('speed.svg', import.meta.url),
  ] = process.argv.slice(2);
  writeFileSync(target, plotSvg(JSON.parse(readFileSync(source, 'utf8'))));
}
