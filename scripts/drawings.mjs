// node scripts/drawings.mjs
// Draws docs/pipeline.svg, the way of the data, and docs/rooms.svg, the rooms of src/ by floors as
// docs/architecture.md lists them.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const DOCS = new URL('../docs/', import.meta.url);

const STYLE = `
  text { font: 13px system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif; fill: #1f2328; text-anchor: middle }
  .title { font-weight: 600; font-size: 14px }
  .note { font-size: 11.5px; fill: #57606a }
  .floor { text-anchor: start; fill: #57606a; font-size: 12px }
  rect { fill: #f6f8fa; stroke: #57606a; rx: 5px }
  .layers rect { fill: #fff1e5; stroke: #bc4c00 }
  .latent rect { fill: #f3ebfa; stroke: #6e40c9 }
  line { stroke: #57606a; marker-end: url(#head) }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .note, .floor { fill: #9da7b3 }
    rect { fill: #161b22; stroke: #9da7b3 } line { stroke: #9da7b3 }
    .layers rect { fill: #3d2211; stroke: #f0883e } .latent rect { fill: #2a1d40; stroke: #b392f0 }
  }`;
const HEAD =
  '<marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path d="M0 0 8 4 0 8z" fill="#8b949e"/></marker>';

const escaped = (text) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');

function picture(width, height, title, body) {
  const label = escaped(title);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${label}">
<title>${label}</title><style>${STYLE}
</style><defs>${HEAD}</defs>
${body.join('\n')}
</svg>
`;
}

function box({ x, y, width, height, title, note, kind = '' }) {
  const middle = x + width / 2;
  const top = y + height / 2 + (note === undefined ? 5 : -3);
  const below =
    note === undefined
      ? ''
      : `<text class="note" x="${middle}" y="${top + 17}">${escaped(note)}</text>`;
  return `<g class="${kind}"><rect x="${x}" y="${y}" width="${width}" height="${height}"/><text class="title" x="${middle}" y="${top}">${escaped(title)}</text>${below}</g>`;
}

const arrow = (x1, y1, x2, y2) => `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}"/>`;

/** The boxes of both directions, with the rooms of src/ behind each. */
const LANES = [
  {
    name: 'Encoding',
    steps: [
      ['bytes', 'PNG, JPEG, WebP'],
      ['picture', 'png/, picture/, sources/'],
      ['tensor', 'image'],
      ['layers', 'model/encoder', 'layers'],
      ['latents', '[N, C, H/8, W/8]', 'latent'],
      ['file or frame', 'formats/, wire/'],
    ],
  },
  {
    name: 'Decoding',
    steps: [
      ['file or tensor', 'formats/, tensor-like/'],
      ['latents', '[N, C, h, w]', 'latent'],
      ['layers', 'model/decoder', 'layers'],
      ['tensor', 'rows'],
      ['picture', 'image, draw/'],
      ['bytes', 'png/'],
    ],
  },
];

/** The way of the data. */
export function pipeline() {
  const [width, height, gap, left] = [148, 54, 28, 12];
  const body = LANES.flatMap(({ name, steps }, lane) => {
    const y = 36 + lane * 190;
    const boxes = steps.map(([title, note, kind], n) =>
      box({ x: left + n * (width + gap), y, width, height, title, note, kind }),
    );
    const arrows = steps.slice(1).map((_, n) => {
      const x = left + n * (width + gap) + width;
      return arrow(x, y + height / 2, x + gap, y + height / 2);
    });
    const label = `<text class="floor" x="${left}" y="${y - 12}">${name}</text>`;
    return [label, ...boxes, ...arrows];
  });
  // Both ways run their layers on one engine.
  const at = (n) => left + n * (width + gap) + width / 2;
  const [top, wide] = [131, 2 * width + gap];
  const x = left + 2 * (width + gap);
  body.push(
    box({
      x,
      y: top,
      width: wide,
      height: 54,
      title: 'engine',
      note: 'backend/wasm, its workers, or backend/webgpu',
    }),
    arrow(at(3), 90, at(3), top),
    arrow(at(2), 226, at(2), top + 54),
  );
  const total = left * 2 + 6 * width + 5 * gap;
  return picture(
    total,
    296,
    'The way of the data: bytes, picture, tensor, layers, latents, and back',
    body,
  );
}

/** The rooms by floor, from the table of docs/architecture.md. */
export function rooms(text = readFileSync(new URL('architecture.md', DOCS), 'utf8')) {
  const rows = [...text.matchAll(/^\| (\d+)[^|]*\| ([^|]+) \|/gm)];
  const floors = new Map();
  for (const [, floor, names] of rows) {
    const own = [...names.matchAll(/`([^`]+)`/g)].map(([, name]) => name);
    floors.set(Number(floor), [...(floors.get(Number(floor)) ?? []), ...own]);
  }
  const [height, gap, left] = [26, 7, 64];
  const body = [...floors]
    .sort(([a], [b]) => a - b)
    .flatMap(([floor, names], row) => {
      const y = 10 + row * (height + gap);
      let x = left;
      const boxes = names.map((title) => {
        const width = 28 + title.length * 8.2;
        const drawn = box({ x, y, width, height, title });
        x += width + 10;
        return drawn;
      });
      return [`<text class="floor" x="10" y="${y + 18}">floor ${floor}</text>`, ...boxes];
    });
  return picture(
    760,
    14 + floors.size * (height + gap),
    'The rooms of src/ by floors: a file imports from its own room and from those drawn above it',
    body,
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(new URL('pipeline.svg', DOCS), pipeline());
  writeFileSync(new URL('rooms.svg', DOCS), rooms());
}
