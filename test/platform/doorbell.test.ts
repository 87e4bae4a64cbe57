import { expect, test } from 'vitest';
import { Doorbell } from '../../src/platform/doorbell.ts';

test('Doorbell: two calls wait, one ring → both go on; a ring before them → wakes neither', async () => {
  const bell = new Doorbell();
  bell.ring();
  const woken: string[] = [];
  const first = bell.wait().then(() => woken.push('first'));
  const second = bell.wait().then(() => woken.push('second'));
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect(woken).toEqual([]);
  bell.ring();
  await Promise.all([first, second]);
  expect(woken).toEqual(['first', 'second']);
  const third = bell.wait().then(() => woken.push('third'));
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect(woken).toHaveLength(2);
  bell.ring();
  await third;
  expect(woken).toHaveLength(3);
});
