import { afterAll, expect } from 'vitest';
import type { Operators } from '../../src/backend/backend.ts';
import { operators } from '../../src/backend/reference.ts';
import { shapeText, type Tensor } from '../../src/tensor.ts';
import { readSafetensors, toTensor } from '../../src/weights/safetensors.ts';
import { sharedFile, testShared } from '../shared.ts';
import { operatorsOnWasm } from './operators-on-wasm.ts';

/*
 * ONNX's own cases for the operators that the networks are made of, on both backends, with the tolerance of
 * ONNX's runner.
 */

const RELATIVE = 1e-3;
const ABSOLUTE = 1e-7;

interface Case {
  readonly op: string;
  readonly attributes: {
    readonly pads?: readonly number[];
    readonly strides?: readonly number[];
    readonly auto_pad?: string;
  };
  readonly inputs: readonly Tensor[];
}

/** A case as calls of our operators, or the reason why they do not offer what it asks for. */
type Run = (operators: Operators, inputs: readonly Tensor[]) => Tensor;

function plan({ op, attributes, inputs }: Case): Run | string {
  switch (op) {
    case 'Add':
      if (shapeText(inputs[0].shape) !== shapeText(inputs[1].shape)) {
        return 'a residual add has two inputs of one shape';
      }
      return ({ add }, [a, b]) => reshaped(add(to4d(a), to4d(b)), a.shape);
    case 'Relu':
      return ({ relu }, [x]) => reshaped(relu(to4d(x)), x.shape);
    case 'Tanh':
      return ({ clamp }, [x]) => reshaped(clamp(to4d(x), 1), x.shape);
    case 'Resize': {
      const scales = [...inputs[1].data];
      if (scales.join() !== '1,1,2,2') return `upsampling is by 2 and 2 alone, not ${scales}`;
      return ({ upsample2x }, [x]) => upsample2x(x);
    }
    case 'Conv':
      return planConv(attributes);
    case 'Clip':
    case 'Identity':
      return 'the network clamps softly (tanh); hard clamping belongs to pictures (image.ts)';
    case 'GroupNormalization':
      return 'no layer of these variants normalises';
    default:
      return `unknown operator ${op}`;
  }
}

function planConv({
  pads = [0, 0, 0, 0],
  strides = [1, 1],
  auto_pad,
}: Case['attributes']): Run | string {
  const stride = strides[0] as 1 | 2;
  const padding = auto_pad === undefined ? pads.join() : '1,1,1,1'; // symmetric at its size
  if (padding === '1,1,1,1') return ({ conv2d }, [x, w]) => conv2d(x, w, undefined, stride);
  if (padding === '0,0,0,0' && stride === 1) {
    // Without padding the result is the inner part of the result with it.
    return ({ conv2d }, [x, w]) => inner(conv2d(x, w, undefined, 1));
  }
  return `padding is 1 on every side, not [${padding}]`;
}

const to4d = ({ shape, data }: Tensor): Tensor => ({
  shape: [...Array(4 - shape.length).fill(1), ...shape],
  data,
});
const reshaped = ({ data }: Tensor, shape: readonly number[]): Tensor => ({ shape, data });

function inner({ shape: [, , height, width], data }: Tensor): Tensor {
  const kept = data.filter((_, i) => {
    const [y, x] = [Math.floor(i / width), i % width];
    return y > 0 && y < height - 1 && x > 0 && x < width - 1;
  });
  return { shape: [1, 1, height - 2, width - 2], data: kept };
}

const notApplicable: string[] = [];
afterAll(() => {
  if (notApplicable.length > 0) console.log(`not applicable\n  ${notApplicable.join('\n  ')}`);
});

testShared(
  'operators [reference, wasm]: ONNX operator cases → within rtol 1e-3, atol 1e-7',
  async () => {
    const { tensors, metadata } = readSafetensors(sharedFile('conformance/onnx-node.safetensors'));
    const named = (name: string) => {
      const stored = tensors.get(name);
      return stored && toTensor(stored, name, 'onnx');
    };
    const backends = { reference: operators, wasm: await operatorsOnWasm() };
    const ran: string[] = [];
    for (const [name, text] of metadata) {
      if (name === 'source') continue;
      const inputs: Tensor[] = [];
      for (let k = 0; ; k++) {
        const input = named(`${name}/input_${k}`);
        if (input === undefined) break;
        inputs.push(input);
      }
      const run = plan({ ...(JSON.parse(text) as Omit<Case, 'inputs'>), inputs });
      if (typeof run === 'string') {
        notApplicable.push(`${name}: ${run}`);
        continue;
      }
      const wanted = named(`${name}/output_0`) as Tensor;
      for (const [backend, operators] of Object.entries(backends)) {
        const got = run(operators, inputs);
        expect(shapeText(got.shape), `${name} [${backend}]`).toBe(shapeText(wanted.shape));
        const bad = got.data.findIndex(
          (value, i) =>
            !(Math.abs(value - wanted.data[i]) <= ABSOLUTE + RELATIVE * Math.abs(wanted.data[i])),
        );
        expect(bad, `${name} [${backend}]: ${got.data[bad]} for ${wanted.data[bad]}`).toBe(-1);
      }
      ran.push(name);
    }
    expect(ran.sort()).toEqual([
      'test_add',
      'test_basic_conv_with_padding',
      'test_basic_conv_without_padding',
      'test_conv_with_autopad_same',
      'test_conv_with_strides_padding',
      'test_relu',
      'test_tanh',
      'test_tanh_example',
    ]);
    expect(notApplicable.length).toBe(16);
  },
);
