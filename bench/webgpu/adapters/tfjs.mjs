// tfjs's WebGPU backend, from the same weights.
import '@tensorflow/tfjs-backend-webgpu';
import * as tf from '@tensorflow/tfjs-core';
import { readSafetensors } from '/dist/index.js';
import { VARIANTS } from '/dist/model/variants.js';
import { splitByKeyNames } from '/dist/weights/key-names.js';
import { kernelOf, runNetwork } from '../../tfjs-network.mjs';

export async function load(part, { weights: bytes }) {
  await tf.setBackend('webgpu');
  await tf.ready();
  const file = readSafetensors(bytes);
  const weights = new Map();
  for (const [name, tensor] of splitByKeyNames('tfjs', file, part)[part] ?? []) {
    weights.set(name, kernelOf(tf, tensor));
  }
  const network = VARIANTS.taesd.networks[part];
  return {
    async run(input) {
      const output = runNetwork(tf, network, weights, input);
      const result = await output.data();
      output.dispose();
      return result;
    },
  };
}
