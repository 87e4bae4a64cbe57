import { type ModelName, VARIANTS, type Variant } from '../model/variants.ts';
import { HttpProblem, hostProblem, type Report, says, wrongQuery } from './problem.ts';
import { isOwnScaling, type Scaling } from './scaling.ts';
import type { RemoteModel } from './types.ts';

/** The served models, as `createRemote` has checked them. */
export interface ServedModels {
  readonly names: readonly ModelName[];
  readonly defaultModel: ModelName;
  /** Models that the host has given. They are never disposed of. */
  readonly given: ReadonlyMap<ModelName, RemoteModel>;
  readonly load: (model: ModelName) => Promise<RemoteModel>;
  readonly report: Report;
}

/** The needs of a request that does not name its model. */
interface Wish {
  /** `?model=` */
  readonly name: string | undefined;
  readonly fits: (variant: Variant) => boolean;
  readonly scaling: Scaling;
  /** Makes the problem of a request that no model fits. */
  readonly misfit: (variants: readonly Variant[]) => HttpProblem;
}

/** The models of a handler: which there are, and those that were loaded. */
export class Models {
  readonly variants: readonly Variant[];
  readonly #served: ServedModels;
  readonly #loaded = new Map<ModelName, RemoteModel>();

  constructor(served: ServedModels) {
    this.#served = served;
    this.variants = served.names.map((name) => VARIANTS[name]);
  }

  get defaultVariant(): Variant {
    return VARIANTS[this.#served.defaultModel];
  }

  /** The models in memory. */
  get loaded(): ModelName[] {
    const { names, given } = this.#served;
    return names.filter((name) => given.has(name) || this.#loaded.has(name));
  }

  /** Returns the models that a request may take: the one it names, or all. @throws HttpProblem */
  candidates(name: string | undefined): readonly Variant[] {
    if (name === undefined) return this.variants;
    const named = this.variants.filter((variant) => variant.name === name);
    if (named.length > 0) return named;
    throw wrongQuery('model', `one of ${this.#served.names.join(', ')}`, name || 'nothing');
  }

  /** Returns the default model if it is among `fitting`, otherwise the first. */
  preferred(fitting: readonly Variant[]): Variant {
    return fitting.find(({ name }) => name === this.#served.defaultModel) ?? fitting[0];
  }

  /**
   * Returns the model of a request: the one it names; of those that fit, one with its scaling
   * factor; the default; the first.
   *
   * @throws HttpProblem ARG (no such model), and `misfit`
   */
  choose({ name, fits, scaling, misfit }: Wish): Variant {
    const candidates = this.candidates(name);
    const fitting = candidates.filter(fits);
    if (fitting.length === 0) throw misfit(candidates);
    const scaled =
      scaling.scale === undefined
        ? []
        : fitting.filter((variant) => isOwnScaling(scaling, variant));
    return this.preferred(scaled.length > 0 ? scaled : fitting);
  }

  /**
   * Returns a model, and loads it if it is not there.
   *
   * @param isWanted  false if the load was given up meanwhile
   * @param givenUp  makes the problem of a load that was given up
   * @throws HttpProblem
   */
  async get(
    name: ModelName,
    isWanted: () => boolean,
    givenUp: () => HttpProblem,
  ): Promise<RemoteModel> {
    const { given, load, report } = this.#served;
    const there = given.get(name) ?? this.#loaded.get(name);
    if (there !== undefined) return there;
    let loaded: RemoteModel;
    try {
      loaded = await load(name);
    } catch (error) {
      throw hostProblem(error, report);
    }
    if (isWanted()) {
      this.#loaded.set(name, loaded);
      return loaded;
    }
    // Another may have loaded meanwhile: memory does not suffice for two.
    loaded.dispose();
    throw givenUp();
  }

  /**
   * Drops a model that may be in the middle of a call. Without this its workers would live on. A
   * picture that is still decoded goes on in its next turn, with another instance.
   */
  giveUp(name: ModelName): void {
    this.#loaded.get(name)?.dispose();
    this.#loaded.delete(name);
  }
}

/** Makes the problem of latents that no model takes. */
export const noSuchLatents =
  (what: string, got: string, hint?: string) =>
  (variants: readonly Variant[]): HttpProblem => {
    const each = variants.map(({ name, latentChannels: c }) => `${name} [N,${c},h,w]`);
    return new HttpProblem(422, 'SHAPE', says(what, `latents of ${each.join(', ')}`, got, hint));
  };
