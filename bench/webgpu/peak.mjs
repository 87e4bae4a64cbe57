// The peak of an adapter's arithmetic: multiply-adds of f32 in registers, without loads or stores
// between.
const SUMS = 8;
const ROUNDS = 2048;
const GROUP = 256;
/** The maximum number of workgroups of a dispatch: 137 billion multiply-adds fill any GPU. */
const MAX_GROUPS = 8192;

const SHADER = `
@group(0) @binding(0) var<storage, read_write> out: array<vec4f>;
@compute @workgroup_size(${GROUP}) fn main(@builtin(global_invocation_id) id: vec3u) {
  let a = vec4f(0.999, 0.998, 0.997, 0.996);
  let b = vec4f(f32(id.x)) * 1e-6;
${Array.from({ length: SUMS }, (_, n) => `  var s${n} = b + ${n}.0;`).join('\n')}
  for (var i = 0; i < ${ROUNDS}; i++) {
${Array.from({ length: SUMS }, (_, n) => `    s${n} = fma(s${n}, a, b);`).join('\n')}
  }
  out[id.x] = ${Array.from({ length: SUMS }, (_, n) => `s${n}`).join(' + ')};
}`;

/** @returns multiply-adds a second, the best of some runs */
export async function measurePeak() {
  const adapter = await navigator.gpu.requestAdapter({ powerPreference: 'high-performance' });
  const device = await adapter.requestDevice();
  const module = device.createShaderModule({ code: SHADER });
  const compute = { module, entryPoint: 'main' };
  const pipeline = await device.createComputePipelineAsync({ layout: 'auto', compute });
  const out = device.createBuffer({
    size: 16 * MAX_GROUPS * GROUP,
    usage: GPUBufferUsage.STORAGE,
  });
  const entries = [{ binding: 0, resource: { buffer: out } }];
  const bindings = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries });
  let best = 0;
  // As many workgroups as take long enough to be timed. On a GPU these are many dispatches.
  for (let groups = 16, runs = 0; runs < 4; ) {
    const dispatches = Math.ceil(groups / MAX_GROUPS);
    const commands = device.createCommandEncoder();
    const pass = commands.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, bindings);
    for (let n = 0; n < dispatches; n++) pass.dispatchWorkgroups(groups / dispatches);
    pass.end();
    const started = performance.now();
    device.queue.submit([commands.finish()]);
    await device.queue.onSubmittedWorkDone();
    const seconds = (performance.now() - started) / 1000;
    best = Math.max(best, (groups * GROUP * ROUNDS * SUMS * 4) / seconds);
    if (seconds < 0.2) groups *= 2;
    else runs++;
  }
  device.destroy();
  return best;
}
