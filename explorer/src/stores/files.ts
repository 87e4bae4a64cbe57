import { type Picture, type Tensor, VARIANTS } from 'taesd-wasm';
import type { OpenedLatents } from '../engine/protocol.ts';
import type { FilesClient } from '../engine/workers.ts';
import type { Messages } from './messages.ts';
import { MODELS, type Models, WEIGHT_ENDINGS } from './models.ts';
import type { Pictures } from './pictures.ts';

/** Larger files are weights, or nothing that the page reads: their names decide. */
const MAX_OPENED = 48 * 2 ** 20;

const hasWeightsName = ({ name }: File): boolean =>
  WEIGHT_ENDINGS.some((ending) => name.toLowerCase().endsWith(ending));

/**
 * Files that are opened and saved: pictures, latents, weights. The content decides what a file is.
 */
export function createFiles(
  { attempt, say, note }: Messages,
  { models, pictures, reader }: { models: Models; pictures: Pictures; reader: FilesClient },
) {
  let turn = 0;

  /** Opens the first of some files; of weights all, which may be the two halves of a model. */
  function open(files: readonly File[]): Promise<void> {
    const [file] = files;
    if (file === undefined) return Promise.resolve();
    const weights = files.filter(hasWeightsName);
    if (hasWeightsName(file) && file.size > MAX_OPENED) return models.openWeights(weights);
    return attempt(async () => {
      const mine = ++turn;
      say(`Reading ${file.name} …`);
      note([]);
      const opened = await reader
        .call('open', file, { maxSide: pictures.maxSide.peek(), model: modelNow() })
        .catch((error) => {
          if (mine === turn) say('');
          throw error;
        });
      if (mine !== turn) return;
      if (opened.kind === 'weights') {
        await models.openWeights(weights.length > 0 ? weights : files);
      } else if (opened.kind === 'picture') {
        note(opened.notes);
        pictures.usePicture(file, opened);
      } else {
        await useLatents(file, opened);
      }
    });
  }

  const modelNow = () => models.model.peek()?.model ?? 'nano';

  /**
   * Latents go to their own model. If its weights are missing it is offered, and they wait for it.
   */
  async function useLatents(file: File, opened: OpenedLatents): Promise<void> {
    const { model, latents, text } = opened;
    pictures.useLatents(file, opened);
    if (model === undefined) {
      const channels = latents.shape[1];
      const able = MODELS.filter(({ name }) => VARIANTS[name].latentChannels === channels);
      const names = able.map(({ name }) => name).join(', ');
      const way =
        able.length === 0
          ? 'No model of this page has so many.'
          : `Models with as many: ${names}. They are decoded when one of them is chosen in the settings.`;
      note([text, ...opened.notes, way]);
      // Work that goes on has a status of its own.
      if (channels !== VARIANTS[modelNow()].latentChannels) {
        say(`The latents of ${file.name} wait for a model with ${channels} channels.`);
      }
      return;
    }
    note([text, ...opened.notes]);
    // A small model of the package understands the latents of the model whose space it shares.
    if (VARIANTS[model].space === VARIANTS[modelNow()].space) {
      // Another one that was chosen before, and is not here, is offered no longer.
      models.missing.value = undefined;
      return;
    }
    const choosable = MODELS.find(({ name }) => VARIANTS[name].space === VARIANTS[model].space);
    const wanted = MODELS.some(({ name }) => name === model) ? model : choosable?.name;
    if (wanted !== undefined) await models.choose(wanted);
  }

  return {
    open,
    /** The longer side of pictures at most; the picture is read again. */
    setMostPixels(side: number): Promise<void> {
      pictures.maxSide.value = side;
      const file = pictures.source.peek();
      if (file === undefined) return pictures.useSample();
      return file.size === 0 ? Promise.resolve() : open([file]);
    },
    /** Saves a picture as PNG. */
    savePicture: (picture: Picture, name: string): Promise<void> =>
      attempt(async () => {
        download(name, await reader.call('savePicture', picture), 'image/png');
        say(`Saved ${name}.`);
      }),
    /** Saves latents as safetensors, with the size of the picture. */
    saveLatents(latents: Tensor, name: string, size?: { width: number; height: number }) {
      return attempt(async () => {
        const bytes = await reader.call('saveLatents', latents, modelNow(), size);
        download(name, bytes, 'application/octet-stream');
        say(`Saved ${name}.`);
      });
    },
    end(): void {
      turn++;
      reader.end();
    },
  };
}

export type Files = ReturnType<typeof createFiles>;

/** Hands a file to the browser, which saves it. */
export function download(name: string, content: Uint8Array | Blob | string, type: string): void {
  const address = URL.createObjectURL(new Blob([content as BlobPart], { type }));
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  // Some browsers read it only after the click.
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
