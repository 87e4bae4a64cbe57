import { useMemo } from 'preact/hooks';
import { Canvas } from '../drawing/canvas.tsx';
import { sheetOf } from '../drawing/sheet.ts';
import { useExplorer } from '../explorer.ts';
import type { Kind } from '../measure/filter-kinds.ts';
import { filterText } from '../text/measured.ts';
import { moveFocus } from './roving.ts';
import { StripItem } from './strip-item.tsx';

const KIND_NAMES: Readonly<Record<Kind, string>> = {
  brightness: 'Brightness',
  colour: 'Colours',
  edge: 'Edges',
  texture: 'Patterns',
  none: 'Nothing',
};

/** The maps of all filters of the first layer, sorted by what they answer to. */
export function FilterStrip({ rows }: { rows: number }) {
  const { filterLab, slide } = useExplorer();
  return (
    <div
      class="filter-strip"
      data-part="strip"
      role="toolbar"
      aria-label="All filters, by what they answer to"
      onKeyDown={(event) => moveFocus(event)}
    >
      {filterLab.groups.value.map(({ kind, channels }) => (
        <Group
          key={kind}
          kind={kind}
          channels={channels}
          rows={rows}
          onChoose={(n) => {
            slide.stop();
            filterLab.choose(n);
          }}
        />
      ))}
    </div>
  );
}

interface GroupProps {
  readonly kind: Kind;
  readonly channels: readonly number[];
  readonly rows: number;
  readonly onChoose: (channel: number) => void;
}

function Group({ kind, channels, rows, onChoose }: GroupProps) {
  const { filterLab, firstLayer } = useExplorer();
  const maps = firstLayer.strip.value;
  const chosen = firstLayer.channel.value;
  const columns = Math.ceil(channels.length / rows);
  const sheet = useMemo(() => {
    if (maps === undefined) return undefined;
    const { thumbnails, ranges } = maps;
    const area = thumbnails.width * thumbnails.height;
    const data = new Float32Array(channels.length * area);
    channels.forEach((from, n) => {
      data.set(thumbnails.data.subarray(from * area, (from + 1) * area), n * area);
    });
    const brightest = (n: number) => Math.max(-ranges[channels[n]].min, ranges[channels[n]].max);
    return sheetOf({ ...thumbnails, data }, brightest, columns);
  }, [maps, channels, columns]);
  if (sheet === undefined) return null;
  return (
    <div class="filter-group" data-part={`kind-${kind}`} style={{ '--columns': `${columns}` }}>
      <span class="filter-kind">
        {KIND_NAMES[kind]} <b>{channels.length}</b>
      </span>
      <div class="strip-sheet">
        <Canvas picture={sheet.picture} aria-hidden="true" />
        {channels.map((channel, n) => {
          const label = `Filter ${channel + 1}: ${filterText(filterLab.kinds.value[channel])}`;
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
    </div>
  );
}
