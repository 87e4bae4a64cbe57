import { allocate } from '../allocate.ts';
import { expected, messageOf, TaesdError } from '../errors.ts';
import { type Codec, decodeWith, startCodec } from './codec.ts';

/** By this `catch` bundlers see that the packages may be absent: esbuild warns then, and builds. */
const absent = (cause: unknown): never => {
  throw cause;
};

/** The decoders. Their pixels are those of libjpeg-turbo and libwebp, to the bit. */
export const JPEG: Codec = {
  kind: 'JPEG',
  packageName: '@jsquash/jpeg',
  path: 'codec/dec/mozjpeg_dec',
  load: () => import('@jsquash/jpeg/codec/dec/mozjpeg_dec.js').catch(absent),
};
export const WEBP: Codec = {
  kind: 'WebP',
  packageName: '@jsquash/webp',
  path: 'codec/dec/webp_dec',
  load: () => import('@jsquash/webp/codec/dec/webp_dec.js').catch(absent),
};

/** The pixels of a file as they are stored, and sentences about what did no harm to them. */
export interface StoredPicture {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
  readonly notes: readonly string[];
}

/**
 * Decodes a file whose header was checked.
 *
 * @param size  the size in that header
 * @throws TaesdError INTEGRITY (damaged), TRUNCATED (a scan that ends early), UNSUPPORTED (no
 *   decoder), OOM
 */
export async function decodeFile(
  codec: Codec,
  bytes: Uint8Array,
  size: { readonly width: number; readonly height: number },
): Promise<StoredPicture> {
  const { kind } = codec;
  const notes: string[] = [];
  let lastLine = '';
  const instance = await startCodec(codec, (line) => {
    lastLine = line;
    const fault = faultOf(kind, line);
    if (fault !== undefined) throw fault;
    notes.push(`${kind}: ${line}`);
  });
  let picture: ReturnType<typeof decodeWith>;
  try {
    picture = allocate('pixels', `${size.width}×${size.height}`, () =>
      decodeWith(instance, bytes, kind),
    );
  } catch (cause) {
    throw failure(kind, cause, lastLine, size);
  }
  if (picture === null || picture.width !== size.width || picture.height !== size.height) {
    const hint = 'damaged file?';
    throw expected('INTEGRITY', kind, 'data of a whole picture', 'other data', { hint });
  }
  const { width, height, data } = picture;
  return {
    width,
    height,
    data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
    notes,
  };
}

/**
 * Returns the error that a warning of libjpeg stands for: it would fill the rest with grey and
 * report success. Undefined for warnings about bytes that hold no pixels.
 */
function faultOf(kind: string, line: string): TaesdError | undefined {
  if (/premature end/i.test(line)) {
    const hint = 'the file is cut off, or its middle is lost';
    return expected('TRUNCATED', kind, 'scans of the whole picture', line, { hint });
  }
  const isHarmless = /extraneous bytes before marker 0xd9|bad ICC marker/.test(line);
  if (isHarmless || !/^(Corrupt JPEG data|Inconsistent progression)/.test(line)) return undefined;
  return expected('INTEGRITY', kind, 'undamaged data', line, { hint: 'damaged file?' });
}

/** Returns the error of a decoder that ended. `exit(1)` follows a line that says why. */
function failure(
  kind: string,
  cause: unknown,
  lastLine: string,
  { width, height }: { readonly width: number; readonly height: number },
): unknown {
  if (cause instanceof TaesdError) return cause;
  const message = messageOf(cause);
  if (/insufficient memory/i.test(lastLine) || /^Aborted\(/.test(message)) {
    const sentence = `out of memory for "pixels": ${width}×${height}`;
    return new TaesdError('OOM', sentence, { cause });
  }
  const got = lastLine === '' ? message : lastLine;
  const code = /unsupported|not supported/i.test(got) ? 'UNSUPPORTED' : 'INTEGRITY';
  return expected(code, kind, 'undamaged data', got, { hint: 'damaged file?', cause });
}
