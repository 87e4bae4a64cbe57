import { Client } from './client.ts';
import type { DreamMethods, EngineMethods, FilesMethods } from './protocol.ts';

/*
 * The page's workers. Each call starts one. Their addresses and types must stand here as they are:
 * Vite finds workers by reading this text.
 */

/** One model: `load` comes first. */
export const startEngine = (): Client<EngineMethods> =>
  new Client(new Worker(new URL('./engine-worker.ts', import.meta.url), { type: 'module' }));

/** Files that are opened and saved, in a worker that starts at once. */
export const startFiles = (): Client<FilesMethods> =>
  new Client(new Worker(new URL('./files-worker.ts', import.meta.url), { type: 'module' }));

/** The worker that opens and saves files, as the page needs it. */
export type FilesClient = Pick<Client<FilesMethods>, 'call' | 'end'>;

/**
 * Files that are opened and saved. The first call starts the worker: the page's first sum does
 * without.
 */
export function filesLater(): FilesClient {
  let client: Client<FilesMethods> | undefined;
  return {
    call(method, ...args) {
      client ??= startFiles();
      return client.call(method, ...args);
    },
    end: () => client?.end(),
  };
}

/** The diffusion model `dream`. */
export const startDream = (): Client<DreamMethods> =>
  new Client(new Worker(new URL('./dream-worker.ts', import.meta.url), { type: 'module' }));
