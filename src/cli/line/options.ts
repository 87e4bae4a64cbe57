import { DEFAULT_MAX_PIXELS, MAX_PIXELS_LIMIT, MAX_SIDE, orList } from '../../checks.ts';
import { writtenFormats } from '../../formats/table.ts';
import { modelNames } from '../../model/variants.ts';
import { DEFAULT_WORKERS_CAP, MAX_WORKERS } from '../../options/load.ts';
import { FOLDER_VARIABLE } from '../../weights/locate.ts';
import {
  MAX_INDEX,
  MAX_PORT,
  MAX_QUEUE,
  MAX_TIMEOUT,
  modelHint,
  modelsHint,
  PICTURE_FORMATS,
  readBackend,
  readBackground,
  readDtype,
  readFolder,
  readHalf,
  readHost,
  readIndex,
  readLatentFormat,
  readLayerBackend,
  readLocation,
  readMaxPixels,
  readModel,
  readModels,
  readName,
  readOutput,
  readPictureFormat,
  readPort,
  readPrecision,
  readQueue,
  readResolution,
  readShape,
  readSide,
  readSize,
  readSpace,
  readTimeout,
  readWorkers,
} from './option-values.ts';
import { MAX_COLUMNS, MAX_THUMB, MIN_THUMB, readColumns, readThumb } from './sheet-values.ts';

/** A text, or a function that makes it: nothing is computed when a module is loaded. */
export type Text = string | (() => string);

/** Returns a text on one line. */
export const textOf = (text: Text): string =>
  (typeof text === 'string' ? text : text()).replace(/\s*\n\s*/g, ' ');

/** An option that stands alone. Its value is true if it is given. */
interface Flag {
  /** Its name in a command line. Defaults to its key in the table. */
  readonly name?: string;
  readonly help: string;
  readonly short?: string;
}

/** An option with a value. Line breaks in its help count as spaces. */
export interface ValueOption {
  /** Its name in a command line. Defaults to its key in the table. */
  readonly name?: string;
  readonly short?: string;
  /** The name of its value, for the help. */
  readonly value: string;
  readonly help: Text;
  /** A description of the right values, for errors. */
  readonly rule: Text;
  /** Returns undefined for a text it does not accept. */
  readonly read: (text: string) => unknown;
  /** Returns a hint for a text that is not accepted, if there is one. */
  readonly hint?: (text: string) => string | undefined;
  readonly isRequired?: true;
}

export type Option = Flag | ValueOption;

const BACKENDS = 'wasm; reference: plain loops, slow';

const MODEL = {
  value: 'MODEL',
  rule: () => `one of ${modelNames().join(', ')}`,
  read: readModel,
  hint: modelHint,
} as const;

const SPACE = { value: 'SPACE', rule: 'diffusion or vae', read: readSpace } as const;

const OUTPUT_RULE = 'a file to write, or - for stdout';

const FORMAT = { name: 'format', value: 'NAME' } as const;
const FORMAT_DEFAULT = "(default: OUT's ending; png for stdout and a folder)";
const LATENT_FORMAT_NAMES = () =>
  orList(writtenFormats().map(({ endings: [ending] }) => ending.slice(1)));

/** The endings of written files that do not record the space. */
const EITHER_SPACE = () =>
  orList(
    writtenFormats()
      .filter(({ writtenSpace }) => writtenSpace === undefined)
      .map(({ endings: [ending] }) => ending),
  );

/** The values that `taesd serve` takes if its options are not given. */
export const SERVE_DEFAULTS = {
  port: 8788,
  host: '127.0.0.1',
  pixels: 4096 * 4096,
  waiting: 32,
  seconds: 60,
} as const;

