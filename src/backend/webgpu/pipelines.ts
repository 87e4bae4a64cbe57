import { type ConvolutionVariant, convolutionShader, type Stored } from './convolution.ts';
import { remapShader } from './remap.ts';
import { watched } from './scopes.ts';
import { type WinogradPart, type WinogradTypes, winogradShader } from './winograd.ts';

/** What a step runs as. */
export type Shader =
  | ({ readonly kind: 'conv' } & ConvolutionVariant)
  | ({ readonly kind: 'winograd'; readonly part: WinogradPart } & WinogradTypes)
  | { readonly kind: 'remap'; readonly input: Stored; readonly output: Stored };

/** Compiled once a device, for all instances that use it. */
const compiled = new WeakMap<GPUDevice, Map<string, Promise<GPUComputePipeline>>>();

/** Compiles what is not compiled yet; those that are asked for together are compiled side by side. */
export function computePipeline(device: GPUDevice, shader: Shader): Promise<GPUComputePipeline> {
  const key = JSON.stringify(shader, Object.keys(shader).sort());
  const known = compiled.get(device) ?? new Map<string, Promise<GPUComputePipeline>>();
  compiled.set(device, known);
  let pipeline = known.get(key);
  if (pipeline === undefined) {
    const code = codeOf(shader);
    // What is wrong is thrown below; it is not for those who listen to the caller's device.
    const { module, made } = watched(device, ['validation'], () => {
      const module = device.createShaderModule({ code, label: key });
      const compute = { module, entryPoint: 'main' };
      const made = device.createComputePipelineAsync({ label: key, layout: 'auto', compute });
      return { module, made };
    }).result;
    pipeline = made.catch(async (error: Error) => {
      // Another time it may go well: a device has more memory then.
      known.delete(key);
      // What is wrong is told of the module; the pipeline only says that something is.
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
  return remapShader(shader.input, shader.output);
}
