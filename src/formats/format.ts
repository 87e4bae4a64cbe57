import type { ModelName } from '../model/variants.ts';
import type { Tensor } from '../tensor.ts';
import type { Space } from '../tensor-like/types.ts';

export type { Space } from '../tensor-like/types.ts';

/** Latents, and what their file records of their origin. */
export interface LatentFile {
  /** f32 [1, C, h, w] */
  readonly latents: Tensor;
  /** The space of the numbers. Defaults to `diffusion`. */
  readonly space?: Space | undefined;
  /** The model that encoded them. Files of `nano` say `taesd`, whose latents they hold. */
  readonly model?: ModelName | undefined;
  /**
   * The picture's size, which rounds up to that of the latents times the model's downscale. A file
   * has both numbers or neither.
   */
  readonly width?: number | undefined;
  readonly height?: number | undefined;
}

/** A format of files of latents: a row of the table in `table.ts`. */
export interface LatentFormat {
  /** Its name with the article, for messages: `a safetensors file`. */
  readonly name: string;
  /**
   * The endings of its files' names in lower case, none if it shares them with another format.
   * Files are written with the first one. Reading goes by content, not by endings.
   */
  readonly endings: readonly string[];
  /** The content in a few words, for messages about endings: `f32 latents`. */
  readonly holds: string;
  /** The content in a sentence after the file's name, for help: `holds f32 "latents" [1,C,h,w]`. */
  readonly detail: string;
  /** The other content that such files may have; undefined if they hold latents only. */
  readonly also: 'pictures' | 'tensors' | undefined;
  /** The space of the files it writes; undefined if they hold either space and do not say which. */
  readonly writtenSpace?: Space;
  /** Returns true if bytes begin as files of this format do. They may be cut short or damaged. */
  recognises(bytes: Uint8Array): boolean;
  /** Reads a whole file. @throws TaesdError */
  read(bytes: Uint8Array, options: LatentReadOptions): FormatReading | Promise<FormatReading>;
  /** Writes a file; undefined if this format is only read. @throws TaesdError */
  readonly write: ((file: LatentFile) => Uint8Array<ArrayBuffer>) | undefined;
}

/** The options of a format's `read`. */
export interface LatentReadOptions {
  /** The model of the latents, if the file does not say it. */
  readonly model?: ModelName | undefined;
  /** The file's name. Its ending and suffix, `_sdxl`, decide what the content leaves open. */
  readonly name?: string | undefined;
  /** The name of the tensor to read, in formats that hold several. */
  readonly tensor?: string | undefined;
  /** The limit on width × height of a latent that is a picture, as for `decodePng`. */
  readonly maxPixels?: number | undefined;
}

/** The result of a format's `read`. */
export interface FormatReading {
  /** `latents` may be a batch [N, C, h, w]. */
  readonly file: LatentFile;
  /** The stored form in words: `latents, F16`. */
  readonly kind: string;
  /**
   * The doubt that these are latents; undefined if the file says that they are.
   * `unmarked`: nothing in the file says what it holds.
   * `opaque`: a picture without transparency. Its alpha channel would be a latent channel at its
   * maximum everywhere, which no network makes.
   */
  readonly doubt?: 'unmarked' | 'opaque' | undefined;
  /** Sentences about the choices that the file leaves open. */
  readonly assumed?: readonly string[] | undefined;
}
