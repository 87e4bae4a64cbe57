import { expected, messageOf, TaesdError } from '../../errors.ts';

/**
 * The kernels of `assembly/`, each with its parameters. Pointers are byte addresses, `jobPtr` that of the
 * stage's job (job-layout.ts), offsets are bytes, sizes are elements. Everything else that needs a list of
 * the kernels derives it from this table.
 */
const PARAMETERS = {
  add: ['dataPtr', 'otherPtr', 'count'],
  clamp: ['dataPtr', 'count', 'magnitude'],
  conv1x1: ['jobPtr', 'outPtr', 'rowPtr'],
  conv3x3: ['jobPtr', 'outPtr', 'abovePtr', 'herePtr', 'belowPtr'],
  conv3x3Stride2: ['jobPtr', 'outPtr', 'abovePtr', 'herePtr', 'belowPtr'],
  copy: ['outPtr', 'dataPtr', 'count'],
  pixelShuffle: ['jobPtr', 'outPtr', 'rowPtr', 'subrow'],
  pixelUnshuffle: ['jobPtr', 'outPtr', 'rowPtr', 'subrow'],
  relu: ['dataPtr', 'count'],
  touchRows: ['jobPtr', 'offset', 'tiles'],
  upsample2x: ['outPtr', 'rowPtr', 'width', 'channels'],
  winogradMultiply: ['jobPtr', 'group', 'tiles'],
  winogradMultiply16: ['jobPtr', 'group', 'tiles'],
  winogradRoundWeights: ['u16Ptr', 'uScalesPtr', 'uPtr', 'cin', 'tiles'],
  winogradStride2TransformInput: ['jobPtr', 'offset', 'tiles'],
  winogradStride2TransformInput16: ['jobPtr', 'offset', 'tiles'],
  winogradStride2TransformOutput: ['jobPtr', 'group', 'offset', 'tiles'],
  winogradTransformInput: ['jobPtr', 'offset', 'tiles'],
  winogradTransformInput16: ['jobPtr', 'offset', 'tiles'],
  winogradTransformOutput: ['jobPtr', 'group', 'offset', 'tiles'],
  winogradTransformWeights: ['uPtr', 'weightsPtr', 'scratchPtr', 'cin', 'cout', 'stride'],
} as const;

export type KernelName = keyof typeof PARAMETERS;

/** As many numbers as there are names. */
type Operands<Names extends readonly string[]> = { readonly [N in keyof Names]: number };

/** Every kernel, as a function of the numbers that the table names. */
export type Kernels = {
  readonly [Name in KernelName]: (...operands: Operands<(typeof PARAMETERS)[Name]>) => void;
};

/** The names of all kernels. */
export const KERNEL_NAMES = Object.keys(PARAMETERS) as readonly KernelName[];

/** Whether an export is the kernel of that name: a function of as many parameters. */
const isKernel = (exported: unknown, name: KernelName): boolean =>
  typeof exported === 'function' && exported.length === PARAMETERS[name].length;

/**
 * Ties compiled kernels to a memory.
 *
 * @throws TaesdError FORMAT (another module, or that of another version)
 */
export async function instantiateKernels(
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
): Promise<Kernels> {
  const hint = 'the taesd.wasm of another version?';
  try {
    const { exports } = await WebAssembly.instantiate(module, { env: { memory } });
    const missing = KERNEL_NAMES.filter((name) => !isKernel(exports[name], name));
    if (missing.length === 0) return { ...exports } as unknown as Kernels;
    throw expected('FORMAT', 'wasm', 'the kernels', `none of ${missing}`, { hint });
  } catch (cause) {
    if (cause instanceof TaesdError) throw cause;
    const got = messageOf(cause);
    throw expected('FORMAT', 'wasm', 'the kernels', got, { hint, cause });
  }
}
