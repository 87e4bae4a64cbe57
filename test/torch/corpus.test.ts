import { describe, expect } from 'vitest';
import { TaesdError } from '../../src/errors.ts';
import { readTorch } from '../../src/torch/read-torch.ts';
import { tensorsOf } from '../../src/torch/tensors-of.ts';
import { sharedFile, sharedIsThere, sharedPath, testShared } from '../shared.ts';
import { elementsOf } from './elements-of.ts';

/*
 * 292 files with verdicts: layouts of torch, and hostile ones. ../shared/pth/README.md describes
 * each.
 */

interface Verdict {
  readonly right: 'read' | 'read or refuse' | 'refuse';
  readonly codes?: readonly string[];
  readonly tensors?: readonly ExpectedTensor[];
}

interface ExpectedTensor {
  readonly path: readonly (string | number)[];
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly values: readonly (number | boolean | string)[];
}

const TYPES_NOT_READ = ['I64', 'I32', 'I16', 'I8', 'U8', 'BOOL'];
const MAX_MS = 1000;

const expectedOf = (): [string, Verdict][] =>
  Object.entries(JSON.parse(new TextDecoder().decode(sharedFile('pth/expected.json'))));

/** Reads a file wholly: its value and the numbers of all its tensors. */
function readAll(bytes: Uint8Array) {
  return tensorsOf(readTorch(bytes)).map(({ path, tensor }) => {
    const { dtype, shape } = tensor;
    if (TYPES_NOT_READ.includes(dtype)) {
      expect(() => tensor.read()).toThrow(expect.objectContaining({ code: 'UNSUPPORTED' }));
      return { path, dtype, shape };
    }
    return { path, dtype, shape, values: elementsOf(tensor.read()) };
  });
}

/** The expected tensors, in numbers that `elementsOf` gives. */
const expectedTensors = (tensors: readonly ExpectedTensor[]) =>
  tensors.map(({ values, ...tensor }) =>
    TYPES_NOT_READ.includes(tensor.dtype) ? tensor : { ...tensor, values: values.map(Number) },
  );

/** Returns the outcome of reading a file: its tensors, or its error's code and message. */
function outcomeOf(bytes: Uint8Array) {
  const before = process.cpuUsage();
  const copy = bytes.slice();
  let tensors: ReturnType<typeof readAll> | undefined;
  let error: unknown;
  try {
    tensors = readAll(bytes);
  } catch (thrown) {
    error = thrown;
  }
  const { user, system } = process.cpuUsage(before);
  expect(bytes).toEqual(copy);
  return { tensors, error, ms: (user + system) / 1000 };
}

describe('the corpus of .pth files', () => {
  testShared('the verdicts → 26 to read, 200 to refuse, 66 of either', () => {
    const rights = expectedOf().map(([, { right }]) => right);
    const count = (right: string) => rights.filter((one) => one === right).length;
    expect(['read', 'refuse', 'read or refuse'].map(count)).toEqual([26, 200, 66]);
  });

  const cases = sharedIsThere ? expectedOf() : [];
  for (const [name, { right, codes, tensors }] of cases) {
    testShared(`${name} → ${right} ${codes?.join(', ') ?? ''}`.trimEnd(), () => {
      const outcome = outcomeOf(sharedFile(`pth/${name}`));
      if (right === 'read') expect(outcome.error).toBeUndefined();
      if (right === 'refuse') expect(outcome.tensors).toBeUndefined();
      if (outcome.error === undefined) {
        if (tensors) expect(outcome.tensors).toEqual(expectedTensors(tensors));
      } else {
        expect(outcome.error).toBeInstanceOf(TaesdError);
        const { code, message } = outcome.error as TaesdError;
        expect(codes, message).toContain(code);
        expect(message.length).toBeLessThan(600);
        expect(message).not.toMatch(/[\n\r]/);
      }
      expect(outcome.ms).toBeLessThan(MAX_MS);
      // After any file a good one is read.
      expect(readAll(sharedFile('pth/zip-dict.pth'))).toHaveLength(2);
    });
  }

  testShared('files of 9,000-letter names and random bytes → messages of one line', () => {
    for (const name of ['global-long.pth', 'key-long.pth', 'not-random.pth']) {
      const { error } = outcomeOf(sharedFile(`pth/${name}`));
      expect((error as TaesdError).message.length).toBeLessThan(400);
    }
    expect(sharedPath('pth')).toContain('shared');
  });
});
