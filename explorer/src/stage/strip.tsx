import { useMemo } from 'preact/hooks';
import { Canvas } from '../drawing/canvas.tsx';
import { sheetOf } from '../drawing/sheet.ts';
import type { ChannelRange, Thumbnails } from '../engine/protocol.ts';
import { percent, short } from '../text/numbers.ts';
import { moveFocus } from './roving.ts';
import { StripItem } from './strip-item.tsx';

interface StripProps {
  readonly thumbnails: Thumbnails;
  readonly ranges: readonly ChannelRange[];
  readonly chosen: number;
  readonly onChoose: (channel: number) => void;
  readonly columns: number;
  /** Those shown at once; the others are reached by the arrows beside. Defaults to all. */
  readonly limit?: number;
  /** The number that is brightest in all channels. Defaults to each channel's own largest. */
  readonly scale?: number;
  /** The name of one, before its range. */
  readonly nameOf?: (channel: number) => string;
}

/** The channels of a layer, small, each to be chosen. */
export function Strip(props: StripProps) {
  const { thumbnails, ranges, chosen, onChoose, columns, scale, limit = ranges.length } = props;
  const nameOf = props.nameOf ?? ((channel: number) => `Channel ${channel}`);
  const first = limit >= ranges.length ? 0 : Math.floor(chosen / limit) * limit;
  const shown = ranges.slice(first, first + limit);
  const area = thumbnails.width * thumbnails.height;
  const sheet = useMemo(() => {
    const data = thumbnails.data.subarray(first * area, (first + limit) * area);
    const brightest = (n: number) =>
      scale ?? Math.max(-ranges[first + n].min, ranges[first + n].max);
    return sheetOf({ ...thumbnails, data }, brightest, columns);
  }, [thumbnails, ranges, first, limit, columns, scale]);
  const isPaged = shown.length < ranges.length;
  return (
    <div class="strip" data-part="strip">
      {isPaged && (
        <Page label="Channels before" to={first - 1} count={ranges.length} onChoose={onChoose}>
          ◀
        </Page>
      )}
      <div
        class="strip-sheet"
        role="toolbar"
        aria-label="Channels"
        onKeyDown={(event) => moveFocus(event)}
      >
        <Canvas picture={sheet.picture} aria-hidden="true" />
        {shown.map(({ min, max, zeros }, n) => {
          const channel = first + n;
          const label = `${nameOf(channel)}: ${short(min)} to ${short(max)}, ${percent(zeros)} zeros`;
          return (
            <StripItem
              key={channel}
              label={label}
              place={sheet.placeOf(n)}
              isChosen={chosen === channel}
              onChoose={() => onChoose(channel)}
            />
          );
        })}
      </div>
      {isPaged && (
        <Page label="Channels after" to={first + limit} count={ranges.length} onChoose={onChoose}>
          ▶
        </Page>
      )}
    </div>
  );
}

function Page(props: {
  label: string;
  to: number;
  count: number;
  onChoose: (channel: number) => void;
  children: string;
}) {
  const { label, to, count, onChoose, children } = props;
  return (
    <button
      type="button"
      class="quiet small"
      aria-label={label}
      title={label}
      onClick={() => onChoose((to + count) % count)}
    >
      {children}
    </button>
  );
}
