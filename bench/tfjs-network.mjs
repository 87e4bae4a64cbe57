// TAESD in tfjs, on any of its backends: bias and ReLU fused as tfjs can.

/**
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

/** A weight or a bias as tfjs wants it: [kernel, kernel, cin, cout], [cout]. */
export const kernelOf = (tf, { shape, data }) =>
  shape.length === 4
    ? tf.tidy(() => tf.transpose(tf.tensor4d(data, shape), [2, 3, 1, 0]))
    : tf.tensor1d(data);

/** Maps are let go of layer by layer, so that no more than three are alive at once. */
function runLayers(tf, network, weights, input) {
  let x = input;
  for (let index = 0; index < network.length; index++) {
    const layer = network[index];
    // A ReLU behind a convolution is fused into it.
    const relu = layer.kind === 'conv' && network[index + 1]?.kind === 'relu';
    const y = tf.tidy(() => runLayer(tf, layer, `${index}.`, weights, x, relu));
    x.dispose();
    x = y;
    if (relu) index++;
  }
  return x;
}

function runLayer(tf, layer, prefix, weights, x, relu) {
  switch (layer.kind) {
    case 'conv':
      return conv(tf, x, weights, prefix, layer.stride, relu);
    case 'relu':
      return tf.relu(x);
    case 'clamp':
      return tf.mul(tf.tanh(tf.div(x, layer.magnitude)), layer.magnitude);
    case 'upsample2x':
      return tf.image.resizeNearestNeighbor(x, [2 * x.shape[1], 2 * x.shape[2]]);
    case 'block': {
      if (layer.cin !== layer.cout) throw new Error('a block that widens: not one of TAESD');
      const a = conv(tf, x, weights, `${prefix}conv.0.`, 1, true);
      const b = conv(tf, a, weights, `${prefix}conv.2.`, 1, true);
      a.dispose();
      const c = conv(tf, b, weights, `${prefix}conv.4.`, 1, false);
      b.dispose();
      return tf.relu(tf.add(c, x));
    }
  }
}

/** Padding 1 on all sides, as in taesd.py: TensorFlow's "same" would shift a stride of 2. */
function conv(tf, x, weights, prefix, strides, relu) {
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
