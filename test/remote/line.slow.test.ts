import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Line, type Place } from '../../src/remote/line.ts';

/*
 * The line of a handler when a place gives no sign of life: because its request was
 * dropped, or because the clock jumped, as it does where a machine slept or a process was stopped.
 */

// The package takes its clock once; these tests set it.
vi.mock(import('../../src/platform/timers.ts'), async (original) => ({
  ...(await original()),
  millisecondsOfDate: () => Date.now(),
}));

/** Any turn is shorter; one that waits is given up long before. */
const DEAD_MS = 40_000;
const HOUR_MS = 3_600_000;
/** Each looks every 5 ms whether it is first: time for many looks. */
const LOOKS_MS = 60;
const { signal } = new AbortController();

// The clock stands still unless it is set; timers run.
beforeEach(() => vi.useFakeTimers({ toFake: ['Date'] }));
afterEach(() => vi.useRealTimers());
const passTime = (ms: number) => vi.setSystemTime(Date.now() + ms);

/** A line of so many places, the first of which works. */
async function lineOf(most: number) {
  const onDead = vi.fn();
  const line = new Line(most, DEAD_MS, onDead);
  const working = line.join() as Place;
  await line.turn(working, signal);
  return { line, working, onDead };
}

test('line: the clock jumps while three wait → each has its turn, in order, none stays pending', async () => {
  const { line, onDead } = await lineOf(5);
  const turns: string[] = [];
  for (const name of ['a', 'b', 'c']) {
    const place = line.join() as Place;
    void line.turn(place, signal).then(() => {
      turns.push(name);
      place.leave();
    });
  }
  passTime(HOUR_MS);
  await pause(LOOKS_MS);
  expect(turns).toEqual(['a', 'b', 'c']);
  expect(onDead).toHaveBeenCalledTimes(1);
  expect(line.join()).toBeDefined();
});

test('line: the clock jumps and a newcomer takes the room of one that waits → its turn ends, false', async () => {
  const { line, working, onDead } = await lineOf(2);
  const waiting = line.join() as Place;
  const turn = line.turn(waiting, signal);
  expect(line.join()).toBeUndefined();
  passTime(DEAD_MS / 2);
  const newcomer = line.join() as Place;
  expect(newcomer).toBeDefined();
  expect(await Promise.race([turn, pause(LOOKS_MS, 'pending')])).toBe(false);
  expect(line.join()).toBeUndefined();
  working.leave();
  expect(await line.turn(newcomer, signal)).toBe(true);
  expect(onDead).not.toHaveBeenCalled();
});

test('line: one that waits shows no life → the next passes after 1 s, and nothing is said to be half-way', async () => {
  const { line, working, onDead } = await lineOf(5);
  line.join();
  const next = line.join() as Place;
  working.leave();
  let has = false;
  const turn = line.turn(next, signal).then(() => {
    has = true;
  });
  passTime(900);
  await pause(LOOKS_MS);
  expect(has).toBe(false);
  passTime(200);
  expect(await Promise.race([turn, pause(LOOKS_MS, 'pending')])).toBeUndefined();
  expect(onDead).not.toHaveBeenCalled();
});

test('line: one that works shows no life → given up after its deadline and not before, once', async () => {
  const { line, working, onDead } = await lineOf(2);
  passTime(DEAD_MS);
  expect(line.stillWorking(working)).toBe(true);
  passTime(DEAD_MS);
  const next = line.join() as Place;
  expect(next).toBeDefined();
  expect(onDead).not.toHaveBeenCalled();
  passTime(1);
  expect(await line.turn(next, signal)).toBe(true);
  expect(onDead).toHaveBeenCalledTimes(1);
  expect([line.stillWorking(working), line.stillWorking(next)]).toEqual([false, true]);
  // What it does late is in nobody's way.
  working.leave();
  expect(line.stillWorking(next)).toBe(true);
});

test('line: one joins again though it is full → it is the last; newcomers are refused as before', async () => {
  const { line, working } = await lineOf(2);
  const waiting = line.join() as Place;
  expect(line.othersWait).toBe(true);
  working.leave();
  expect(line.othersWait).toBe(false);
  const newcomer = line.join() as Place;
  line.rejoin(working);
  expect(line.join()).toBeUndefined();
  const turns: string[] = [];
  for (const [name, place] of Object.entries({ working, newcomer, waiting })) {
    void line.turn(place, signal).then(() => {
      turns.push(name);
      place.leave();
    });
  }
  await pause(LOOKS_MS);
  expect(turns).toEqual(['waiting', 'newcomer', 'working']);
});

test('line: heavy work before light work → eight light turns, a heavy one, and so on', async () => {
  const { line, working } = await lineOf(40);
  const turns: string[] = [];
  const join = (name: string, heavy: boolean) => {
    const place = line.join(heavy) as Place;
    void line.turn(place, signal).then(() => {
      turns.push(name);
      place.leave();
    });
  };
  join('A', true);
  join('B', true);
  for (let n = 0; n < 12; n++) join(`${n}`, false);
  working.leave();
  await pause(10 * LOOKS_MS);
  // The one that worked first was light, too.
  const order = ['0', '1', '2', '3', '4', '5', '6', 'A', '7', '8', '9', '10', '11', 'B'];
  expect(turns).toEqual(order);
});
