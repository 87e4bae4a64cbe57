import { stat } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { systemReason } from '../../src/platform/system-errors.ts';

test('systemReason: errors of the system → a few words, without the path', async () => {
  const long = await stat(`/${'x'.repeat(300)}`).catch((error) => error);
  expect(systemReason(long)).toBe('a name that is too long for the disk');
  const message = "EMFILE: too many open files, open '/a, open 'b'";
  const many = Object.assign(new Error(message), {
    ...{ code: 'EMFILE', syscall: 'open' },
  });
  expect(systemReason(many)).toBe('EMFILE: too many open files');
  expect(systemReason(new Error("no, open 'it'"))).toBe("no, open 'it'");
  expect(systemReason(undefined)).toBe('undefined');
});
