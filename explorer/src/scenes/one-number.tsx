import { useEffect, useState } from 'preact/hooks';
import { afterDrawing } from '../drawing/tasks.ts';
import { useExplorer } from '../explorer.ts';
import { useFirstStage } from '../stage/first-stage.ts';
import { MapView } from '../stage/map-view.tsx';
import { Question } from '../stage/question.tsx';
import { Strip } from '../stage/strip.tsx';
import { SumView } from '../stage/sum-view.tsx';
import { Word } from '../stage/word.tsx';
import { COLOURS } from '../text/colours.ts';
import { exact, whole } from '../text/numbers.ts';
import type { Scene } from './scene.ts';

function Text() {
  const { firstLayer } = useExplorer();
  const planes = firstLayer.planes.value;
  const count = planes === undefined ? '' : whole(planes.width * planes.height);
  return (
    <>
      <h2>Every pixel of the right picture is one small sum.</h2>
      <p>
        Move over either picture. The{' '}
        <Word of="window" term="window">
          window
        </Word>{' '}
        takes nine pixels in red, green and blue. Each number is multiplied by a fixed{' '}
        <Word of="weights" term="weight">
          weight
        </Word>
        . All products and one{' '}
        <Word of="bias" term="bias">
          bias
        </Word>{' '}
        are added up. A convolution does only this: here {count} times, once for each pixel of the{' '}
        <Word of="output" term="map">
          map
        </Word>
        .
      </p>
    </>
  );
}

function Stage() {
  const { channel, filters } = useExplorer().firstLayer;
  const { size, parts, input, output } = useFirstStage();
  return (
    <>
      <MapView part="input" label="The picture" {...input}>
        <b>The picture</b>
        <span class="more">
          : 3 × {size?.height} × {size?.width} numbers from 0 to 1. The frame is 3×3, at the edge
          with <Word term="padding">padding</Word>.
        </span>
      </MapView>
      {parts && (
        <SumView parts={parts} isOfPicture nameOf={(c) => COLOURS[c]} kindOf={(c) => COLOURS[c]} />
      )}
      <MapView
        part="output"
        label={`Filter ${channel.value + 1}${parts ? `, ${exact(parts.value)}` : ''}`}
        {...output}
      >
        <b>
          Filter {channel.value + 1} of {filters.value.cout}
        </b>
        <span class="more">
          {' '}
          of {filters.value.model ?? 'this page'}: amber is positive, blue negative.
        </span>
        <FirstStrip limit={8} columns={8} />
      </MapView>
    </>
  );
}

/** The maps of the first filters, small. */
function FirstStrip({ limit, columns }: { limit?: number; columns: number }) {
  const { firstLayer, filterLab, slide } = useExplorer();
  const { channel, strip } = firstLayer;
  const [isReady, setReady] = useState(false);
  // 64 maps take longer than the sum: it is shown first.
  useEffect(() => afterDrawing(() => setReady(true)), []);
  const maps = isReady ? strip.value : undefined;
  if (maps === undefined) return <div class="strip empty" />;
  return (
    <Strip
      thumbnails={maps.thumbnails}
      ranges={maps.ranges}
      chosen={channel.value}
      columns={columns}
      {...(limit === undefined ? {} : { limit })}
      nameOf={(n) => `Filter ${n + 1}`}
      onChoose={(n) => {
        slide.stop();
        filterLab.choose(n);
      }}
    />
  );
}

function Ask() {
  return (
    <Question
      ask="How many weights does one number of the right picture need?"
      answers={[
        { text: '9', isRight: false, why: 'Nine for each colour, and there are three colours.' },
        {
          text: '27',
          isRight: true,
          why: 'Nine in red, nine in green, nine in blue; the bias is added.',
        },
        {
          text: '65,536',
          isRight: false,
          why: 'That many numbers are made, all with the same weights.',
        },
      ]}
    />
  );
}

export const oneNumber: Scene = {
  id: '1',
  Text,
  Stage,
  Question: Ask,
};
