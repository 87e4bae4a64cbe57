export { type ErrorCode, isAbort, TaesdError } from './errors.ts';
export type { AlphaOptions, ImageLike, Picture, Rgb } from './image.ts';
export {
  dequantizeLatents,
  fromVaeLatents,
  latentsToPicture,
  pictureToLatents,
  quantizeLatents,
  toVaeLatents,
} from './latent.ts';
export type {
  Block,
  Clamp,
  Conv,
  Half,
  Layer,
  PixelShuffle,
  PixelUnshuffle,
  Relu,
  Upsample2x,
} from './model/layers.ts';
export { type ModelName, VARIANTS, type Variant } from './model/variants.ts';
export type {
  CanvasLike,
  DecodeOptions,
  DecodeRowsOptions,
  DownloadProgress,
  DrawOptions,
  DrawTarget,
  EncodeOptions,
  GpuDevice,
  GpuLatents,
  Info,
  LoadOptions,
  PixelRows,
  Progress,
  RunOptions,
  SizeOptions,
} from './options/types.ts';
export {
  readSafetensors,
  type SafetensorsFile,
  type StoredTensor,
  toTensor,
  writeSafetensors,
} from './safetensors/read.ts';
export type {
  Add,
  Area,
  Arithmetic,
  Position,
  Product,
  Step,
  StepsOptions,
} from './steps/step.ts';
export { Taesd } from './taesd.ts';
export type { Tensor } from './tensor.ts';
export type { WeightSource } from './weights/from-bytes.ts';
