import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';

/** An array that this package read out of a file. */
export interface ReadArray {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/** Reads each file as numpy does, and prints its arrays: dtype, shape and MD5 in order C. */
const PROGRAM = `
import sys, io, json, hashlib, warnings, base64
import numpy as np
warnings.simplefilter('ignore')
def told(name, a):
    return [name, a.dtype.str, list(a.shape), hashlib.md5(np.ascontiguousarray(a).tobytes()).hexdigest()]
for line in sys.stdin:
    try:
        f = np.load(io.BytesIO(base64.b64decode(line)), allow_pickle=False)
        if hasattr(f, 'files'):
            print(json.dumps([told(n, f[n]) for n in f.files]))
        else:
            print(json.dumps([told('', f)]))
    except Exception as e:
        print(json.dumps(str(e)[:200]))
`;

const TYPES: Readonly<Record<string, string>> = {
  ...{ F16: '<f2', F32: '<f4', F64: '<f8', I8: '|i1', I16: '<i2', I32: '<i4', I64: '<i8' },
  ...{ U8: '|u1', U16: '<u2', U32: '<u4', U64: '<u8', BOOL: '|b1' },
};

let isThere: boolean | undefined;

/** Returns true if python3 has numpy. */
export function hasNumpy(): boolean {
  isThere ??= spawnSync('python3', ['-c', 'import numpy']).status === 0;
  return isThere;
}

/**
 * Compares arrays with numpy's.
 *
 * @returns the number of the first file that numpy reads otherwise or refuses, and what it says
 */
export function numpyDiffers(
  files: readonly { readonly input: Uint8Array; readonly arrays: readonly ReadArray[] }[],
): { readonly at: number; readonly text: string } | undefined {
  const input = files.map((file) => `${Buffer.from(file.input).toString('base64')}\n`).join('');
  const { stdout, status, stderr } = spawnSync('python3', ['-c', PROGRAM], {
    input,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  if (status !== 0) throw new Error(`python3 ended with ${status}: ${stderr}`);
  const lines = stdout.trim().split('\n');
  for (const [at, { arrays }] of files.entries()) {
    const own = JSON.stringify(
      arrays.map(({ name, dtype, shape, bytes }) => {
        return [name, TYPES[dtype], shape, createHash('md5').update(bytes).digest('hex')];
      }),
    );
    // Python writes other spaces, and names in ASCII.
    const numpy = JSON.stringify(JSON.parse(lines[at]));
    // Python refuses an archive for the version it names alone. Its flags and methods are checked.
    if (/^"zip file version/.test(numpy)) continue;
    if (own !== numpy)
      return { at, text: `numpy: ${numpy.slice(0, 300)}; own: ${own.slice(0, 300)}` };
  }
  return undefined;
}
