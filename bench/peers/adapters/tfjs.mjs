// TAESD in tfjs, from the same weights: WASM with SIMD (XNNPACK), one thread.
import { readFileSync } from 'node:fs';
import { setThreadsCount } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { readSafetensors, toTensor } from '../../../dist/index.js';
import { VARIANTS } from '../../../dist/model/variants.js';
import { kernelOf, runNetwork } from '../../tfjs-network.mjs';
import { weightsUrl } from '../shared.mjs';

export async function load(part) {
  tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
  setThreadsCount(1);
  await tf.setBackend('wasm');
  await tf.ready();
  const weights = readWeights(part);
  const network = VARIANTS.taesd.networks[part];
  return {
    async run(input) {
      const output = runNetwork(tf, network, weights, input);
      const result = { shape: output.shape, data: await output.data() };
      output.dispose();
      return result;
    },
  };
}

/** By taesd.py's names. */
function readWeights(part) {
  const tensors = new Map();
  const file = readSafetensors(readFileSync(weightsUrl(part)));
  for (const [name, stored] of file.tensors) {
    const key = name.replace(/^(encoder|decoder)\.layers\./, '');
    tensors.set(key, kernelOf(tf, toTensor(stored, name, 'tfjs')));
  }
  return tensors;
}
