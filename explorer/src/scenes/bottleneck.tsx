import { useComputed } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import { type Tensor, VARIANTS } from 'taesd-wasm';
import { coloured } from '../drawing/colour-map.ts';
import type { ChannelRange } from '../engine/protocol.ts';
import { useExplorer } from '../explorer.ts';
import { LatentMap } from '../stage/latent-map.tsx';
import { LatentMore, LatentTools } from '../stage/latent-tools.tsx';
import { Question } from '../stage/question.tsx';
import { Strip } from '../stage/strip.tsx';
import { Word } from '../stage/word.tsx';
import '../styles/scene-bottleneck.css';
import { eightBitText, followerText, timesFewer } from '../text/latent.ts';
import { followsText } from '../text/measured.ts';
import { decibels, whole } from '../text/numbers.ts';
import type { Scene } from './scene.ts';

/** Channels that are shown large, all at once, where there is room. */
const ALL = 8;
const COLUMNS = 8;

/** The counts of the picture's numbers and of its latent's. */
function useCounts() {
  const { network } = useExplorer();
  const now = network.trip.value;
  if (now === undefined) return undefined;
  const { pictureChannels, latentChannels, downscale } = VARIANTS[now.model.model];
  const { width, height } = now.picture;
  const picture = pictureChannels * width * height;
  return { picture, latent: now.latents.data.length, latentChannels, downscale, pictureChannels };
}

function Text() {
  const { bottleneck } = useExplorer();
  const counts = useCounts();
  return (
    <>
      <h2>The latent is a small picture, in colours of its own.</h2>
      {counts !== undefined && (
        <p>
          The encoder makes {whole(counts.latent)} numbers of {whole(counts.picture)},{' '}
          {counts.latentChannels} for each {counts.downscale}×{counts.downscale} pixels. Training
          chose what its{' '}
          <Word of="latent" term="channel">
            channels
          </Word>{' '}
          mean: on this picture, {followerText(bottleneck.followed.value)}. Click on the{' '}
          <Word of="latent" term="latent">
            latent
          </Word>
          : what the dotted frame holds is stamped there, and the decoder makes a{' '}
          <Word of="output">picture</Word> of it.
        </p>
      )}
    </>
  );
}

function Stage() {
  const { bottleneck, network, pictures } = useExplorer();
  const { shown, large, downscale, channel } = bottleneck;
  const counts = useCounts();
  const latents = shown.value;
  const picture = network.trip.value?.picture ?? pictures.picture.value;
  const size = {
    height: (picture?.height ?? 1) / downscale.value,
    width: (picture?.width ?? 1) / downscale.value,
  };
  const isMany = latents !== undefined && latents.shape[1] > ALL;
  return (
    <div class={isMany ? 'bottleneck many' : 'bottleneck'}>
      <LatentMap part="input" picture={picture} size={size} label="The picture" channel={undefined}>
        <b>The picture</b>
        {counts && `: ${whole(counts.picture)} numbers`}.
      </LatentMap>
      <div class="latent-channels" data-part="latent">
        {latents !== undefined &&
          large.value.map((each) => <Channel key={each} channel={each} latents={latents} />)}
      </div>
      {latents !== undefined && <Channels latents={latents} />}
      <LatentMap
        part="output"
        picture={bottleneck.frame.value?.picture}
        size={size}
        label="The picture decoded from the latent as it is now"
        channel={channel.value}
      >
        <Decoded />
      </LatentMap>
      <LatentTools />
      <LatentMore />
    </div>
  );
}

function Channel({ channel, latents }: { channel: number; latents: Tensor }) {
  const { bottleneck } = useExplorer();
  const [, , height, width] = latents.shape;
  const scale = bottleneck.scale.value;
  const picture = useMemo(() => {
    const numbers = latents.data.subarray(channel * height * width, (channel + 1) * height * width);
    return coloured(numbers, width, height, scale);
  }, [latents, channel, scale]);
  const isChosen = useComputed(() => bottleneck.channel.value === channel);
  const found = bottleneck.followed.value[channel];
  const text = found === undefined ? '' : followsText(found);
  return (
    <div class={isChosen.value ? 'latent-channel chosen' : 'latent-channel'}>
      <LatentMap
        part={`channel-${channel}`}
        picture={picture}
        size={{ height, width }}
        label={text === '' ? `Channel ${channel}` : text.replace(/\.$/, '')}
        channel={channel}
        isChannel
      >
        {text}
      </LatentMap>
    </div>
  );
}

/** All channels, small. */
function Channels({ latents }: { latents: Tensor }) {
  const { bottleneck } = useExplorer();
  const { channel, scale } = bottleneck;
  const [, channels, height, width] = latents.shape;
  const ranges = useMemo(() => rangesOf(latents), [latents]);
  return (
    <div class="latent-strip">
      <Strip
        thumbnails={{ width, height, data: latents.data }}
        ranges={ranges}
        chosen={channel.value}
        scale={scale.value}
        columns={channels > ALL ? COLUMNS : Math.ceil(channels / 2)}
        limit={2 * COLUMNS}
        onChoose={bottleneck.choose}
      />
    </div>
  );
}

function rangesOf({ shape, data }: Tensor): ChannelRange[] {
  const area = shape[2] * shape[3];
  return Array.from({ length: shape[1] }, (_, channel) => {
    let [min, max, zeros] = [Infinity, -Infinity, 0];
    for (let at = channel * area; at < (channel + 1) * area; at++) {
      min = Math.min(min, data[at]);
      max = Math.max(max, data[at]);
      if (data[at] === 0) zeros++;
    }
    return { min, max, zeros: zeros / area };
  });
}

/** The decoder that is at work, and how near its picture is to the original. */
function Decoded() {
  const { bottleneck } = useExplorer();
  const { frame, quality, isQuantised, shown, plainQuality } = bottleneck;
  const now = frame.value;
  if (now === undefined || quality.value === undefined) return <b>Decoded</b>;
  const bytes = now.isFinal ? quality.value : undefined;
  return (
    <>
      <b>Decoded</b> by {now.by.model}: <span class="decibels">{decibels(quality.value)}</span> to
      the original.
      {isQuantised.value && shown.value !== undefined && (
        <span class="eight-bits">
          {' '}
          {eightBitText(shown.value.data.length, { plain: plainQuality.value, bytes })}
        </span>
      )}
    </>
  );
}

function Ask() {
  const counts = useCounts();
  if (counts === undefined) return null;
  const { picture, latent, downscale, latentChannels, pictureChannels } = counts;
  const right = timesFewer(picture, latent);
  const wrong = [
    {
      text: `${downscale}`,
      why: `The latent is ${downscale} times less wide. It is also ${downscale} times less high.`,
    },
    {
      text: `${downscale ** 2}`,
      why: `A place of the latent stands for ${downscale ** 2} pixels. But a pixel is ${pictureChannels} numbers, and a place ${latentChannels}.`,
    },
  ].filter(({ text }) => text !== right);
  const answers = [
    ...wrong.map((answer) => ({ ...answer, isRight: false })),
    {
      text: right,
      isRight: true,
      why: `${whole(picture)} numbers of the picture, divided by ${whole(latent)}.`,
    },
  ];
  answers.sort((a, b) => Number(a.text) - Number(b.text));
  return (
    <Question
      ask="How many times fewer numbers than the picture has its latent?"
      answers={answers}
    />
  );
}

export const bottleneck: Scene = { id: '4', Text, Stage, Question: Ask };
