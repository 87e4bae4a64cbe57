import { inCall } from '../errors.ts';
import type { ModelName } from '../model/variants.ts';
import { type FrameSource, openSource } from '../preview/frame-source.ts';
import { previewFrom, type StreamPreview } from '../preview/preview-from.ts';
import { bytesOfBase64 } from '../wire/base64.ts';
import { readFrame } from '../wire/frame.ts';
import type { Reception } from './reception.ts';

const OPEN = 1;

type Listener = (event: Readonly<Record<string, unknown>>) => void;

/**
 * Shows the frames of a connection until it ends or is closed. `previewFrom` needs an instance, and
 * the first frame says of which model: so the connection is opened here, and `previewFrom` gets a
 * socket in its place.
 *
 * @throws TaesdError as `previewFrom`
 */
export function showFrames(connection: FrameSource, reception: Reception): void {
  const { signal, resolution, onError } = reception;
  const listeners: Record<string, Listener | undefined> = {};
  let count = 0;
  let preview: StreamPreview | undefined;
  const open = openSource(connection, {
    take: (frame) =>
      reporting(() => {
        count++;
        const bytes = typeof frame === 'string' ? bytesOfBase64(frame) : frame;
        preview ??= begin(modelOf(bytes));
        listeners.message?.({ data: bytes });
      }),
    fault: (error) => reporting(() => fail(error)),
    end: (error) =>
      reporting(() => {
        listeners.close?.({});
        if (error !== undefined) fail(error);
      }),
  });
  signal.addEventListener('abort', () => {
    if (preview === undefined) open.close();
    else preview.stop();
  });

  function reporting(work: () => void): void {
    try {
      inCall('taesd-preview', work);
    } catch (error) {
      if (!signal.aborted) onError(error);
    }
  }

  function begin(model: ModelName | undefined): StreamPreview {
    const socket = {
      readyState: OPEN,
      send: (text: string) => open.answer?.(text),
      close: () => open.close(),
      addEventListener(type: string, listener: Listener) {
        listeners[type] = listener;
      },
      removeEventListener(type: string) {
        listeners[type] = undefined;
      },
    };
    return previewFrom(
      socket,
      reception.instanceFor(model, () => count),
      {
        resolution,
        onFrame: (picture, { steps: total, ...frame }) =>
          reception.onFrame(picture, { ...frame, total }),
        onError,
      },
    );
  }
}

function fail(error: unknown): never {
  throw error;
}

/** Returns the model of a frame; undefined if it has none, or cannot be read. */
function modelOf(bytes: Uint8Array): ModelName | undefined {
  try {
    return readFrame(bytes).model;
  } catch {
    // `previewFrom` reports it.
    return undefined;
  }
}
