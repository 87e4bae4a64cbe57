import { narrowTo } from '../../src/numbers/narrow.ts';
import type { RemoteHandler } from '../../src/remote/index.ts';
import type { Tensor } from '../../src/tensor.ts';

/*
 * Requests as diffusers' client sends them. The queries and headers are those recorded from
 * `remote_decode` and `remote_encode` of diffusers 58eb52c0; the bytes are the tests' own.
 */

const HOST = 'http://example';

/** The parameters as Python's requests writes them. */
export type Query = Readonly<Record<string, string | number | readonly number[]>>;

export function addressOf(path: string, query: Query): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const one of Array.isArray(value) ? value : [value]) params.append(name, `${one}`);
  }
  return `${HOST}${path}?${params}`;
}

/** The parameters that the client sends for latents, unless another is given. */
export const DEFAULTS = {
  image_format: 'jpg',
  output_type: 'pil',
  partial_postprocess: 'False',
} as const;

type Dtype = 'float16' | 'bfloat16' | 'float32';

const TYPES = { float16: 'F16', bfloat16: 'BF16', float32: 'F32' } as const;

/** The bytes of numbers as PyTorch holds them. */
export const bytesOf = ({ data }: Pick<Tensor, 'data'>, dtype: Dtype): Uint8Array<ArrayBuffer> =>
  narrowTo(TYPES[dtype], data);

export interface Asked extends Query {
  readonly dtype?: Dtype;
}

/** Makes the request of `remote_decode(endpoint, latents, …)`. */
export function decodeRequest(latents: Tensor, more: Asked, init: RequestInit = {}): Request {
  const { dtype = 'float16' } = more;
  const query = { ...DEFAULTS, shape: latents.shape, ...more, dtype };
  const headers = { 'content-type': 'tensor/binary', accept: acceptOf(query) };
  const body = bytesOf(latents, dtype);
  return new Request(addressOf('/', query), { method: 'POST', headers, body, ...init });
}

/** The header as the client chooses it, without a processor. */
function acceptOf({ output_type, image_format }: Query): string {
  if (output_type === 'pt') return 'tensor/binary';
  if (output_type === 'mp4') return 'text/plain';
  return image_format === 'png' ? 'image/png' : 'image/jpeg';
}

/** Makes the request of `remote_encode(endpoint, image, …)`. Requests names no type for bytes. */
export const encodeRequest = (
  body: Uint8Array<ArrayBuffer>,
  query: Query,
  init: RequestInit = {},
): Request => {
  const address = addressOf('/encode', query);
  return new Request(address, { method: 'POST', body, ...init });
};

/** The answer of a handler: status, headers, and its bytes or its JSON. */
export async function answerOf(handler: RemoteHandler, request: Request) {
  const answer = await handler(request);
  const { status, headers } = answer;
  const type = headers.get('content-type');
  const bytes = new Uint8Array(await answer.arrayBuffer());
  const isJson = type === 'application/json';
  const json = isJson ? JSON.parse(new TextDecoder().decode(bytes)) : undefined;
  const { shape, dtype } = { shape: headers.get('shape'), dtype: headers.get('dtype') };
  return { status, type, shape: JSON.parse(shape ?? 'null'), dtype, bytes, json };
}
