// This project, one half loaded from bytes.
import { Taesd } from '/dist/index.js';

export async function load(part, { weights }, options) {
  const taesd = await Taesd.load({
    model: 'taesd',
    weights: { [part]: weights },
    only: part,
    fallback: false,
    ...options,
  });
  const { backend, precision, adapter } = taesd.info;
  return {
    told: { backend, precision, adapter },
    async run(input) {
      const { data } =
        part === 'decoder'
          ? await taesd.decode(input, { output: 'tensor' })
          : await taesd.encode(input);
      return data;
    },
  };
}
