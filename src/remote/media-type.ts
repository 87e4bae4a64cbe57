import { wrongType } from './problem.ts';

/** The type of raw tensors in diffusers' client. */
export const TENSOR_TYPE = 'tensor/binary';
export const RAW_TYPE = 'application/octet-stream';
export const PNG_TYPE = 'image/png';

/**
 * Returns the media type of a body in small letters; empty if the request names none.
 *
 * @throws HttpProblem TYPE (a compressed body)
 */
export function bodyTypeOf({ headers }: Request): string {
  // Both headers may be in capitals.
  const encoding = (headers.get('content-encoding') ?? 'identity').toLowerCase();
  if (encoding !== 'identity') throw wrongType('content-encoding', 'none', encoding);
  return plain(headers.get('content-type') ?? '');
}

/** @throws HttpProblem TYPE (none of `types`) */
export function checkBodyType(type: string, types: readonly string[], rule: string): void {
  if (!types.includes(type)) throw wrongType('content-type', rule, type || 'none');
}

/** Returns true if the client names a media type among those it takes. */
export const accepts = ({ headers }: Request, type: string): boolean =>
  (headers.get('accept') ?? '').split(',').some((one) => plain(one) === type);

const plain = (type: string): string => type.split(';', 1)[0].trim().toLowerCase();
