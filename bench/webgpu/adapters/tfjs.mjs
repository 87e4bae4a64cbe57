// tfjs's WebGPU backend, from the same weights: bias and ReLU fused as tfjs can.
import '@tensorflow/tfjs-backend-webgpu';
import * as tf from '@tensorflow/tfjs-core';
import { readSafetensors } from '/dist/index.js';
import { networkOf, VARIANTS } from '/dist/model/variants.js';
import { splitByKeyNames } from '/dist/weights/key-names.js';

export async function load(part, { weights: bytes }) {
  await tf.setBackend('webgpu');
  await tf.ready();
  const file = readSafetensors(bytes);
  const weights = new Map();
  for (const [name, { shape, data }] of splitByKeyNames('tfjs', file, part)[part] ?? []) {
    weights.set(
      name,
      shape.length === 4
        ? tf.tidy(() => tf.transpose(tf.tensor4d(data, shape), [2, 3, 1, 0]))
        : tf.tensor1d(data),
    );
  }
  const network = networkOf(VARIANTS.taesd, part);
  return {
    async run({ shape, data }) {
      const output = tf.tidy(() => {
        const image = tf.transpose(tf.tensor4d(data, shape), [0, 2, 3, 1]);
        return tf.transpose(runNetwork(network, weights, image), [0, 3, 1, 2]);
      });
      const result = await output.data();
      output.dispose();
      return result;
    },
  };
}

function runNetwork(network, weights, input) {
  let x = input;
  for (let index = 0; index < network.length; index++) {
    const layer = network[index];
    // A ReLU behind a convolution is fused into it.
    const relu = layer.kind === 'conv' && network[index + 1]?.kind === 'relu';
    x = runLayer(layer, `${index}.`, weights, x, relu);
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
      const a = conv(x, weights, `${prefix}conv.0.`, 1, true);
      const b = conv(a, weights, `${prefix}conv.2.`, 1, true);
      return tf.relu(tf.add(conv(b, weights, `${prefix}conv.4.`, 1, false), x));
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
