// The models that are measured, and the shared files of each.

/**
 * By name: `golden`, latents with PyTorch's results, of some with a picture too; `peers`, the
 * beginning of the names of the peers' files; `seeded`, the name of the decoder's weights in
 * random-weights.json if the real ones are not at hand, and what comes before its tensors' names;
 * `isInPackage`, true if the weights are those in the package, and no peer runs the model.
 */
export const MODELS = {
  taesd: { golden: 'golden/taesd-astronaut-512x512.safetensors', peers: 'taesd' },
  nano: { golden: 'golden/taesd-astronaut-512x512.safetensors', isInPackage: true },
  taef2: { golden: 'golden/taef2-astronaut-128x96.safetensors', peers: 'taef2' },
  taesana: {
    golden: 'golden/family/taesana-astronaut-128x96.safetensors',
    peers: 'random-taesana',
    seeded: { name: 'taesana_decoder', prefix: '' },
  },
  taeqi2_1: {
    golden: 'golden/family/taeqi2_1-logo-alpha-128x96.safetensors',
    peers: 'random-taeqi2_1',
    seeded: { name: 'taeqi2_1_decoder', prefix: '' },
  },
  taew2_1: {
    golden: 'golden/family/taew2_1-random-latent-13x5-1.safetensors',
    peers: 'random-taew2_1',
    seeded: { name: 'taew2_1', prefix: 'decoder.' },
  },
};

/** The models of seeded weights: of these, the decoder alone is measured. */
export const SEEDED_MODELS = Object.keys(MODELS).filter(
  (name) => MODELS[name].seeded !== undefined,
);

/** The frames that a peer computes for a picture, if it is not one. The last is shown. */
export const PEER_FRAMES = { taew2_1: 4 };
