import { expected, messageOf, onOneLine, TaesdError, withHint } from '../errors.ts';
import { isServiceWorker, noPart } from '../platform/lazily.ts';
import { isNodeLike } from '../platform/runtime.ts';

/** A decoder or encoder of an optional package: code of Emscripten's, and a `.wasm` file. */
export interface Codec {
  /** `JPEG` */
  readonly kind: string;
  /** `@jsquash/jpeg` */
  readonly packageName: string;
  /** The path of its code in the package, without the ending. */
  readonly path: string;
  /** Imports its code by name. Written out for each, so that bundlers find it. */
  readonly load: () => Promise<unknown>;
}

/** A running decoder. */
export interface CodecInstance {
  decode(bytes: Uint8Array, keepOrientation?: boolean): CodecPicture | null;
}

/** An ImageData, or the object that the package uses where there is no such class. */
export interface CodecPicture {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8ClampedArray;
}

/** The function that starts a codec; the part of Emscripten's that is used here. */
type Start = (options: StartOptions) => Promise<unknown>;

interface StartOptions {
  readonly noInitialRun: true;
  readonly print: (line: string) => void;
  readonly printErr: (line: string) => void;
  readonly instantiateWasm?: (
    imports: WebAssembly.Imports,
    done: (instance: WebAssembly.Instance) => void,
  ) => object;
}

/** A codec that was loaded. */
interface Loaded {
  readonly start: Start;
  /** Undefined in browsers: there the package's code fetches its file itself. */
  readonly module: WebAssembly.Module | undefined;
}

/** The codecs by path. A load that failed is not kept, so that a later call tries again. */
const loaded = new Map<string, Promise<Loaded>>();

/**
 * Starts a decoder, or an encoder if `Instance` is one. Each call gets an instance of its own: one
 * that met a damaged file may have ended, and its memory does not shrink. A compiled module starts
 * in less than a millisecond.
 *
 * @param onLine  takes the codec's words about the file. If it throws, its work ends
 * @throws TaesdError UNSUPPORTED (the package is not installed, or this runtime cannot run it)
 */
export async function startCodec<Instance = CodecInstance>(
  codec: Codec,
  onLine: (line: string) => void,
): Promise<Instance> {
  const { path } = codec;
  const loading = loaded.get(path) ?? loadCodec(codec);
  loaded.set(path, loading);
  const { start, module } = await loading.catch((error: unknown) => {
    loaded.delete(path);
    throw error;
  });
  const options = { noInitialRun: true, print: onLine, printErr: onLine } as const;
  try {
    if (module === undefined) return (await withoutNewGlobal(() => start(options))) as Instance;
    return await new Promise<Instance>((resolve, reject) => {
      const instantiateWasm: StartOptions['instantiateWasm'] = (imports, done) => {
        WebAssembly.instantiate(module, imports).then(done, reject);
        return {};
      };
      const started = withoutNewGlobal(() => start({ ...options, instantiateWasm }));
      (started as Promise<Instance>).then(resolve, reject);
    });
  } catch (cause) {
    throw notRunning(codec, cause);
  }
}

async function loadCodec(codec: Codec): Promise<Loaded> {
  if (typeof WebAssembly === 'undefined') {
    throw expected('UNSUPPORTED', codec.kind, 'a runtime with WebAssembly', 'none');
  }
  const code = await importCode(codec);
  const start = (code as { readonly default: Start }).default;
  if (!isNodeLike()) return { start, module: undefined };
  try {
    return { start, module: await compileFile(`${codec.packageName}/${codec.path}.wasm`) };
  } catch (cause) {
    throw notRunning(codec, cause);
  }
}

async function importCode(codec: Codec): Promise<unknown> {
  try {
    return await codec.load();
  } catch (cause) {
    const beside = isNodeLike() ? undefined : await importBeside(codec);
    if (beside !== undefined) return beside;
    if (isServiceWorker()) throw noPart(cause);
    const { kind, packageName } = codec;
    const reason = absence(cause);
    const rest = reason === undefined ? '' : `, got ${onOneLine(reason)}`;
    const sentence = `${kind} files need the optional package ${packageName}${rest}`;
    throw new TaesdError('UNSUPPORTED', withHint(sentence, `npm install ${packageName}`), {
      cause,
    });
  }
}

/** Runtimes report a missing package in many words. Any other error is shown as it is. */
const absence = (cause: unknown): string | undefined =>
  /not.found|cannot find|resolve|failed to fetch|error loading/i.test(messageOf(cause))
    ? undefined
    : messageOf(cause);

/**
 * Imports the code from the folder beside this package. A page without a bundler and without an
 * import map finds it there: in `node_modules`, and on servers that mirror npm.
 */
async function importBeside({ packageName, path }: Codec): Promise<unknown> {
  try {
    const address = new URL(`../../../${packageName}/${path}.js`, import.meta.url).href;
    return await import(/* @vite-ignore */ /* webpackIgnore: true */ address);
  } catch {
    return undefined;
  }
}

/** Compiles a file of an installed package, whose own code would fetch it. Node cannot do that. */
async function compileFile(name: string): Promise<WebAssembly.Module> {
  const { createRequire } = process.getBuiltinModule('node:module');
  const { readFile } = process.getBuiltinModule('node:fs/promises');
  const bytes = await readFile(createRequire(import.meta.url).resolve(name));
  return WebAssembly.compile(bytes);
}

const notRunning = ({ kind, packageName }: Codec, cause: unknown): TaesdError => {
  if (cause instanceof TaesdError) return cause;
  const hint =
    "a bundler must keep the package's .wasm file (Vite in development: optimizeDeps.exclude), and a policy must allow 'wasm-unsafe-eval'";
  const rule = `to start the code of ${packageName}`;
  return expected('UNSUPPORTED', kind, rule, messageOf(cause), { hint, cause });
};

/**
 * Runs `work`, and takes away the global class ImageData that the package's code defines where
 * there is none. Other programs take its presence for a browser.
 */
function withoutNewGlobal<Result>(work: () => Result): Result {
  const had = 'ImageData' in globalThis;
  try {
    return work();
  } finally {
    if (!had) Reflect.deleteProperty(globalThis, 'ImageData');
  }
}

/**
 * Decodes a file. The decoder makes its result with the global class ImageData, which for this
 * moment is one of this module: some runtimes have none, and other code may have replaced it.
 */
export function decodeWith(
  instance: CodecInstance,
  bytes: Uint8Array,
  kind: string,
): CodecPicture | null {
  const before = Object.getOwnPropertyDescriptor(globalThis, 'ImageData');
  const own = { value: PlainImageData, writable: true, configurable: true };
  Object.defineProperty(globalThis, 'ImageData', own);
  try {
    return kind === 'JPEG' ? instance.decode(bytes, false) : instance.decode(bytes);
  } finally {
    if (before === undefined) Reflect.deleteProperty(globalThis, 'ImageData');
    else Object.defineProperty(globalThis, 'ImageData', before);
  }
}

class PlainImageData implements CodecPicture {
  readonly data: Uint8ClampedArray;
  readonly width: number;
  readonly height: number;

  constructor(data: Uint8ClampedArray, width: number, height: number) {
    this.data = data;
    this.width = width;
    this.height = height;
  }
}
