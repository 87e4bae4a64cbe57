import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ProgressBar } from '../../src/cli/terminal/progress.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** A stream that keeps what is written. */
function recorder(isTTY: boolean) {
  const written: string[] = [];
  return { written, stream: { isTTY, write: (text: string) => written.push(text) } };
}

test('ProgressBar: on a terminal → at most ten drawings a second, each over the last; the end takes the bar away', () => {
  const { written, stream } = recorder(true);
  const bar = new ProgressBar(stream);
  const encoding = bar.stage('encoding');
  for (let done = 0; done <= 100; done++) {
    encoding({ done, total: 100 });
    vi.advanceTimersByTime(10);
  }
  expect(written.length).toBe(11);
  expect(written[0]).toBe('\r\x1b[Kencoding  ░░░░░░░░░░░░░░░░░░░░░░░░    0 %  0.0 s');
  expect(written[5]).toBe('\r\x1b[Kencoding  ████████████░░░░░░░░░░░░   50 %  0.5 s');
  expect(written[10]).toBe('\r\x1b[Kencoding  ████████████████████████  100 %  1.0 s');
  vi.advanceTimersByTime(90);
  bar.stage('decoding')({ done: 1, total: 4 });
  bar.finish('out.png: 512×512');
  expect(written.slice(11)).toEqual([
    '\r\x1b[Kdecoding  ██████░░░░░░░░░░░░░░░░░░   25 %  1.1 s',
    '\r\x1b[K',
    'out.png: 512×512, 1.1 s\n',
  ]);
});

test('ProgressBar: cleared twice → once; nothing drawn → nothing to clear', () => {
  const { written, stream } = recorder(true);
  const bar = new ProgressBar(stream);
  bar.clear();
  expect(written).toEqual([]);
  bar.stage('decoding')({ done: 0, total: 0 });
  bar.clear();
  bar.clear();
  expect(written).toEqual(['\r\x1b[Kdecoding  ████████████████████████  100 %  0.0 s', '\r\x1b[K']);
});

test('ProgressBar: a stage of unknown length → the bytes so far, at most ten drawings a second', () => {
  const { written, stream } = recorder(true);
  const bar = new ProgressBar(stream);
  for (let done = 0; done <= 200; done++) {
    bar.count('a.pth', 10_000 * done);
    vi.advanceTimersByTime(1);
  }
  bar.clear();
  expect(written).toEqual([
    '\r\x1b[Ka.pth  0 bytes, the size is not known  0.0 s',
    '\r\x1b[Ka.pth  1,000,000 bytes, the size is not known  0.1 s',
    '\r\x1b[Ka.pth  2,000,000 bytes, the size is not known  0.2 s',
    '\r\x1b[K',
  ]);
});

test('ProgressBar: on a pipe → nothing', () => {
  const { written, stream } = recorder(false);
  const bar = new ProgressBar(stream);
  bar.stage('encoding')({ done: 1, total: 2 });
  bar.count('a.pth', 1);
  bar.clear();
  bar.finish('out.png: 512×512');
  expect(written).toEqual([]);
});

test('ProgressBar: stages that are parts of a whole → one bar from 0 to 100 %', () => {
  const { written, stream } = recorder(true);
  const bar = new ProgressBar(stream);
  for (const [from, to] of [
    [0, 0.25],
    [0.25, 1],
  ]) {
    const stage = bar.stage('encoding 1 of 2', from, to);
    for (const done of [0, 1, 2]) {
      stage({ done, total: 2 });
      vi.advanceTimersByTime(100);
    }
  }
  const percents = written.map((text) => Number(/(\d+) %/.exec(text)?.[1]));
  expect(percents).toEqual([0, 12, 25, 25, 62, 100]);
});
