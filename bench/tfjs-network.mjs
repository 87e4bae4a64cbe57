// TAESD in tfjs, on any of its backends: bias and ReLU fused as tfjs can.

/**
 * Runs a network.
 *
 * @param tf       tfjs's core, with a backend
 * @param weights  by taesd.py's names, as `kernelOf` has them
 * @param shape    [1, C, H, W], of `data`
 * @returns the output, [1, C, H, W]
 */
export function runNetwork(tf, network, weights, { shape, data }) {
  return tf.tidy(() => {
    const image = tf.transpose(tf.tensor4d(data, shape), [0, 2, 3, 1]);
    return tf.transpose(runLayers(tf, network, weights, image), [0, 3, 1, 2]);
  });
}

/** Converts a weight or a bias to tfjs's layout: [kernel, kernel, cin, cout], [cout]. */
export const kernelOf = (tf, { shape, data }) =>
  shape.length === 4
    ? tf.tidy(() => tf.transpose(tf.tensor4d(data, shape), [2, 3, 1, 0]))
    : tf.tensor1d(data);

/**
 * Runs the layers and disposes of their maps one by one: no more than three are alive at a time.
 */
function runLayers(tf, network, weights, input) {
  let x = input;
  for (let index = 0; index < network.length; index++) {
    const layer = network[index];
    // A ReLU after a convolution is fused into it.
    const relu = layer.kind === 'conv' && network[index + 1]?.kind === 'relu';
    const conv = (input, name, stride, isFused) =>
      fusedConv(tf, input, weightsOf(weights, `${index}.${name}`), stride, isFused);
    const y = tf.tidy(() => runLayer(tf, layer, conv, x, relu));
    x.dispose();
    x = y;
    if (relu) index++;
  }
  return x;
}

/** @param conv  a convolution of the layer: (input, its name, stride, with ReLU) → output */
function runLayer(tf, layer, conv, x, relu) {
  switch (layer.kind) {
    case 'conv':
      return conv(x, '', layer.stride, relu);
    case 'relu':
      return tf.relu(x);
    case 'clamp':
      return tf.mul(tf.tanh(tf.div(x, layer.magnitude)), layer.magnitude);
    case 'upsample2x':
      return tf.image.resizeNearestNeighbor(x, [2 * x.shape[1], 2 * x.shape[2]]);
    case 'block': {
      if (layer.cin !== layer.cout) throw new Error('a block that widens: not one of TAESD');
      const a = conv(x, 'conv.0.', 1, true);
      const b = conv(a, 'conv.2.', 1, true);
      a.dispose();
      const c = conv(b, 'conv.4.', 1, false);
      b.dispose();
      return tf.relu(tf.add(c, x));
    }
  }
}

const weightsOf = (weights, prefix) => ({
  filter: weights.get(`${prefix}weight`),
  bias: weights.get(`${prefix}bias`),
});

/** Pads by 1 on all sides, as taesd.py does. TensorFlow's "same" would shift a stride of 2. */
function fusedConv(tf, x, { filter, bias }, strides, relu) {
  return tf.fused.conv2d({
    x,
    filter,
    bias,
    strides,
    pad: 1,
    dimRoundingMode: 'floor',
    activation: relu ? 'relu' : 'linear',
  });
}
