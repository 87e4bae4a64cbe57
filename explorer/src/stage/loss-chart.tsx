import { useExplorer } from '../explorer.ts';
import { fixed } from '../text/measured.ts';
import { moveFocus } from './roving.ts';

/**
 * The loss of the picture without each block, in dB. The bars come one by one; each goes to its
 * block.
 */
export function LossChart() {
  const { stack, focus } = useExplorer();
  const { blocks, off, whole, block } = stack;
  const all = whole.value;
  const lossOf = (name: string) => {
    const db = off.value.get(name)?.db;
    if (db === undefined || all === undefined || !Number.isFinite(all)) return undefined;
    // It is that of the rounded numbers, as in the text beside.
    return Number(all.toFixed(1)) - Number(db.toFixed(1));
  };
  const losses = blocks.value.map(({ name }) => lossOf(name));
  const largest = losses.reduce<number>((max, loss) => Math.max(max, loss ?? 0), 1);
  const done = losses.filter((loss) => loss !== undefined).length;
  return (
    <section class="loss-chart" data-part="chart" aria-label="Loss without each block">
      <p class="loss-title">
        <b>Lost without each block</b>, dB
        {done < losses.length && `; measured: ${done} of ${losses.length}`}
      </p>
      <div
        class="loss-bars"
        role="toolbar"
        aria-label="Blocks"
        onKeyDown={(event) => moveFocus(event)}
      >
        {blocks.value.map(({ name, part, index }, n) => {
          const loss = losses[n];
          const isChosen = name === block.value?.name;
          const words =
            loss === undefined ? `${name} is not measured yet` : `dB are lost without ${name}`;
          return (
            <button
              key={name}
              type="button"
              class={`loss-bar ${part}`}
              data-item
              title={loss === undefined ? words : `${fixed(loss, 1)} ${words}`}
              aria-current={isChosen ? 'step' : undefined}
              tabIndex={isChosen || (block.value === undefined && n === 0) ? 0 : -1}
              onClick={() => {
                focus.layer.value = name;
              }}
            >
              <span class="loss-number">{loss === undefined ? '…' : fixed(loss, 1)}</span>
              <span class="visually-hidden"> {words} </span>
              <span
                class="loss-fill"
                style={{ '--share': `${Math.max(loss ?? 0, 0) / largest}` }}
              />
              <span class="loss-name">
                {part === 'encoder' ? 'E' : 'D'}
                {index}
              </span>
            </button>
          );
        })}
      </div>
    </section>
  );
}
