import { lazily } from '../../platform/lazily.ts';
import { packageFile } from '../../platform/package-file.ts';
import { readUrl } from '../../platform/read-url.ts';

/** The kernels in dist/, as seen from `src/backend/wasm` and from `dist/backend/wasm`. */
const kernelsUrl = () => new URL('../../../dist/taesd.wasm', import.meta.url);
const KERNELS_PATH = '../../../dist/taesd.wasm';

/**
 * Reads the package's own file. Files that hold the whole package have `one-file/own-kernels.ts` in
 * place of this.
 *
 * @throws TaesdError ARG (the file is not there, or cannot be read), NETWORK
 */
export const readOwnKernels = (): Promise<Uint8Array> =>
  readKernels(kernelsUrl, KERNELS_PATH, import.meta.url);

/**
 * Reads kernels from a file of the package. The first three parameters are those of `packageFile`.
 *
 * @param remedy  the advice if the file is not there. Defaults to that for taesd.wasm
 * @throws TaesdError ARG (the file is not there, or cannot be read), NETWORK
 */
export async function readKernels(
  copy: () => URL,
  path: string,
  here: string,
  remedy?: string,
): Promise<Uint8Array> {
  let urls: URL[] = [];
  let cause: unknown;
  try {
    urls = packageFile(copy, path, here);
  } catch (error) {
    cause = error;
  }
  for (const url of urls) {
    const bytes = await readUrl(url);
    if (bytes !== undefined) return bytes;
  }
  const { noKernels } = await lazily(() => import('./compile-failure.ts'));
  throw noKernels(urls[0], cause, remedy);
}
