import { operators, referenceBackend } from '../../src/backend/reference.ts';
import { kindOf } from '../../src/model/kinds.ts';
import { readSafetensors, toTensor } from '../../src/safetensors/read.ts';
import type { Tensor } from '../../src/tensor.ts';
import { randomTensor, seededRandom } from '../random.ts';
import { runProgram } from '../run-program.ts';
import { checkClose } from './close.ts';
import { GOLDEN_CASES } from './golden-cases.ts';
import { type OnnxCase, planOnnxCase } from './onnx-cases.ts';
import type { Case, ReadShared } from './place.ts';
import { NETWORKS, randomInput, randomNetwork, sampleLayers } from './random-networks.ts';

/*
 * The cases that every backend must pass: the operators one by one, small networks with every
 * layer in every company, and the networks of the models against what PyTorch made of them.
 */

/**
 * Height and width: single rows and columns, one less and one more than tiles, blocks and
 * workgroups.
 */
const SIZES = [
  [1, 1],
  [1, 9],
  [9, 1],
  [2, 3],
  [3, 2],
  [4, 4],
  [5, 8],
  [8, 5],
  [15, 17],
  [18, 33],
] as const;

/** Random networks: within this of the reference, relative to the largest value. */
const RANDOM_BOUND = 1e-5;

export const CASES: readonly Case[] = [
  ...SIZES.map(
    ([height, width]): Case => ({
      name: `operators: 2 pictures of ${width}×${height} → as the reference`,
      shared: false,
      run: (place) => checkOperators(place.operators, height, width),
    }),
  ),
  ...Object.entries(NETWORKS).map(
    ([name, network]): Case => ({
      name: `network: ${name}, sizes 1×1 to 33×18 → within 1e-5 of the reference’s largest value`,
      shared: false,
      async run(place) {
        const bound = randomNetwork(network, name.length);
        const reference = referenceBackend.compile(bound);
        let most = 0;
        for (const [height, width] of SIZES) {
          const input = randomInput(network, height, width);
          const wanted = runProgram(reference, network, input);
          const peak = wanted.data.reduce(
            (largest, value) => Math.max(largest, Math.abs(value)),
            1,
          );
          const got = await place.run(bound, input);
          const off = checkClose(`${width}×${height}`, got, wanted, RANDOM_BOUND * peak);
          most = Math.max(most, off / peak);
        }
        return `off by ${most.toExponential(1)}`;
      },
    }),
  ),
  ...Object.entries(NETWORKS).map(
    ([name, network]): Case => ({
      name: `network: ${name}, rows alone → the bits of the whole picture’s`,
      shared: false,
      async run(place) {
        const bound = randomNetwork(network, name.length);
        const input = randomInput(network, 23, 37);
        const whole = await place.run(bound, input);
        const [, channels, height, width] = whole.shape;
        const spans = [
          [0, 1],
          [3, 4],
          [6, 14],
          [height - 1, height],
        ];
        for (const [first, end] of spans) {
          const part = await place.run(bound, input, { first, end });
          for (let c = 0; c < channels; c++) {
            for (let at = (c * height + first) * width; at < (c * height + end) * width; at++) {
              if (part.data[at] !== whole.data[at]) {
                throw new Error(`rows ${first} to ${end}: ${part.data[at]} for ${whole.data[at]}`);
              }
            }
          }
        }
        return 'equal';
      },
    }),
  ),
  { name: 'ONNX operator cases → within rtol 1e-3, atol 1e-7', shared: true, run: checkOnnx },
  ...GOLDEN_CASES,
];

async function checkOperators(
  later: Parameters<Case['run']>[0]['operators'],
  height: number,
  width: number,
): Promise<string> {
  const random = seededRandom(100 * height + width);
  let most = 0;
  const check = async (what: string, got: Promise<Tensor>, wanted: Tensor, bound: number) => {
    most = Math.max(most, checkClose(what, await got, wanted, bound));
  };
  for (const { layer, input, bound } of sampleLayers(random, height, width)) {
    const what = kindOf(layer.layer).words(layer.layer);
    await check(what, later.layer(layer, input), operators.layer(layer, input), bound);
  }
  const [x, y] = [0, 1].map(() => randomTensor(random, [2, 3, height, width], 2));
  await check('add', later.add(x, y), operators.add(x, y), 0);
  return `off by ${most.toExponential(1)}`;
}

async function checkOnnx(
  { operators: later }: Parameters<Case['run']>[0],
  read: ReadShared,
): Promise<string> {
  const { tensors, metadata } = readSafetensors(await read('conformance/onnx-node.safetensors'));
  const named = (name: string) => {
    const stored = tensors.get(name);
    return stored && toTensor(stored, name);
  };
  const ran: string[] = [];
  const notApplicable: string[] = [];
  for (const [name, text] of metadata) {
    if (name === 'source') continue;
    const inputs: Tensor[] = [];
    for (let k = 0; ; k++) {
      const input = named(`${name}/input_${k}`);
      if (input === undefined) break;
      inputs.push(input);
    }
    const run = planOnnxCase({ ...(JSON.parse(text) as Omit<OnnxCase, 'inputs'>), inputs });
    if (typeof run === 'string') {
      notApplicable.push(`${name}: ${run}`);
      continue;
    }
    checkClose(name, await run(later, inputs), named(`${name}/output_0`) as Tensor, 1e-7, 1e-3);
    ran.push(name);
  }
  const all = [
    'test_add',
    'test_basic_conv_with_padding',
    'test_basic_conv_without_padding',
    'test_conv_with_autopad_same',
    'test_conv_with_strides_padding',
    'test_relu',
    'test_tanh',
    'test_tanh_example',
  ];
  if (ran.sort().join() !== all.join()) throw new Error(`ran ${ran}, not ${all}`);
  if (notApplicable.length !== 16) throw new Error(`${notApplicable.length} cases do not apply`);
  return `${ran.length} cases; not applicable\n  ${notApplicable.join('\n  ')}`;
}
