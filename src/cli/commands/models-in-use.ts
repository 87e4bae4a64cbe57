import {
  type Info,
  type LoadOptions,
  type ModelName,
  type NanoName,
  nanoFor,
  Taesd,
  TaesdError,
  VARIANTS,
} from '../../index.ts';
import { encodingRemedy, isNano } from '../../model/variants.ts';
import { environmentVariable } from '../../platform/runtime.ts';
import { FOLDER_VARIABLE, nanoIsSaid } from '../../weights/locate.ts';
import { aboutRequest } from '../network/proxy.ts';
import { expectedGot, fault, isNotFound } from '../terminal/faults.ts';
import type { Say } from '../terminal/say.ts';
import { doneBy, loadedNote, takenOverNote } from '../terminal/webgpu-notes.ts';

/** The options of a command that decide about its models. */
export type ModelOptions = Pick<
  LoadOptions,
  'only' | 'weights' | 'backend' | 'precision' | 'workers'
>;

/** The source of a model's name: the command line, the file, or its channels alone. */
export type ModelOrigin = 'named' | 'recorded' | 'assumed';

/** Returns the origin of a model's name for a file of latents. */
export const originOf = (
  named: ModelName | undefined,
  { model }: { readonly model: ModelName | undefined },
): ModelOrigin => {
  if (named !== undefined) return 'named';
  return model === undefined ? 'assumed' : 'recorded';
};

/** Returns the note about a small model. A folder without the large one may be mistyped. */
function nanoNote(small: NanoName): string {
  const { space } = VARIANTS[small];
  const folder = environmentVariable(FOLDER_VARIABLE);
  const searched = folder
    ? `, because ${FOLDER_VARIABLE} ${folder} has no weights of ${space}`
    : '';
  const pull = space === 'taesd' ? 'npx taesd pull' : `npx taesd pull ${space}`;
  return `using ${small}, the small model in the package${searched}; "${pull}" fetches ${space}, which is sharper`;
}

/**
 * Checks that a model has both halves: `--weights` may name the file of one.
 *
 * @throws TaesdError ARG
 */
export function checkBothHalves({ info: { model, parts } }: Taesd): void {
  if (parts.length === 2) return;
  const remedy = encodingRemedy(VARIANTS[model]);
  if (remedy !== undefined) {
    const rule = 'a model with an encoder';
    throw fault('--model', expectedGot(rule, model), { hint: remedy.command });
  }
  const hint = 'give the folder that holds both files';
  throw fault('--weights', expectedGot('the encoder and the decoder', `the ${parts[0]} alone`), {
    hint,
  });
}

/** A model, and the state after it was loaded. */
interface Loaded {
  readonly taesd: Taesd;
  readonly info: Info;
}

/**
 * The models that a command works with. Each is loaded once, when it is needed first. Lines say
 * which one works if the command line does not name it, and whether workers cannot start or WebGPU
 * does not do what was requested: the work then takes longer.
 */
export class ModelsInUse {
  readonly #options: ModelOptions;
  readonly #say: Say;
  readonly #said = new Set<string>();
  readonly #loads = new Map<ModelName | undefined, Promise<Loaded>>();
  readonly #loaded: Loaded[] = [];

  /** @param say  writes notes */
  constructor(options: ModelOptions, say: Say) {
    const { only, weights, backend, precision, workers } = options;
    this.#options = { only, weights, backend, precision, workers };
    this.#say = say;
  }

  /**
   * Returns a model. A model that could not be loaded is not tried again. The small model of its
   * space takes the place of one without weights that the command line does not name.
   *
   * @param model   undefined for `taesd`, or `nano` if it has no weights
   * @param origin  the source of `model`. Defaults to the command line
   * @throws TaesdError as `Taesd.load`
   */
  async get(model: ModelName | undefined, origin: ModelOrigin = 'named'): Promise<Taesd> {
    const load = this.#loads.get(model) ?? this.#load(model, origin);
    this.#loads.set(model, load);
    const { taesd, info } = await load;
    if (model !== info.model && isNano(info.model)) this.#sayOnce(nanoNote(info.model));
    else if (origin === 'assumed') {
      this.#sayOnce(`decoding with ${info.model}; --model chooses another`);
    }
    if (info.weightsNote !== undefined) this.#sayOnce(`weights: ${info.weightsNote}`);
    this.#sayOnce(loadedNote(info, this.#options.precision));
    return taesd;
  }

  async #load(model: ModelName | undefined, origin: ModelOrigin): Promise<Loaded> {
    // `nanoNote` says it in the words of the command.
    nanoIsSaid();
    const { only, weights } = this.#options;
    const isReplaced = origin !== 'named' && weights === undefined && only === 'decoder';
    const small = isReplaced && model !== undefined ? nanoFor(model) : undefined;
    const taesd = await Taesd.load({ ...this.#options, model }).catch((error: unknown) => {
      if (small !== undefined && isNotFound(error)) {
        return Taesd.load({ ...this.#options, model: small });
      }
      throw error instanceof TaesdError ? aboutRequest(error) : error;
    });
    const loaded = { taesd, info: taesd.info };
    this.#loaded.push(loaded);
    return loaded;
  }

  #sayOnce(note: string | undefined): void {
    if (note === undefined || this.#said.has(note)) return;
    this.#said.add(note);
    this.#say(note);
  }

  /** Says what is known after the work. @returns the adapter, for the last line, or '' */
  finish(): string {
    const words = this.#loaded.map(({ taesd, info }) => {
      const done = taesd.info;
      const takenOver = takenOverNote(info, done);
      this.#sayOnce(takenOver);
      if (done.workersReason !== undefined) {
        this.#sayOnce(`no workers, one thread did the work: ${done.workersReason}`);
      }
      return takenOver === undefined ? doneBy(done) : '';
    });
    return words.length === 1 ? words[0] : '';
  }

  dispose(): void {
    for (const { taesd } of this.#loaded) taesd.dispose();
  }
}
