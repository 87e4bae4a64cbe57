import { chosen } from '../state/stepping.ts';
import { ChannelMap } from './channel-map.tsx';
import { FeatureMaps } from './feature-maps.tsx';
import { LayerList } from './layer-list.tsx';
import { LayerNotes } from './layer-notes.tsx';
import { PixelArithmetic } from './pixel-arithmetic.tsx';
import { ReceptiveField } from './receptive-field.tsx';
import { Transport } from './transport.tsx';

/** The network as a list, and one step of it at large. */
export function Layers() {
  return (
    <section id="layers" aria-labelledby="layers-title">
      <h2 id="layers-title">Layer by layer</h2>
      <p class="intro">
        Follow the picture through the network. Each bar’s width is that of the layer’s maps: it
        narrows to the latent and widens again. Choose a step, then a channel, then a pixel.
      </p>
      <Transport />
      <div class="workbench">
        <LayerList />
        {chosen.value === undefined ? (
          <p class="waiting">The layers are being computed.</p>
        ) : (
          <div class="stage">
            <LayerNotes step={chosen.value} />
            <FeatureMaps step={chosen.value} />
            <div class="closer">
              <ChannelMap step={chosen.value} />
              <ReceptiveField step={chosen.value} />
            </div>
            <PixelArithmetic step={chosen.value} />
          </div>
        )}
      </div>
    </section>
  );
}
