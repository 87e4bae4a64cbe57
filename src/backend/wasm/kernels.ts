import { expected, messageOf, TaesdError } from '../../errors.ts';

/** The kernels of `assembly/`, as seen from here. Pointers are byte addresses, sizes are elements. */
export interface Kernels {
  conv3x3(
    outPtr: number,
    abovePtr: number,
    herePtr: number,
    belowPtr: number,
    weightsPtr: number,
    biasPtr: number,
    width: number,
    cin: number,
    cout: number,
  ): void;
  conv3x3Stride2: Kernels['conv3x3'];
  conv1x1(
    outPtr: number,
    rowPtr: number,
    weightsPtr: number,
    biasPtr: number,
    width: number,
    cin: number,
    cout: number,
    stride: 1 | 2,
  ): void;
  relu(dataPtr: number, count: number): void;
  add(dataPtr: number, otherPtr: number, count: number): void;
  clamp(dataPtr: number, count: number, magnitude: number): void;
  copy(outPtr: number, dataPtr: number, count: number): void;
  upsample2x(outPtr: number, rowPtr: number, width: number, channels: number): void;
  pixelShuffle(
    outPtr: number,
    rowPtr: number,
    width: number,
    channels: number,
    outChannels: number,
    cout: number,
    factor: number,
    subrow: number,
  ): void;
  pixelUnshuffle(
    outPtr: number,
    rowPtr: number,
    width: number,
    channels: number,
    outChannels: number,
    cin: number,
    factor: number,
    subrow: number,
  ): void;
  touchRows(
    rowsPtr: number,
    count: number,
    offset: number,
    bytes: number,
    scratchPtr: number,
  ): void;
  winogradTransformInput(
    vPtr: number,
    vStride: number,
    rowsPtr: number,
    offset: number,
    scratchPtr: number,
    scratchStride: number,
    tiles: number,
    cin: number,
    upsample: 0 | 1,
  ): void;
  winogradMultiply(
    mPtr: number,
    mStride: number,
    vPtr: number,
    vStride: number,
    uPtr: number,
    tiles: number,
    cin: number,
    side: 6 | 9,
    upsample: 0 | 1,
  ): void;
  winogradTransformOutput(
    rowsPtr: number,
    offset: number,
    mPtr: number,
    mStride: number,
    scratchPtr: number,
    biasPtr: number,
    tiles: number,
    cout: number,
    add: 0 | 1,
    relu: 0 | 1,
  ): void;
  winogradTransformWeights(
    uPtr: number,
    weightsPtr: number,
    scratchPtr: number,
    cin: number,
    cout: number,
    stride: 1 | 2,
  ): void;
  winogradStride2TransformInput(
    vPtr: number,
    vStride: number,
    rowsPtr: number,
    offset: number,
    scratchPtr: number,
    scratchStride: number,
    tiles: number,
    cin: number,
  ): void;
  winogradStride2TransformOutput(
    rowsPtr: number,
    offset: number,
    mPtr: number,
    mStride: number,
    scratchPtr: number,
    biasPtr: number,
    tiles: number,
    cout: number,
    relu: 0 | 1,
  ): void;
  winogradStride2TransformInput16(
    vPtr: number,
    vStride: number,
    scalesPtr: number,
    scalesStride: number,
    rowsPtr: number,
    offset: number,
    scratchPtr: number,
    scratchStride: number,
    tilePtr: number,
    tiles: number,
    cin: number,
  ): void;
  winogradTransformInput16(
    vPtr: number,
    vStride: number,
    scalesPtr: number,
    scalesStride: number,
    rowsPtr: number,
    offset: number,
    scratchPtr: number,
    scratchStride: number,
    mostPtr: number,
    mostStride: number,
    tilePtr: number,
    vFlatPtr: number,
    tiles: number,
    cin: number,
    upsample: 0 | 1,
  ): void;
  winogradMultiply16(
    mPtr: number,
    mStride: number,
    vPtr: number,
    vStride: number,
    scalesPtr: number,
    scalesStride: number,
    uPtr: number,
    uScalesPtr: number,
    vFlatPtr: number,
    uFlatPtr: number,
    tiles: number,
    cin: number,
    side: 6 | 9,
    upsample: 0 | 1,
  ): void;
  winogradRoundWeights(
    u16Ptr: number,
    uScalesPtr: number,
    uPtr: number,
    cin: number,
    tiles: number,
  ): void;
}

/** The names of all kernels, to tell another module from ours. */
const NAMES: readonly (keyof Kernels)[] = [
  'add',
  'clamp',
  'conv1x1',
  'conv3x3',
  'conv3x3Stride2',
  'copy',
  'pixelShuffle',
  'pixelUnshuffle',
  'relu',
  'touchRows',
  'upsample2x',
  'winogradMultiply',
  'winogradMultiply16',
  'winogradRoundWeights',
  'winogradStride2TransformInput',
  'winogradStride2TransformInput16',
  'winogradStride2TransformOutput',
  'winogradTransformInput',
  'winogradTransformInput16',
  'winogradTransformOutput',
  'winogradTransformWeights',
];

/**
 * Ties compiled kernels to a memory.
 *
 * @throws TaesdError FORMAT where the module is another one
 */
export async function instantiateKernels(
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
): Promise<Kernels> {
  const hint = 'the taesd.wasm of another version?';
  try {
    const { exports } = await WebAssembly.instantiate(module, { env: { memory } });
    const missing = NAMES.filter((name) => typeof exports[name] !== 'function');
    if (missing.length === 0) return { ...exports } as unknown as Kernels;
    throw expected('FORMAT', 'wasm', 'the kernels', `none of ${missing}`, { hint });
  } catch (cause) {
    if (cause instanceof TaesdError) throw cause;
    const got = messageOf(cause);
    throw expected('FORMAT', 'wasm', 'the kernels', got, { hint, cause });
  }
}
