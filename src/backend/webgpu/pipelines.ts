import { type ConvolutionVariant, convolutionShader, type Stored } from './convolution.ts';
import { type NormPart, normShader } from './group-norm.ts';
import { pictureBytesShader } from './picture-bytes.ts';
import { remapShader } from './remap.ts';
import { watched } from './scopes.ts';
import { type WinogradPart, type WinogradTypes, winogradShader } from './winograd.ts';

/** A shader that a stage, or a part of one, runs as. */
export type Shader =
  | ({ readonly kind: 'conv' } & ConvolutionVariant)
  | ({ readonly kind: 'winograd'; readonly part: WinogradPart } & WinogradTypes)
  | { readonly kind: 'remap'; readonly input: Stored; readonly output: Stored }
  | { readonly kind: 'norm'; readonly part: NormPart; readonly input: Stored }
  | { readonly kind: 'pictureBytes' };

/** The pipelines of each device, for all instances that use it. */
const compiled = new WeakMap<GPUDevice, Map<string, Promise<GPUComputePipeline>>>();

/**
 * Compiles a shader, once for each device. Shaders requested together are compiled side by side.
 */
export function computePipeline(device: GPUDevice, shader: Shader): Promise<GPUComputePipeline> {
  const key = JSON.stringify(shader, Object.keys(shader).sort());
  const known = compiled.get(device) ?? new Map<string, Promise<GPUComputePipeline>>();
  compiled.set(device, known);
  let pipeline = known.get(key);
  if (pipeline === undefined) {
    const code = codeOf(shader);
    // Faults are thrown below: they must not reach the listeners of the caller's device.
    const { module, made } = watched(device, ['validation'], () => {
      const module = device.createShaderModule({ code, label: key });
      const compute = { module, entryPoint: 'main' };
      const made = device.createComputePipelineAsync({ label: key, layout: 'auto', compute });
      return { module, made };
    }).result;
    pipeline = made.catch(async (error: Error) => {
      // A later attempt may succeed, for example with more memory free.
      known.delete(key);
      // The module knows what is wrong, the pipeline only that something is.
      const { messages } = await module.getCompilationInfo();
      const [fault] = messages.filter(({ type }) => type === 'error');
      throw fault === undefined
        ? error
        : new Error(`shader line ${fault.lineNum}: ${fault.message}`);
    });
    known.set(key, pipeline);
  }
  return pipeline;
}

function codeOf(shader: Shader): string {
  if (shader.kind === 'conv') return convolutionShader(shader);
  if (shader.kind === 'winograd') return winogradShader(shader.part, shader);
  if (shader.kind === 'norm') return normShader(shader.part, shader.input);
  if (shader.kind === 'pictureBytes') return pictureBytesShader();
  return remapShader(shader.input, shader.output);
}
