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
    cout: number,
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
    tilePtr: number,
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
    tiles: number,
    cin: number,
    cout: number,
    upsample: 0 | 1,
  ): void;
  winogradRoundWeights(
    u16Ptr: number,
    uScalesPtr: number,
    uPtr: number,
    cin: number,
    cout: number,
  ): void;
}

/** Ties compiled kernels to a memory. */
export async function instantiateKernels(
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
): Promise<Kernels> {
  const { exports } = await WebAssembly.instantiate(module, { env: { memory } });
  return exports as unknown as Kernels;
}
