import { batch, computed, effect, type ReadonlySignal, signal } from '@preact/signals';
import { type Area, type Picture, type Tensor, VARIANTS } from 'taesd-wasm';
import type { FilesClient } from '../engine/workers.ts';
import { brightestSquare } from '../measure/brightest.ts';
import { fitted, mirrored } from '../measure/fit.ts';
import { type Follows, follows } from '../measure/follows.ts';
import { begun, changed, type History, redone, replaced, undone } from '../measure/history.ts';
import { largest } from '../measure/largest.ts';
import { brushed, eightBit, mixed, shifted, stamped } from '../measure/paint.ts';
import { psnr } from '../measure/psnr.ts';
import { brightestFollower } from '../text/latent.ts';
import { whole } from '../text/numbers.ts';
import type { At } from './at.ts';
import { download } from './files.ts';
import { latest } from './latest.ts';
import type { Messages } from './messages.ts';
import type { Model, Models } from './models.ts';
import type { NetworkStore, Trip } from './network.ts';

export const TOOLS = ['stamp', 'paint', 'shift', 'mix'] as const;
export type Tool = (typeof TOOLS)[number];

/** A state of the latent that can be returned to. */
interface Edit {
  readonly base: Tensor;
  /** The amounts that are added to the channels of `base`. */
  readonly shifts: readonly number[];
  /** A second picture's latents, and its part from 0 to 1. */
  readonly second: Tensor | undefined;
  readonly share: number;
}

/** A decoded picture. */
export interface Frame {
  readonly of: Tensor;
  readonly picture: Picture;
  readonly by: Model;
  /** False if the small model decoded it, while the hand moves. */
  readonly isFinal: boolean;
}

/** The second picture of a mixture. */
interface Other {
  readonly name: string;
  readonly latents: Tensor;
}

/** The hand rests when nothing has changed for so long. Then the chosen model decodes. */
const REST_MS = 150;
/** Channels that are shown large, if there are more than `ALL`. */
const LARGE = 3;
const ALL = 8;
/** The side of the square that is stamped at first, as a part of the latent's shorter side. */
const STAMP = 0.16;

/**
 * The latent, changed by hand; the decoded picture follows. Nothing is measured or decoded while no
 * scene shows it.
 */
