/**
 * Encodes pictures to latents and decodes latents to pictures.
 *
 * @module taesd-wasm
 */

export type { Latents } from './calls/latents.ts';
export { type ErrorCode, type ErrorParts, isAbort, type Remedy, TaesdError } from './errors.ts';
export {
  dequantizeLatents,
  fromVaeLatents,
  latentsToPicture,
  pictureToLatents,
  quantizeLatents,
  toVaeLatents,
} from './latent.ts';
export type { Position } from './model/kinds.ts';
export type {
  Block,
  Clamp,
  Conv,
  FrameConv,
  Frames,
  GroupNorm,
  Half,
  Layer,
  MemBlock,
  Network,
  PixelShuffle,
  PixelUnshuffle,
  Relu,
  Upsample2x,
} from './model/layers.ts';
export type { FromVae, MeanAndStd, ScaleAndShift, UnknownScale } from './model/vae-space.ts';
export {
  type LatentSpace,
  type ModelName,
  type NanoName,
  nanoFor,
  type PackedForm,
  VARIANTS,
  type Variant,
} from './model/variants.ts';
export type {
  Add,
  Area,
  Arithmetic,
  Product,
  Step,
  StepsOptions,
} from './options/step.ts';
export type {
  AlphaOptions,
  BrowserPicture,
  CanvasLike,
  DecodeOptions,
  DecodeRowsOptions,
  DownloadProgress,
  DrawOptions,
  DrawTarget,
  EncodeOptions,
  FloatData,
  FloatImageLike,
  GpuDevice,
  GpuLatents,
  Halves,
  ImageLike,
  Info,
  KernelModule,
  KernelSource,
  LoadOptions,
  Picture,
  PictureSource,
  PixelRows,
  Precision,
  Progress,
  RangeOptions,
  Rgb,
  RunOptions,
  ScaleOptions,
  SizeOptions,
  SpaceOptions,
  WeightSource,
} from './options/types.ts';
export {
  readSafetensors,
  type SafetensorsFile,
  type StoredTensor,
  toTensor,
} from './safetensors/read.ts';
export { type SafetensorsMetadata, writeSafetensors } from './safetensors/write.ts';
export { Taesd } from './taesd.ts';
export type { Tensor } from './tensor.ts';
export type { LatentsWithOrigin, TensorLike } from './tensor-like/types.ts';
