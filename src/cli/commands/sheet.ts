import { andList } from '../../checks.ts';
import type { TaesdError } from '../../errors.ts';
import { LATENT_FORMATS } from '../../formats/table.ts';
import type { Progress } from '../../index.ts';
import { NANOS } from '../../model/variants.ts';
import { encodePngRows, type PngBand } from '../../png/index.ts';
import { LATENTS } from '../files/folder-contents.ts';
import { endingsOf, formatOf } from '../files/format.ts';
import { type FolderFiles, listFolder } from '../files/list-folder.ts';
import { STREAM } from '../files/read-input.ts';
import { checkOutput, outputName, writeOutput } from '../files/write-output.ts';
import type { CommandLine, CommandSpec } from '../line/command-line.ts';
import { BACKGROUND } from '../maps/colours.ts';
import { Raster } from '../maps/raster.ts';
import { GAP, type Layout, layoutOf, MAX_WIDTH } from '../sheet/layout.ts';
import { checkWeights, Painters } from '../sheet/painters.ts';
import { Tiles } from '../sheet/tiles.ts';
import { expectedGot, Failures, fault } from '../terminal/faults.ts';
import { interruptible } from '../terminal/interrupt.ts';
import { progressBar, withProgress } from '../terminal/progress.ts';
import { noteSayer, sayFailure } from '../terminal/say.ts';
import { countText } from '../terminal/table.ts';
import { type Command, runLine } from './command.ts';

/** The format of sheets. */
const SHEET_FORMATS = [{ endings: ['.png'], holds: 'the sheet' }] as const;

const DEFAULT_THUMB = 192;

const SPEC = {
  name: 'sheet',
  summary: 'Draws a contact sheet of a folder of latents.',
  detail: () => `
Each file of latents in DIR (${endingsOf(LATENT_FORMATS)}) becomes a small picture over its name and
the size of its whole picture, sorted by name. The small models of the package draw the latents of
${andList(Object.keys(NANOS))}. Others are drawn by their model if its weights are at hand,
otherwise by a matrix, which gives blurred colours. The label says which, and ends in ? if the file
does not say its model. A damaged file gets a tile with the reason, and the exit code is 1. Hidden
files, pictures and other files are left out.
The sheet is written row by row, so the number of files is not limited by memory.`,
  examples: [
    'taesd sheet latents/ -o sheet.png',
    'taesd sheet cache/ -o - --recursive --model taesdxl > sheet.png',
    'taesd sheet cache/ -o sheet.png --matrix --thumb 96 --columns 20',
    'taesd sheet raw/ -o sheet.png --shape 4x64x64 --space vae',
  ],
  operand: { name: 'DIR', help: 'the folder of latents' },
  options: [
    'output',
    'thumb',
    'columns',
    'recursive',
    'matrix',
    'unmarkedModel',
    'space',
    'tensor',
    'shape',
    'maxPixels',
    'weights',
    'workers',
    'backend',
    'quiet',
  ],
} as const satisfies CommandSpec;

export const sheetCommand: Command = {
  spec: SPEC,
  run: (args) => runLine(SPEC, args, (line) => interruptible((signal) => sheet(line, signal))),
};

type Line = CommandLine<typeof SPEC>;

async function sheet(line: Line, signal: AbortSignal): Promise<void> {
  const { operand: folder, output, quiet } = line;
  if (output !== STREAM) formatOf(output, SHEET_FORMATS, SPEC.name);
  if (!line.matrix) await checkWeights(line.weights);
  const bar = progressBar(quiet);
  const note = noteSayer(quiet);
  const say = (text: string) => {
    bar.clear();
    note(text);
  };
  const onBroken = (error: unknown) => {
    bar.clear();
    sayFailure(error);
  };
  const listing = { isDeep: line.recursive, output, contents: LATENTS, signal, say, onBroken };
  const found = await listFolder(folder, listing);
  await checkOutput(output, folder);
  if (found.names.length === 0) throw noFiles(folder, found);
  const layout = layoutOf(found.names.length, line.thumb ?? DEFAULT_THUMB, line.columns);
  checkWidth(layout);
  const painters = new Painters({ ...line, signal, say });
  const read = { ...line, model: line.unmarkedModel };
  const tiles = new Tiles({ folder, read, painters, layout, signal, onBroken });
  const draw = async () => {
    const { width, height } = layout;
    const rows = rowsOfTiles(found.names, tiles, layout, bar.stage('drawing'));
    await writeOutput(output, encodePngRows({ width, height, channels: 3 }, rows), signal);
    painters.sayWorkers();
    for (const text of notes(tiles, found.others)) say(text);
    return `${filesText(found.names.length)}, ${width}×${height}`;
  };
  try {
    await withProgress(outputName(output), draw, bar);
  } finally {
    painters.dispose();
  }
  const broken = tiles.broken + found.broken;
  const kind = found.broken > 0 ? 'files and folders' : undefined;
  if (broken > 0) throw new Failures(broken, found.names.length + found.broken, kind);
}

function noFiles(folder: string, { others, folders }: FolderFiles): TaesdError {
  const hint = folders === 0 ? undefined : '--recursive reads the folders in it too';
  const got = others === 0 ? 'none' : filesText(others, 'other ');
  return fault(folder, expectedGot('a folder with files of latents', got), { hint });
}

/** @throws TaesdError ARG (a sheet that is too wide) */
function checkWidth({ width, columns, thumb }: Layout): void {
  if (width <= MAX_WIDTH) return;
  const got = `${columns} columns of ${thumb} pixels`;
  throw fault('--columns', expectedGot(`a sheet of at most ${MAX_WIDTH} pixels`, got));
}

/** Returns the notes about files that are not broken. */
function notes(tiles: Tiles, others: number): string[] {
  const all: string[] = [];
  const { unmarked } = tiles;
  if (unmarked > 0) {
    const remedy = 'the label ends in ?; --model names it';
    all.push(`${filesText(unmarked)} without a model's name: ${remedy}`);
  }
  const none = others + tiles.others;
  if (none > 0) all.push(`${filesText(none, 'other ')} without latents`);
  return all;
}

/** Returns `1 file` or `2,000 files`. */
const filesText = (count: number, kind = ''): string =>
  `${countText(count)} ${kind}${count === 1 ? 'file' : 'files'}`;

/** Yields the rows of tiles. One row is in memory. */
async function* rowsOfTiles(
  names: readonly string[],
  tiles: Tiles,
  { width, columns, thumb, tileHeight }: Layout,
  onProgress: (progress: Progress) => void,
): AsyncGenerator<PngBand, void, void> {
  const top = new Raster(width, GAP, BACKGROUND);
  yield { rows: top.height, data: top.data };
  for (let first = 0; first < names.length; first += columns) {
    const row = new Raster(width, tileHeight + GAP, BACKGROUND);
    for (const [n, name] of names.slice(first, first + columns).entries()) {
      onProgress({ done: first + n, total: names.length });
      row.put(await tiles.draw(name), GAP + n * (thumb + GAP), 0);
    }
    yield { rows: row.height, data: row.data };
  }
}
