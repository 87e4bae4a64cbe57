import { expect, test } from 'vitest';
import { Client, EngineError } from '../../explorer/src/engine/client.ts';

/*
 * The page's side of the protocol, with a worker that answers when the test says.
 */

interface Methods {
  pixel(x: number): Promise<string>;
  channel(n: number): Promise<string>;
}

function fakeWorker() {
  const sent: { id: number; method: string; args: readonly unknown[] }[] = [];
  let hasEnded = false;
  const worker = {
    onmessage: null as ((event: MessageEvent) => unknown) | null,
    onerror: null as ((event: ErrorEvent) => unknown) | null,
    postMessage: (message: unknown) => void sent.push(message as (typeof sent)[number]),
    terminate: () => {
      hasEnded = true;
    },
  };
  const answer = async (id: number, part: object) => {
    worker.onmessage?.({ data: { id, ...part } } as MessageEvent);
    // A call that waits is sent some microtasks later.
    await new Promise((resolve) => setTimeout(resolve));
  };
  return { worker, sent, answer, isEnded: () => hasEnded };
}

const settled = (promise: Promise<string>) =>
  promise.catch(({ code, name }: EngineError) => `${name} ${code}`);

test('three calls with one key → the first and the last are sent, the one between ends in ABORTED', async () => {
  const { worker, sent, answer } = fakeWorker();
  const client = new Client<Methods>(worker);
  const results = [1, 2, 3].map((x) => settled(client.latest('pixel', 'hand', x)));
  expect(sent.map(({ args }) => args)).toEqual([[1]]);
  expect(await results[1]).toBe('EngineError ABORTED');
  await answer(sent[0].id, { result: 'one' });
  expect(sent.map(({ args }) => args)).toEqual([[1], [3]]);
  await answer(sent[1].id, { result: 'three' });
  expect(await Promise.all(results)).toEqual(['one', 'EngineError ABORTED', 'three']);
  // The key is free again.
  const next = client.latest('pixel', 'hand', 4);
  expect(sent.length).toBe(3);
  await answer(sent[2].id, { result: 'four' });
  expect(await next).toBe('four');
});

test('two keys → both are sent; one key of two methods → the second waits', async () => {
  const { worker, sent, answer } = fakeWorker();
  const client = new Client<Methods>(worker);
  const first = client.latest('pixel', 'a', 1);
  client.latest('pixel', 'b', 2);
  client.latest('channel', 'a', 3);
  expect(sent.map(({ method, args }) => [method, ...args])).toEqual([
    ['pixel', 1],
    ['pixel', 2],
  ]);
  await answer(sent[0].id, { result: 'one' });
  expect(await first).toBe('one');
  expect(sent[2]).toMatchObject({ method: 'channel', args: [3] });
});

test('a call that fails → its own error, and the one that waits is sent', async () => {
  const { worker, sent, answer } = fakeWorker();
  const client = new Client<Methods>(worker);
  const results = [1, 2].map((x) => client.latest('pixel', 'a', x));
  const failed = expect(results[0]).rejects.toMatchObject({ message: 'no', code: 'ENDED' });
  await answer(sent[0].id, { error: { message: 'no', code: 'ENDED' } });
  await failed;
  await answer(sent[1].id, { result: 'two' });
  expect(await results[1]).toBe('two');
});

test('the worker is ended → calls on their way, those that wait and later ones end in ENDED', async () => {
  const { worker, isEnded } = fakeWorker();
  const client = new Client<Methods>(worker);
  const results = [1, 2].map((x) => settled(client.latest('pixel', 'a', x)));
  client.end();
  expect(isEnded()).toBe(true);
  expect(await Promise.all(results)).toEqual(['EngineError ENDED', 'EngineError ENDED']);
  await expect(client.call('pixel', 1)).rejects.toBeInstanceOf(EngineError);
});

test('a worker that cannot be started → its words, for later calls too', async () => {
  const { worker } = fakeWorker();
  const client = new Client<Methods>(worker);
  const first = settled(client.call('pixel', 1));
  worker.onerror?.({ message: 'no such file' } as ErrorEvent);
  expect(await first).toBe('EngineError ENDED');
  await expect(client.call('pixel', 2)).rejects.toThrow('no such file');
});
