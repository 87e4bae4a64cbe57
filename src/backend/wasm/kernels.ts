import { expected, messageOf } from '../../errors.ts';

/**
 * The kernels of `assembly/`, each with the number of its parameters, all of them numbers. Pointers
 * are byte addresses, `jobPtr` that of the stage's job (job-layout.ts), offsets are bytes, sizes
 * are elements. All other lists of the kernels are derived from this table.
 */
const PARAMETERS = {
  add: 3, // dataPtr, otherPtr, count
  clamp: 3, // dataPtr, count, magnitude
  conv1x1: 3, // jobPtr, outPtr, rowPtr
  conv3x3: 5, // jobPtr, outPtr, abovePtr, herePtr, belowPtr
  conv3x3Stride2: 5, // jobPtr, outPtr, abovePtr, herePtr, belowPtr
  copy: 3, // outPtr, dataPtr, count
  pixelBytes: 4, // outPtr, rowPtr, width, alpha
  pixelShuffle: 4, // jobPtr, outPtr, rowPtr, subrow
  pixelUnshuffle: 4, // jobPtr, outPtr, rowPtr, subrow
  relu: 2, // dataPtr, count
  sumChannels: 4, // sumsPtr, rowPtr, width, channels
  sumProducts: 6, // sumsPtr, rowPtr, meansPtr, centredPtr, width, channels
  touchRows: 3, // jobPtr, offset, tiles
  upsample2x: 4, // outPtr, rowPtr, width, channels
  winograd6TransformInput: 3, // jobPtr, offset, tiles
  winograd6TransformInput16: 3, // jobPtr, offset, tiles
  winograd6TransformOutput: 4, // jobPtr, group, offset, tiles
  winograd6TransformWeights: 5, // uPtr, weightsPtr, scratchPtr, cin, cout
  winogradMultiply: 3, // jobPtr, group, tiles
  winogradMultiply16: 3, // jobPtr, group, tiles
  winogradRoundWeights: 5, // u16Ptr, uScalesPtr, uPtr, cin, tiles
  winogradStride2TransformInput: 3, // jobPtr, offset, tiles
  winogradStride2TransformInput16: 3, // jobPtr, offset, tiles
  winogradStride2TransformOutput: 4, // jobPtr, group, offset, tiles
  winogradTransformGroup: 5, // uPtr, stride, weightsPtr, scratchPtr, cin
  winogradTransformInput: 3, // jobPtr, offset, tiles
  winogradTransformInput16: 3, // jobPtr, offset, tiles
  winogradTransformOutput: 4, // jobPtr, group, offset, tiles
  winogradTransformWeights: 6, // uPtr, weightsPtr, scratchPtr, cin, cout, stride
} as const;

export type KernelName = keyof typeof PARAMETERS;

/** A list of `Count` numbers. */
type Numbers<
  Count extends number,
  List extends readonly number[] = [],
> = List['length'] extends Count ? List : Numbers<Count, [...List, number]>;

/** Every kernel, as a function of as many numbers as the table says. */
export type Kernels = {
  readonly [Name in KernelName]: (...operands: Numbers<(typeof PARAMETERS)[Name]>) => void;
};

/** The names of all kernels. */
export const KERNEL_NAMES = Object.keys(PARAMETERS) as readonly KernelName[];

/** Returns true if an export is the kernel of that name: a function of as many parameters. */
const isKernel = (exported: unknown, name: KernelName): boolean =>
  typeof exported === 'function' && exported.length === PARAMETERS[name];

/**
 * Ties compiled kernels to a memory.
 *
 * @throws TaesdError FORMAT (another module, or that of another version)
 */
export async function instantiateKernels(
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
): Promise<Kernels> {
  let got: string;
  let cause: unknown;
  try {
    const { exports } = await WebAssembly.instantiate(module, { env: { memory } });
    const missing = KERNEL_NAMES.filter((name) => !isKernel(exports[name], name));
    if (missing.length === 0) return { ...exports } as unknown as Kernels;
    got = `none of ${missing}`;
  } catch (error) {
    got = messageOf(error);
    cause = error;
  }
  const hint = 'the taesd.wasm of another version?';
  throw expected('FORMAT', 'wasm', 'the kernels', got, { hint, cause });
}
