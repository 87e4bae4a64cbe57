/** The device said no, or is gone: WASM can do the work. */
export class GpuFault extends Error {}
