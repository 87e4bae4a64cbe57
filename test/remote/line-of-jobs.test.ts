import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Taesd, type Tensor } from '../../src/index.ts';
import { createRemote, type RemoteModel } from '../../src/remote/index.ts';
import { randomTensor, seededRandom } from '../random.ts';
import { answerOf, decodeRequest } from './ask.ts';

/*
 * Answers that are made whole or of several pictures: their turns, what they keep, and clients that
 * do not read.
 */

let taesd: Taesd;
beforeAll(async () => {
  taesd = await Taesd.load({ model: 'nano', workers: 0 });
});
afterAll(() => taesd.dispose());

const latentsOf = (shape: readonly number[]): Tensor =>
  randomTensor(seededRandom(shape.length), shape, 2);
const small = latentsOf([1, 4, 3, 5]);
const batch = latentsOf([4, 4, 24, 24]);
const HEALTH = 'http://example/health';
const factor = { scaling_factor: 0.18215 };
const pt = { ...factor, output_type: 'pt' };
const partial = { ...pt, partial_postprocess: 'True' };

/** An instance whose calls are counted, and that is not disposed of. */
function counted(before: (call: number) => Promise<void> = async () => {}) {
  const order: string[] = [];
  const model: RemoteModel = Object.assign(Object.create(taesd), {
    decode: async (...args: Parameters<Taesd['decode']>) => {
      order.push(`${(args[0] as Tensor).shape[3]}`);
      await before(order.length);
      return taesd.decode(...args);
    },
    decodeRows: taesd.decodeRows.bind(taesd),
    dispose: () => {},
  });
  return { order, respond: createRemote({ models: ['nano'], load: async () => model }) };
}

describe('turns', () => {
  test('a batch of four, and one that comes meanwhile → the one has its turn between two of the four', async () => {
    let one: ReturnType<typeof answerOf> | undefined;
    const { order, respond } = counted(async (call) => {
      if (call > 1) return;
      one = answerOf(respond, decodeRequest(small, pt));
      const requests = async () => (await answerOf(respond, new Request(HEALTH))).json.requests;
      while ((await requests()) < 2) await pause(5);
    });
    expect((await answerOf(respond, decodeRequest(batch, pt))).shape).toEqual([4, 3, 192, 192]);
    expect((await one)?.shape).toEqual([1, 3, 24, 40]);
    expect(order).toEqual(['24', '5', '24', '24', '24']);
  });

  test('a picture that is never made → 503 TIMEOUT when its turn is over; the next is served', async () => {
    let calls = 0;
    const hanging = createRemote({
      models: ['nano'],
      limits: { turnMs: 2000 },
      load: async () =>
        Object.assign(Object.create(taesd), {
          decode: (...args: Parameters<Taesd['decode']>) =>
            calls++ === 0 ? new Promise(() => {}) : taesd.decode(...args),
          dispose: () => {},
        }),
    });
    const { status, json } = await answerOf(hanging, decodeRequest(small, pt));
    expect([status, json]).toEqual([
      503,
      { code: 'TIMEOUT', message: 'decode: the picture took longer than 2000 ms' },
    ]);
    expect((await answerOf(hanging, decodeRequest(small, pt))).status).toBe(200);
  });
});

describe('clients that do not read', () => {
  test.each([
    ['numbers', pt],
    ['bytes', partial],
  ])(
    '%s of a batch, with room for one picture → the next is served meanwhile; then the rest',
    async (_name, more) => {
      const limits = { answerBytes: 120_000, waiting: 1 };
      const respond = createRemote({ models: [taesd], limits });
      const slow = await respond(decodeRequest(batch, more));
      await pause(100);
      expect((await answerOf(respond, decodeRequest(small, more))).status).toBe(200);
      const whole = await answerOf(createRemote({ models: [taesd] }), decodeRequest(batch, more));
      expect(new Uint8Array(await slow.arrayBuffer())).toEqual(whole.bytes);
    },
  );

  test('one that reads nothing in its time → its stream fails, the next is served', async () => {
    const respond = createRemote({ models: [taesd], limits: { turnMs: 2000 } });
    const ended: Promise<unknown>[] = [];
    const slow = await respond(decodeRequest(small, pt), (work) => ended.push(work));
    await Promise.all(ended);
    await expect(slow.arrayBuffer()).rejects.toThrow('the client read nothing for 2000 ms');
    expect((await answerOf(respond, decodeRequest(small, pt))).status).toBe(200);
  });

  test('numbers that need more than is left → 503 BUSY; one alone has room', async () => {
    const respond = createRemote({ models: [taesd], limits: { keptBytes: 1_000_000 } });
    const first = await respond(decodeRequest(batch, pt));
    const { status, json } = await answerOf(respond, decodeRequest(batch, pt));
    expect([status, json.code]).toEqual([503, 'BUSY']);
    expect((await first.arrayBuffer()).byteLength).toBe(4 * 3 * 192 * 192 * 2);
    expect((await answerOf(respond, decodeRequest(batch, pt))).status).toBe(200);
  });
});
