// TAESD in tfjs, from the same weights: WASM with SIMD (XNNPACK), one thread, bias and ReLU fused as tfjs can.
import { readFileSync } from 'node:fs';
import { setThreadsCount } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { readSafetensors, toTensor } from '../../../dist/index.js';
import { networkOf, VARIANTS } from '../../../dist/model/variants.js';
import { weightsUrl } from '../shared.mjs';

export async function load(part) {
  tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
  setThreadsCount(1);
  await tf.setBackend('wasm');
  await tf.ready();
  const weights = readWeights(part);
  const network = networkOf(VARIANTS.taesd, part);
  return {
    async run({ shape, data }) {
      const output = tf.tidy(() => {
        const image = tf.transpose(tf.tensor4d(data, shape), [0, 2, 3, 1]);
        return tf.transpose(runNetwork(network, weights, image), [0, 3, 1, 2]);
      });
      const result = { shape: output.shape, data: await output.data() };
      output.dispose();
      return result;
    },
  };
}

/** By taesd.py's names; weights as tfjs wants them, [kernel, kernel, cin, cout]. */
function readWeights(part) {
  const tensors = new Map();
  const file = readSafetensors(readFileSync(weightsUrl(part)));
  for (const [name, stored] of file.tensors) {
    const { shape, data } = toTensor(stored, name, 'tfjs');
    const key = name.replace(/^(encoder|decoder)\.layers\./, '');
    tensors.set(
      key,
      shape.length === 4
        ? tf.tidy(() => tf.transpose(tf.tensor4d(data, shape), [2, 3, 1, 0]))
        : tf.tensor1d(data),
    );
  }
  return tensors;
}

/** Maps are let go of layer by layer, so that no more than three are alive at once. */
function runNetwork(network, weights, input) {
  let x = input;
  for (let index = 0; index < network.length; index++) {
    const layer = network[index];
    // A ReLU behind a convolution is fused into it.
    const relu = layer.kind === 'conv' && network[index + 1]?.kind === 'relu';
    const y = tf.tidy(() => runLayer(layer, `${index}.`, weights, x, relu));
    x.dispose();
    x = y;
    if (relu) index++;
  }
  return x;
}

function runLayer(layer, prefix, weights, x, relu) {
  switch (layer.kind) {
    case 'conv':
      return conv(x, weights, prefix, layer.stride, relu);
    case 'relu':
      return tf.relu(x);
    case 'clamp':
      return tf.mul(tf.tanh(tf.div(x, layer.magnitude)), layer.magnitude);
    case 'upsample2x':
      return tf.image.resizeNearestNeighbor(x, [2 * x.shape[1], 2 * x.shape[2]]);
    case 'block': {
      if (layer.cin !== layer.cout) throw new Error('a block that widens: not one of TAESD');
      const a = conv(x, weights, `${prefix}conv.0.`, 1, true);
      const b = conv(a, weights, `${prefix}conv.2.`, 1, true);
      a.dispose();
      const c = conv(b, weights, `${prefix}conv.4.`, 1, false);
      b.dispose();
      return tf.relu(tf.add(c, x));
    }
  }
}

/** Padding 1 on all sides, as in taesd.py: TensorFlow's "same" would shift a stride of 2. */
function conv(x, weights, prefix, strides, relu) {
  return tf.fused.conv2d({
    x,
    filter: weights.get(`${prefix}weight`),
    bias: weights.get(`${prefix}bias`),
    strides,
    pad: 1,
    dimRoundingMode: 'floor',
    activation: relu ? 'relu' : 'linear',
  });
}
