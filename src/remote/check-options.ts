import { checkNames, describe } from '../checks.ts';
import { expected } from '../errors.ts';
import { isModelName, type ModelName, modelNames } from '../model/variants.ts';
import { REMOTE_LIMITS } from './limits.ts';
import type { ServedModels } from './models.ts';
import { notDone, type Report } from './problem.ts';
import type { EncodeJpeg, RemoteLimits, RemoteModel, RemoteOptions } from './types.ts';

/** The options of a handler, checked and copied. */
export interface CheckedOptions {
  readonly served: ServedModels;
  readonly limits: RemoteLimits;
  readonly makesJpeg: boolean;
  readonly encodeJpeg: EncodeJpeg;
  readonly report: Report;
}

const NAMES = Object.keys({
  ...{ models: 1, defaultModel: 1, load: 1, limits: 1, encodeJpeg: 1, onFault: 1 },
} satisfies Record<keyof RemoteOptions, 1>);

const EXAMPLE = "{ models: ['taesd'], load: (model) => Taesd.load({ model }) }";

/** @throws TaesdError ARG */
export function checkOptions(options: RemoteOptions): CheckedOptions {
  checkNames(options, NAMES, EXAMPLE);
  const { models, defaultModel, load, limits, encodeJpeg, onFault } = options;
  for (const [what, value] of Object.entries({ load, encodeJpeg, onFault })) {
    if (value === undefined || typeof value === 'function') continue;
    throw expected('ARG', what, 'a function', describe(value));
  }
  const report = reporter(onFault);
  return {
    served: { ...checkModels(models, defaultModel, load), report },
    limits: checkLimits(limits),
    makesJpeg: encodeJpeg !== undefined,
    encodeJpeg:
      encodeJpeg ??
      (() => {
        throw notDone('image_format', 'png on this server', 'jpg');
      }),
    report,
  };
}

/** A handler never rejects, whatever the host's function does. */
const reporter =
  (onFault: RemoteOptions['onFault'] = (error) => console.error(error)): Report =>
  (error) => {
    try {
      onFault(error);
    } catch {
      // There is no one left to tell.
    }
  };

function checkModels(
  models: unknown,
  defaultModel: unknown,
  load: RemoteOptions['load'],
): Omit<ServedModels, 'report'> {
  const list: unknown[] = Array.isArray(models) ? Array.from(models) : [];
  if (list.length === 0) {
    throw expected('ARG', 'models', 'names of models, or instances of Taesd', describe(models));
  }
  const given = new Map<ModelName, RemoteModel>();
  const names = list.map((model) => {
    if (isModelName(model)) return model;
    const name = nameOf(model);
    given.set(name, model as RemoteModel);
    return name;
  });
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined) throw expected('ARG', 'models', 'each model once', `${twice} twice`);
  if (load === undefined && names.length > given.size) {
    const unloaded = names.find((name) => !given.has(name));
    const rule = `a function that loads ${unloaded}`;
    throw expected('ARG', 'load', rule, 'undefined', { hint: EXAMPLE });
  }
  const [first] = names;
  const chosen = defaultModel ?? first;
  const known = names.find((name) => name === chosen);
  if (known === undefined) {
    throw expected('ARG', 'defaultModel', `one of ${names.join(', ')}`, describe(defaultModel));
  }
  return { names, given, defaultModel: known, load: async (model) => load!(model) };
}

/** Returns the name of an instance's model. @throws TaesdError ARG (not an instance) */
function nameOf(model: unknown): ModelName {
  const { decodeRows, info } = (model ?? {}) as Partial<RemoteModel>;
  if (typeof decodeRows === 'function' && isModelName(info?.model)) return info.model;
  const rule = `instances of Taesd, or one of ${modelNames().join(', ')}`;
  throw expected('ARG', 'models', rule, describe(model));
}

/** The least value of each limit. */
const LEAST: RemoteLimits = {
  width: 1,
  pixels: 1,
  batch: 1,
  waiting: 0,
  turnMs: 1,
  answerBytes: 1,
  keptBytes: 1,
  bodyMs: 1,
};

function checkLimits(limits: RemoteOptions['limits'] = {}): RemoteLimits {
  if (typeof limits !== 'object' || limits === null) {
    throw expected('ARG', 'limits', 'an object with limits', describe(limits));
  }
  checkNames(limits, Object.keys(REMOTE_LIMITS));
  const given = Object.entries(limits).filter(([, value]) => value !== undefined);
  for (const [name, value] of given) {
    const least = LEAST[name as keyof RemoteLimits];
    if (Number.isSafeInteger(value) && (value as number) >= least) continue;
    const rule = `a whole number from ${least} on`;
    throw expected('ARG', `limits.${name}`, rule, describe(value));
  }
  return { ...REMOTE_LIMITS, ...Object.fromEntries(given) };
}