/** Every option. Each command lists the keys of those it accepts. */
export const OPTIONS = {
  output: {
    short: 'o',
    value: 'OUT',
    help: 'the file to write; - is stdout (required)',
    rule: OUTPUT_RULE,
    read: readOutput,
    isRequired: true,
  },
  outputs: {
    name: 'output',
    short: 'o',
    value: 'OUT',
    help: `the file to write; - is stdout; DIR/ is a folder, which gets a file for each IN and is
      made if missing (required)`,
    rule: OUTPUT_RULE,
    read: readOutput,
    isRequired: true,
  },
  latentFormat: {
    ...FORMAT,
    help: () => `${LATENT_FORMAT_NAMES()} ${FORMAT_DEFAULT}`,
    rule: () => LATENT_FORMAT_NAMES(),
    read: readLatentFormat,
  },
  pictureFormat: {
    ...FORMAT,
    help: () => `${orList(PICTURE_FORMATS)} ${FORMAT_DEFAULT}`,
    rule: () => orList(PICTURE_FORMATS),
    read: readPictureFormat,
  },
  maxSize: {
    name: 'max-size',
    value: 'N',
    help: `scale a picture down whose longer side has more than N pixels (default: pictures keep
      their size)`,
    rule: `a whole number of pixels from 1 to ${MAX_SIDE}`,
    read: readSide,
  },
  maxPixels: {
    name: 'max-pixels',
    value: 'N',
    help: `read pictures of up to N pixels in all, 1 to ${MAX_PIXELS_LIMIT}; each takes 4 bytes or more
      of memory (default: ${DEFAULT_MAX_PIXELS})`,
    rule: `a whole number of pixels from 1 to ${MAX_PIXELS_LIMIT}`,
    read: readMaxPixels,
  },
  folder: {
    short: 'o',
    value: 'DIR',
    help: 'the folder to write to; it is made if missing (required)',
    rule: 'a folder to write to',
    read: readFolder,
    isRequired: true,
  },
  part: {
    value: 'NAME',
    help: 'encoder or decoder (default: both for a picture, the decoder for latents)',
    rule: 'encoder or decoder',
    read: readHalf,
  },
  inner: { help: 'also draw the operations inside each block (default: layers alone)' },
  model: {
    ...MODEL,
    help: () => `${MODEL.rule()} (default: taesd, or nano if no weights of taesd are found)`,
  },
  latentsModel: {
    ...MODEL,
    name: 'model',
    help: () =>
      `${MODEL.rule()} (default: the one recorded in IN, or the
      only one for as many channels, as taeqi2_1 for 64, or taesd; if its weights are not found,
      the small model for its latents takes its place, as nano for taesd)`,
  },
  weights: {
    value: 'DIR',
    help: `folder or web address of MODEL_encoder.safetensors and MODEL_decoder.safetensors, of
      .pth files, or of MODEL.safetensors; or one such file (default: the folder in ${FOLDER_VARIABLE}, then the cache)`,
    rule: 'a folder or web address',
    read: readLocation,
  },
  precision: {
    value: 'NAME',
    help: `f32; fast: 16-bit products, 0.7 of the time, slightly less exact; or relaxed: f32 with
      relaxed multiply-adds, a tenth faster, not in Node 20 (default: f32)`,
    rule: 'f32, fast or relaxed',
    read: readPrecision,
  },
  workers: {
    value: 'N',
    help: `worker threads, 0 to ${MAX_WORKERS} (default: as many as a picture
      of 384x384 or larger gains by, at most one per core and ${DEFAULT_WORKERS_CAP})`,
    rule: `a whole number from 0 to ${MAX_WORKERS}`,
    read: readWorkers,
  },
  backend: {
    value: 'NAME',
    help: `${BACKENDS}; webgpu: any adapter, otherwise wasm; auto: like webgpu,
      but hardware only (default: wasm)`,
    rule: 'wasm, reference, webgpu or auto',
    read: readBackend,
  },
  layerBackend: {
    name: 'backend',
    value: 'NAME',
    help: `${BACKENDS} (default: wasm)`,
    rule: 'wasm or reference',
    read: readLayerBackend,
  },
  background: {
    value: 'COLOR',
    help: `the colour behind translucent pixels: white, black, gray, #rgb, #rrggbb or r,g,b;
      or drop, to ignore alpha (default: white; taeqi2_1 keeps alpha)`,
    rule: 'white, black, gray, #rgb, #rrggbb, r,g,b or drop',
    read: readBackground,
  },
  unmarkedModel: {
    ...MODEL,
    name: 'model',
    help: () =>
      `the model of files that do not say theirs: ${MODEL.rule()} (default: taesd for 4 channels,
      taesd3 for 16, taef2 for 32)`,
  },
  thumb: {
    value: 'N',
    help: `the longest side of a small picture, ${MIN_THUMB} to ${MAX_THUMB} pixels (default: 192)`,
    rule: `a whole number from ${MIN_THUMB} to ${MAX_THUMB}`,
    read: readThumb,
  },
  columns: {
    value: 'N',
    help: `pictures in a row, 1 to ${MAX_COLUMNS} (default: a sheet 1600 pixels wide, or wider if it
      would be taller than 16384)`,
    rule: `a whole number from 1 to ${MAX_COLUMNS}`,
    read: readColumns,
  },
  recursive: { help: 'also read the folders inside a folder (default: its own files alone)' },
  matrix: {
    help: `draw all latents by a matrix: blurred, in a few milliseconds each (default: by models,
      where weights are at hand)`,
  },
  size: {
    value: 'WxH',
    help: `the picture's size, such as 451x300; it crops
      (default: the size recorded in IN, or the whole picture)`,
    rule: 'WxH, such as 451x300',
    read: readSize,
  },
  resolution: {
    value: 'PART',
    help: `1, 1/2, 1/4 or 1/8 of the picture's width and height, decoded in less time; --size remains
      that of the whole picture (default: 1)`,
    rule: '1, 1/2, 1/4 or 1/8',
    read: readResolution,
  },
  tableSize: {
    name: 'size',
    value: 'WxH',
    help: 'the size of the picture that layers are listed for (default: 512x512)',
    rule: 'WxH, such as 451x300',
    read: readSize,
  },
  space: {
    ...SPACE,
    help: `diffusion or vae: the numbers before the model's scale and shift, not for taef2
      (default: what the file says, or diffusion)`,
  },
  writtenSpace: {
    ...SPACE,
    name: 'space',
    help: () => `diffusion or vae: the space to write in a ${EITHER_SPACE()} file
      (default: diffusion)`,
  },
  tensor: {
    value: 'NAME',
    help: 'the tensor to read, if a file holds several (default: the only one that may be latents)',
    rule: 'the name of a tensor',
    read: readName,
  },
  shape: {
    value: 'NxCxHxW',
    help: `the shape of raw numbers, such as 1x4x64x64, 4x64x64 or 1,4,64,64
      (default: the shape in the file)`,
    rule: 'NxCxHxW or CxHxW, such as 1x4x64x64',
    read: readShape,
  },
  dtype: {
    value: 'TYPE',
    help: "f32, f16 or bf16: the type of raw numbers (default: the file's ending)",
    rule: 'f32, f16 or bf16',
    read: readDtype,
  },
  pick: {
    value: 'N',
    help: 'the latents to take from a batch, counted from 0 (default: 0)',
    rule: `a whole number from 0 to ${MAX_INDEX}`,
    read: readIndex,
  },
  shownPick: {
    name: 'pick',
    value: 'N',
    help: 'the latents to show of a batch, counted from 0 (default: all)',
    rule: `a whole number from 0 to ${MAX_INDEX}`,
    read: readIndex,
  },
  shownModel: {
    ...MODEL,
    name: 'model',
    help: () => `the model of latents: ${MODEL.rule()} (default: the one recorded in the file)`,
  },
  float: { help: 'keep latents as f32 between the halves (default: 8 bits a number)' },
  all: { help: 'every model (default: the ones that are named)' },
  quiet: {
    short: 'q',
    help: 'no notes and no progress, errors alone (default: notes, and progress on a terminal)',
  },
  servedQuiet: {
    name: 'quiet',
    short: 'q',
    help: 'no notes and no lines about requests, errors alone (default: notes and lines)',
  },
  json: { help: 'print one JSON document (default: text for people)' },
  port: {
    value: 'N',
    help: `the port to listen on; 0 takes a free one, which stdout names (default: ${SERVE_DEFAULTS.port})`,
    rule: `a whole number from 0 to ${MAX_PORT}`,
    read: readPort,
  },
  host: {
    value: 'ADDRESS',
    help: `the address of this machine to listen on; 0.0.0.0 or :: are all of them
      (default: ${SERVE_DEFAULTS.host}, for programs on this machine alone)`,
    rule: 'an address or name of this machine, such as 127.0.0.1',
    read: readHost,
  },
  servedModels: {
    name: 'model',
    value: 'MODEL,…',
    help: () =>
      `the models to serve, loaded at the start; requests that choose none get the first that
      fits: ${modelNames().join(', ')} (default: for each kind of latents the models whose weights are found,
      otherwise the small one in the package)`,
    rule: () => `models separated by commas: ${modelNames().join(', ')}`,
    read: readModels,
    hint: modelsHint,
  },
  servedPixels: {
    name: 'max-pixels',
    value: 'N',
    help: `answer requests of up to N pixels, all pictures of a batch together, 1 to
      ${MAX_PIXELS_LIMIT} (default: ${SERVE_DEFAULTS.pixels})`,
    rule: `a whole number of pixels from 1 to ${MAX_PIXELS_LIMIT}`,
    read: readMaxPixels,
  },
  queue: {
    value: 'N',
    help: `requests that may wait while one is worked on, 0 to ${MAX_QUEUE}; the next is answered
      with 503 (default: ${SERVE_DEFAULTS.waiting})`,
    rule: `a whole number from 0 to ${MAX_QUEUE}`,
    read: readQueue,
  },
  timeout: {
    value: 'SECONDS',
    help: `the time of a request's work, and the time in which its client must read something, 1 to
      ${MAX_TIMEOUT} (default: ${SERVE_DEFAULTS.seconds})`,
    rule: `a whole number of seconds from 1 to ${MAX_TIMEOUT}`,
    read: readTimeout,
  },
  from: {
    value: 'DIR|URL',
    help: 'fetch from this folder or web address (default: the mirrors in weights/manifest.json)',
    rule: 'a folder or web address',
    read: readLocation,
  },
  help: { short: 'h', help: 'show this text' },
} as const satisfies Record<string, Option>;

export type OptionName = keyof typeof OPTIONS;

/** The name of an option in a command line: `size`. */
export function nameOf(key: OptionName): string {
  const option: Option = OPTIONS[key];
  return option.name ?? key;
}
