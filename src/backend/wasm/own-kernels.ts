import { expected } from '../../errors.ts';
import { readUrl } from '../../platform/read-url.ts';

/**
 * The address of the kernels in dist/, as seen from `src/backend/wasm` and from
 * `dist/backend/wasm`.
 */
const kernelsUrl = () => new URL('../../../dist/taesd.wasm', import.meta.url);

/**
 * Reads the package's own file. Files that hold the whole package have `one-file/own-kernels.ts` in
 * place of this.
 *
 * @throws TaesdError ARG (the file is not there, or cannot be read), NETWORK
 */
export async function readOwnKernels(): Promise<Uint8Array> {
  const hint =
    'hand over the module, or kernels() of taesd-wasm/kernels, as the option wasm; in a checkout, "npm run build" makes it';
  let url: URL;
  try {
    url = kernelsUrl();
  } catch (cause) {
    // Bundled code may not know its own address.
    const rule = 'to know where the package lies';
    throw expected('ARG', 'import.meta.url', rule, 'no URL', { hint, cause });
  }
  const bytes = await readUrl(url);
  if (bytes === undefined) throw expected('ARG', url.href, 'the kernels', 'no such file', { hint });
  return bytes;
}
