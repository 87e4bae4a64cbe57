import { allocateClamped, allocateFloats } from '../allocate.ts';
import { encodePngRows } from '../png/index.ts';
import type { DecodeWork, Floats } from './decode-work.ts';
import { HALF_BYTES, halfBytes, type Job, tensorHeaders } from './job.ts';
import { HttpProblem, isPackageError } from './problem.ts';
import { inOneTurn, type OnePicture, rowsInTurns, type TurnHost } from './turn.ts';

/** Bytes of an `encodePngRows` at work. */
const ENCODER_BYTES = 2_300_000;

/**
 * Level 6 makes files 7 to 12 % smaller, but a picture then takes 1.6 to 2.1 times the processor
 * time: compressing takes longer than decoding (Node 20, three pictures of up to 512×512).
 */
const COMPRESSION = 1;

/** Returns the making of an answer with pictures. */
export function decodeJob(work: DecodeWork): Job {
  const { variant, latents, space, width, height, output } = work;
  const pictures = latents.map((one) => ({ latents: one, space, width, height }));
  const [first] = pictures;
  const { pictureChannels: channels } = variant;
  const batch = pictures.length;
  const pixels = width * height;
  const input = latents.reduce((sum, { data }) => sum + data.byteLength, 0);
  const job = { model: variant.name };
  if (output === 'png') {
    // The size of a file if nothing of it can be compressed, and a little more.
    const answerBytes = 1.01 * height * (1 + channels * width) + 1000;
    return {
      ...job,
      workBytes: input + ENCODER_BYTES,
      answerBytes,
      pieceBytes: 0,
      headers: () => ({ 'content-type': 'image/png' }),
      pieces: (host) => {
        const header = { width, height, channels };
        return encodePngRows(header, rowsInTurns(first, host), { level: COMPRESSION });
      },
    };
  }
  if (output === 'jpg') {
    return {
      ...job,
      // The picture, and the encoder's copy.
      workBytes: input + 8 * pixels,
      answerBytes: 3 * pixels,
      pieceBytes: 3 * pixels,
      headers: () => ({ 'content-type': 'image/jpeg' }),
      pieces: (host) => jpegPieces(first, host),
    };
  }
  if (output === 'bytes') {
    return {
      ...job,
      workBytes: input,
      answerBytes: batch * channels * pixels,
      pieceBytes: 0,
      headers: () => tensorHeaders([batch, height, width, channels], 'uint8'),
      pieces: (host) => bytePieces(pictures, channels, host),
    };
  }
  const pieceBytes = HALF_BYTES * channels * pixels;
  return {
    ...job,
    workBytes: input + (Float32Array.BYTES_PER_ELEMENT * channels + 4) * pixels,
    answerBytes: batch * pieceBytes,
    pieceBytes,
    headers: () => tensorHeaders([batch, channels, height, width], output.dtype),
    pieces: (host) => floatPieces(pictures, output, { channels, host }),
  };
}

/** Decodes a whole picture: RGBA. */
async function wholePicture(picture: OnePicture, host: TurnHost) {
  const { width, height } = picture;
  const data = allocateClamped('picture', 4 * width * height);
  for await (const band of rowsInTurns(picture, host)) data.set(band.data, 4 * width * band.y);
  return { width, height, data };
}

async function* jpegPieces(picture: OnePicture, host: TurnHost): AsyncGenerator<Uint8Array> {
  const whole = await wholePicture(picture, host);
  const stopClock = host.startClock();
  try {
    yield await host.encodeJpeg(whole);
  } catch (error) {
    // An encoder that is loaded when it is needed may turn out to be missing.
    if (!isPackageError(error) || error.code !== 'UNSUPPORTED') throw error;
    throw new HttpProblem(501, error.code, error.sentence);
  } finally {
    stopClock();
  }
}

async function* bytePieces(
  pictures: readonly OnePicture[],
  channels: 3 | 4,
  host: TurnHost,
): AsyncGenerator<Uint8Array> {
  for (const picture of pictures) {
    for await (const { data } of rowsInTurns(picture, host)) {
      yield channels === 4 ? new Uint8Array(data.buffer) : withoutAlpha(data);
    }
  }
}

function withoutAlpha(rgba: Uint8ClampedArray): Uint8Array {
  const bytes = new Uint8Array((rgba.length / 4) * 3);
  for (let from = 0, to = 0; from < rgba.length; from += 4, to += 3) {
    bytes[to] = rgba[from];
    bytes[to + 1] = rgba[from + 1];
    bytes[to + 2] = rgba[from + 2];
  }
  return bytes;
}

interface PlanesNeeds {
  readonly channels: 3 | 4;
  readonly host: TurnHost;
}

async function* floatPieces(
  pictures: readonly OnePicture[],
  { dtype, range }: Floats,
  { channels, host }: PlanesNeeds,
): AsyncGenerator<Uint8Array> {
  for (const picture of pictures) {
    const planes =
      range === '[0,1]'
        ? planesOf(await wholePicture(picture, host), channels)
        : await signedPlanes(picture, host);
    yield halfBytes(dtype, planes);
  }
}

/** Returns a picture's numbers as they leave the decoder, from [0, 1] to [−1, 1]. */
function signedPlanes(picture: OnePicture, host: TurnHost): Promise<Float32Array> {
  return inOneTurn(host, async (taesd, alive) => {
    const { latents, ...size } = picture;
    const { signal } = host;
    const options = { ...size, output: 'tensor', signal, onProgress: alive } as const;
    const { data } = await taesd.decode(latents, options);
    for (let i = 0; i < data.length; i++) data[i] = 2 * data[i] - 1;
    return data;
  });
}

/** Returns the planes [C, H, W] of a picture, bytes divided by 255. */
function planesOf(
  { width, height, data }: { width: number; height: number; data: Uint8ClampedArray },
  channels: 3 | 4,
): Float32Array {
  const area = width * height;
  const planes = allocateFloats('picture', channels * area);
  for (let c = 0; c < channels; c++) {
    for (let i = 0; i < area; i++) planes[c * area + i] = data[4 * i + c] / 255;
  }
  return planes;
}