export function createBottleneck(
  messages: Messages,
  models: Models,
  network: NetworkStore,
  { reader, isShown }: { reader: FilesClient; isShown: ReadonlySignal<boolean> },
) {
  const { attempt, report, say } = messages;
  const { trip, coded } = network;
  const history = signal<History<Edit> | undefined>(undefined);
  const other = signal<Other | undefined>(undefined);
  const tool = signal<Tool>('stamp');
  const brush = signal({ value: 2, radius: 2 });
  /** The area that is stamped, in places of the latent. */
  const area = signal<Area>({ x: 0, y: 0, width: 1, height: 1 });
  /** The place that is looked at. */
  const at = signal<At | undefined>(undefined);
  /** The channel that is painted by keys, shifted, and shown where there is room for one. */
  const channel = signal(0);
  const large = signal<readonly number[]>([]);
  const isQuantised = signal(false);
  /** On a touch screen: a finger paints, and does not scroll. */
  const isTouchOn = signal(false);
  let recent: number[] = [];
  /** The subject of the last step: its next change is no step of its own. */
  let going = '';

  const downscale = computed(() => VARIANTS[trip.value?.model.model ?? 'nano'].downscale);

  /** The colours that each channel of the encoded latent follows on this picture. */
  const followed = computed((): readonly Follows[] => {
    const now = trip.value;
    return now === undefined ? [] : follows(now.latents, now.picture, downscale.value);
  });

  /** The brightest number of the palette: all channels share it. */
  const scale = computed(() => largest(trip.value?.latents.data ?? new Float32Array()));

  /** The latent as it is now, in 32 bits. */
  const edited = computed((): Tensor | undefined => {
    const now = history.value?.present;
    if (now === undefined) return undefined;
    const { base, shifts, second, share } = now;
    const moved = shifts.some((shift) => shift !== 0) ? shifted(base, shifts) : base;
    return share === 0 || second === undefined ? moved : mixed(moved, second, share);
  });

  /** The latent that is decoded and shown. */
  const shown = computed(() =>
    isQuantised.value && edited.value !== undefined ? eightBit(edited.value) : edited.value,
  );
  const isChanged = computed(() => edited.value !== trip.value?.latents);

  const frame = signal<Frame | undefined>(undefined);
  const quality = computed(() => {
    const [now, made] = [trip.value, frame.value];
    return now === undefined || made === undefined ? undefined : psnr(now.picture, made.picture);
  });

  /** Another picture or model: its latent, as it was encoded. */
  let began: Trip | undefined;
  const endTrips = effect(() => {
    const now = trip.value;
    if (!isShown.value || now === undefined || now === began) return;
    began = now;
    const { latents, picture } = now;
    const [, , height, width] = latents.shape;
    const side = Math.max(1, Math.round(Math.min(height, width) * STAMP));
    batch(() => {
      begin(latents);
      frame.value = undefined;
      other.value = undefined;
      at.value = undefined;
      area.value = brightestSquare(picture, downscale.value, side);
      recent = firstChannels(followed.value);
      large.value = [...recent].sort((a, b) => a - b);
      choose(brightestFollower(followed.value)?.channel ?? 0);
    });
  });

  function begin(latents: Tensor): void {
    going = '';
    const shifts = new Array<number>(latents.shape[1]).fill(0);
    history.value = begun({ base: latents, shifts, second: undefined, share: 0 });
  }

  /** All channels, or those that follow brightness and colours most. */
  function firstChannels(list: readonly Follows[]): number[] {
    if (list.length <= ALL) return list.map((each) => each.channel);
    const found: number[] = [];
    for (const what of ['luma', 'red', 'blue'] as const) {
      const rest = list.filter((each) => !found.includes(each.channel));
      const best = rest.reduce((a, b) => (Math.abs(b[what] ?? 0) > Math.abs(a[what] ?? 0) ? b : a));
      found.push(best.channel);
    }
    return found.slice(0, LARGE);
  }

  /** Shows a channel large, in the place of the one that was chosen least lately. */
  function choose(next: number): void {
    channel.value = next;
    if (!large.peek().includes(next)) {
      const oldest = recent[0];
      large.value = large.peek().map((each) => (each === oldest ? next : each));
      recent = recent.slice(1);
    }
    recent = [...recent.filter((each) => each !== next), next];
  }

  /*
   * While the hand moves the small model decodes every change it is quick enough for; when the hand
   * rests the chosen model decodes. A picture never gives way to an older one.
   */
  let version = 0;
  let arrived = 0;
  const endDecoding = effect(() => {
    const [now, made, wanted] = [trip.value, coded.value, shown.value];
    if (now === undefined || made === undefined || wanted === undefined) return;
    if (!isShown.value || now !== began) return;
    if (wanted.shape.join() !== now.latents.shape.join()) return;
    const mine = ++version;
    const { model } = now;
    if (wanted === now.latents) {
      arrived = mine;
      frame.value = { of: wanted, picture: made.decoded, by: model, isFinal: true };
      return;
    }
    const quick = models.quick.peek() ?? model;
    const go = async (by: Model) => {
      try {
        const picture = await decode(now, by, wanted);
        const isFinal = by === model;
        if (trip.peek() !== now || mine < arrived) return;
        if (mine === arrived && !isFinal) return;
        arrived = mine;
        frame.value = { of: wanted, picture, by, isFinal };
      } catch (error) {
        report(error);
      }
    };
    void go(quick);
    if (quick === model) return;
    const timer = setTimeout(() => void go(model), REST_MS);
    return () => clearTimeout(timer);
  });

  async function decode({ picture }: Trip, { client }: Model, latents: Tensor): Promise<Picture> {
    const { width, height } = picture;
    const made = await client.latest('decode', 'bottleneck', latents, width, height);
    return made.picture;
  }

  /** The dB without quantisation, once the quantised picture is there. */
  const plain = latest(
    () => {
      const [now, made, latents] = [trip.value, frame.value, edited.value];
      const isReady = isQuantised.value && made?.isFinal === true && made.of === shown.value;
      return isReady && now !== undefined && latents !== undefined ? { now, latents } : undefined;
    },
    async ({ now, latents }) => {
      const picture =
        latents === now.latents && coded.peek() !== undefined
          ? coded.peek()?.decoded
          : await decode(now, now.model, latents);
      return picture && psnr(now.picture, picture);
    },
    report,
  );

  /** Changes the latent. A change of what the last one changed goes on with its step. */
  function change(what: string, next: (edit: Edit) => Edit): void {
    const now = history.peek();
    if (now === undefined) return;
    const edit = next(now.present);
    history.value = what !== '' && what === going ? replaced(now, edit) : changed(now, edit);
    going = what;
  }

  /** From the latent as it is now: what was shifted and mixed is part of it. */
  function onBase(what: string, next: (latents: Tensor) => Tensor): void {
    const now = edited.peek();
    if (now === undefined) return;
    const shifts = new Array<number>(now.shape[1]).fill(0);
    change(what, () => ({ base: next(now), shifts, second: undefined, share: 0 }));
  }

  /**
   * Paints from one place to another: fast strokes have no gaps. Until `settle` all is one stroke.
   */
  function paint(which: number, from: At, to: At): void {
    onBase('stroke', (latents) => {
      const steps = Math.max(Math.abs(to.y - from.y), Math.abs(to.x - from.x), 1);
      let made = latents;
      for (let n = from === to ? steps : 1; n <= steps; n++) {
        const along = (a: number, b: number) => Math.round(a + ((b - a) * n) / steps);
        const place = { y: along(from.y, to.y), x: along(from.x, to.x) };
        made = brushed(made, { channel: which, ...place, ...brush.peek() });
      }
      return made;
    });
  }

  /** Returns the corner of a stamp whose middle is at a place. */
  const stampAt = ({ y, x }: At): At => ({
    y: y - (area.value.height >> 1),
    x: x - (area.value.width >> 1),
  });

  function stamp(to: At): void {
    onBase('', (latents) => stamped(latents, area.peek(), stampAt(to)));
  }

  function travel(go: (edits: History<Edit>) => History<Edit>): void {
    const now = history.peek();
    going = '';
    if (now !== undefined) history.value = go(now);
  }

  function reset(): void {
    const latents = trip.peek()?.latents;
    if (latents === undefined || !isChanged.peek()) return;
    onBase('', () => latents);
  }

  /** Mixes with the picture mirrored, or with another one, cut to its size. */
  function mixWith(file?: File): Promise<void> {
    return attempt(async () => {
      const now = trip.peek();
      if (now === undefined) return;
      const { width, height } = now.picture;
      let second = mirrored(now.picture);
      if (file !== undefined) {
        const { model } = now.model;
        const opened = await reader.call('open', file, {
          maxSide: 2 * Math.max(width, height),
          model,
        });
        if (opened.kind !== 'picture') throw new Error(`“${file.name}” is not a picture.`);
        second = fitted(opened.picture, { width, height });
      }
      const { latents } = await now.model.client.call('encode', second);
      if (trip.peek() !== now) return;
      // An earlier mixture keeps its share of the picture it was mixed with.
      if (history.peek()?.present.share !== 0) onBase('', (mixture) => mixture);
      other.value = { name: file?.name ?? 'the picture, mirrored', latents };
      say(`To be mixed: ${other.peek()?.name}.`);
    });
  }

  function saveLatents(): Promise<void> {
    return attempt(async () => {
      const [now, latents] = [trip.peek(), shown.peek()];
      if (now === undefined || latents === undefined) return;
      const { width, height } = now.picture;
      const { model } = now.model;
      const bytes = await reader.call('saveLatents', latents, model, { width, height });
      const name = `${model}-latents.safetensors`;
      download(name, bytes, 'application/octet-stream');
      say(`Saved ${name}: ${whole(bytes.length)} bytes.`);
    });
  }

  function savePicture(): Promise<void> {
    return attempt(async () => {
      const made = frame.peek();
      if (made === undefined) return;
      const bytes = await reader.call('savePicture', made.picture);
      const name = `${made.by.model}-picture.png`;
      download(name, bytes, 'image/png');
      say(`Saved ${name}.`);
    });
  }

  return {
    ...{ tool, brush, area, at, channel, large, isQuantised, isTouchOn, other, history },
    ...{ downscale, followed, scale, edited, shown, isChanged, frame, quality },
    /** dB to the original without quantisation, while that is on. */
    plainQuality: computed(() => plain.value.value?.is),
    ...{ choose, paint, stamp, stampAt, reset, mixWith, saveLatents, savePicture },
    undo: () => travel(undone),
    redo: () => travel(redone),
    shift(value: number): void {
      const which = channel.peek();
      change(`shift ${which}`, (edit) => ({ ...edit, shifts: edit.shifts.with(which, value) }));
    },
    mix(share: number): void {
      const second = other.peek()?.latents;
      if (second !== undefined) change('mix', (edit) => ({ ...edit, second, share }));
    },
    /** The next change is a step of its own. */
    settle(): void {
      going = '';
    },
    end(): void {
      for (const stop of [endTrips, endDecoding, plain.end]) stop();
    },
  };
}
