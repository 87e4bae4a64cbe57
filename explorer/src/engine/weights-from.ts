import type { LoadOptions } from 'taesd-wasm';
import { tell } from './answer.ts';
import type { WeightsFrom } from './protocol.ts';

/** Returns the options of `Taesd.load` for each place that weights can come from. */
export async function loadOptions(from: WeightsFrom): Promise<LoadOptions> {
  switch (from.kind) {
    case 'package':
    case 'cache':
      return {};
    case 'served': {
      const [first, decoder] = await Promise.all(from.addresses.map(bytesAt));
      return { weights: decoder === undefined ? first : { encoder: first, decoder } };
    }
    case 'download':
      return {
        download: true,
        onDownload: ({ done, total }) => tell({ type: 'download', done, total }),
      };
    case 'files':
      return { weights: await bytesOf(from.files) };
  }
}

async function bytesAt(address: string): Promise<Uint8Array> {
  const response = await fetch(address);
  if (!response.ok)
    throw new Error(`The server has no ${address}: it answered ${response.status}.`);
  return new Uint8Array(await response.arrayBuffer());
}

/** One file of both halves, or one file for each, told apart by their names. */
async function bytesOf(files: readonly File[]) {
  const bytes = await Promise.all(
    files.map(async (file) => new Uint8Array(await file.arrayBuffer())),
  );
  if (files.length === 1) return bytes[0];
  const named = (part: string) => bytes[files.findIndex(({ name }) => name.includes(part))];
  return { encoder: named('encoder'), decoder: named('decoder') };
}
