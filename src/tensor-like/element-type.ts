import { arrayKind } from '../builtins/tags.ts';
import { describe } from '../checks.ts';
import { expected } from '../errors.ts';
import type { FloatType } from '../numbers/stored.ts';

/** The names of float types in onnxruntime, transformers.js, TensorFlow.js, NumPy and PyTorch. */
const NAMES: Readonly<Record<FloatType, string>> = {
  F16: 'float16 f16 half f2 fp16',
  BF16: 'bfloat16 bf16',
  F32: 'float32 f32 float f4 fp32 single',
  F64: 'float64 f64 double f8 fp64',
};

/** The library, and the little-endian order of bytes. */
const PREFIX = /^(torch\.|numpy\.|np\.|[<=|])/;

/**
 * Returns the type a tensor declares by `dtype` or `type`; undefined if it declares none.
 *
 * @throws TaesdError ARG (not a float type; two names of different types)
 */
export function declaredType(what: string, dtype: unknown, type: unknown): FloatType | undefined {
  const [one, other] = [dtype, type].map((name) => typeNamed(what, name));
  if (one === undefined || other === undefined || one === other) return one ?? other;
  const rule = `one type by "dtype" and "type"`;
  throw expected('ARG', `${what} dtype`, rule, `${describe(dtype)} and ${describe(type)}`);
}

function typeNamed(what: string, name: unknown): FloatType | undefined {
  if (name === undefined || name === null) return undefined;
  const plain = typeof name === 'string' ? name.toLowerCase().replace(PREFIX, '') : '';
  // ndarray's names for plain arrays say nothing of the numbers.
  if (plain === 'array' || plain === 'generic') return undefined;
  const types = Object.keys(NAMES) as FloatType[];
  const found = types.find((type) => NAMES[type].split(' ').includes(plain));
  if (found !== undefined) return found;
  const rule = 'float32, float64, float16 or bfloat16';
  throw expected('ARG', `${what} dtype`, rule, describe(name));
}

const EIGHT_BITS = '8-bit latents? use dequantizeLatents';

/**
 * Returns the type of the numbers in `data`, which must be the declared one. Plain arrays hold
 * numbers of any type.
 *
 * @throws TaesdError ARG (not float numbers, a contradiction, 16-bit words without a declared type)
 */
export function typeOf(what: string, data: unknown, declared: FloatType | undefined): FloatType {
  const kind = arrayKind(data);
  const possible = Array.isArray(data) ? (Object.keys(NAMES) as FloatType[]) : POSSIBLE[kind];
  if (possible === undefined || (declared === undefined && kind.startsWith('Uint8'))) {
    const hint = kind.startsWith('Uint8') ? EIGHT_BITS : undefined;
    throw expected('ARG', `${what} data`, 'f32, f64 or f16 numbers', describe(data), { hint });
  }
  if (declared === undefined) {
    if (kind !== 'Uint16Array') return possible[0];
    const rule = "'float16' or 'bfloat16' for a Uint16Array";
    throw expected('ARG', `${what} dtype`, rule, 'none');
  }
  if (possible.includes(declared)) return declared;
  const [name] = NAMES[declared].split(' ');
  throw expected('ARG', `${what} data`, `numbers of its dtype ${name}`, describe(data));
}

/** The types that each array can hold, the one it has by itself first. */
const POSSIBLE: Readonly<Record<string, readonly FloatType[] | undefined>> = {
  Float32Array: ['F32'],
  Float64Array: ['F64'],
  Float16Array: ['F16'],
  Uint16Array: ['F16', 'BF16'],
  Uint8Array: ['F32', 'F16', 'BF16', 'F64'],
  Uint8ClampedArray: ['F32', 'F16', 'BF16', 'F64'],
};
