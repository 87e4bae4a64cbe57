import type { PixelView, StepView } from '../../engine/protocol.ts';
import { useExplorer } from '../../explorer.ts';
import { formulaOf } from '../../text/explanations.ts';
import { exact } from '../../text/numbers.ts';

/** How far apart the page's arithmetic, in float64, and the routine's, in float32, may be. */
const TOLERANCE = 1e-4;

/** How the chosen number came about, to the last digit, and whether the routine's is the same. */
export function Arithmetic({ step }: { step: StepView }) {
  const { focus } = useExplorer();
  const { sum, channel, at } = focus;
  const view = sum.value.value?.is;
  const isCurrent =
    view !== undefined && view.name === step.name && view.position.channel === channel.value;
  if (!isCurrent) return <p class="hint">The sum is being computed.</p>;
  const isNow = view.position.x === at.value?.x && view.position.y === at.value.y;
  const difference = Math.abs(view.value - view.kernelValue);
  const isRight = difference <= TOLERANCE * Math.max(1, Math.abs(view.value));
  const { position } = view;
  return (
    <div class="exactly" aria-busy={!isNow}>
      {/* In short, for screen readers: all of it would be read at every step otherwise. */}
      <p class="visually-hidden" role="status">
        {exact(view.kernelValue)}; the arithmetic {isRight ? 'agrees' : 'does not agree'}.
      </p>
      <p>
        Channel {position.channel}, x {position.x}, y {position.y} of {view.name}
        {frameOf(step, position.channel)}
        {view.source === view.name ? '' : `; its last convolution is ${view.source}`}.
      </p>
      <dl>
        {lines(view, step).map(([term, value, id]) => (
          <div key={term}>
            <dt>{term}</dt>
            <dd data-testid={id}>{value}</dd>
          </div>
        ))}
        <div class={isRight ? 'right' : 'wrong'}>
          <dt>The routine’s value</dt>
          <dd>
            <span data-testid="kernel-value">{exact(view.kernelValue)}</span>{' '}
            <span data-testid="agreement">
              {isRight ? '✓ agrees' : '✗ does not agree'}
              {difference === 0 ? ' exactly' : `, off by ${difference.toExponential(1)}`}
            </span>
          </dd>
        </div>
        {view.nextRelu !== undefined && (
          <div>
            <dt>The ReLU that follows makes it</dt>
            <dd data-testid="next-relu">{exact(view.nextRelu)}</dd>
          </div>
        )}
      </dl>
    </div>
  );
}

/** A term, its number, and the name that tests find it by. */
type Line = [term: string, number: string, testId: string];

/** The formula, term by term. */
function lines(view: PixelView, { layer, name }: StepView): Line[] {
  const { windows, sum, bias, value } = view;
  const [first] = windows[0].products;
  if (view.sourceKind === 'conv') {
    const products = windows.length * windows[0].products.length;
    return [
      [`Sum of ${products} products`, exact(sum), 'sum'],
      ['+ bias', exact(bias), 'bias'],
      ...addedTo(view, layer),
      [view.beforeRelu === undefined ? '=' : 'max(that, 0), the ReLU', exact(value), 'exact-value'],
    ];
  }
  const from = `x ${first.x}, y ${first.y} of channel ${first.channel}`;
  if (layer.kind === 'groupNorm') {
    return [
      [`Input, ${from}`, exact(first.value), 'input'],
      [`× scale: weight / √(variance + ${layer.epsilon})`, exact(first.weight), 'scale'],
      ['+ shift: bias − mean · scale', exact(bias), 'bias'],
      [`= ${formulaOf(layer)}`, exact(value), 'exact-value'],
    ];
  }
  if (layer.kind === 'add') {
    const [one, other] = addends(name);
    return [
      [one, exact(windows[0].products[0].value), 'sum'],
      [other, exact(windows[1].products[0].value), 'skip'],
      ['=', exact(value), 'exact-value'],
    ];
  }
  const formula = formulaOf(layer);
  if (formula === undefined) return [[`Copied from ${from}`, exact(value), 'exact-value']];
  return [
    [`Input, ${from}`, exact(sum), 'sum'],
    [formula, exact(value), 'exact-value'],
  ];
}

/** The terms of an addition inside a block. */
function addends(name: string): [string, string] {
  if (name.endsWith('.x+past')) return ['From one convolution', '+ from that of the other frame'];
  if (name.endsWith('.x+pool')) return ['The block’s input, x', '+ what the pool made of it'];
  return ['From the convolutions', '+ skip connection'];
}

/** The terms that a block, or a layer on frames, adds to its last convolution. */
function addedTo({ skip, beforeRelu }: PixelView, layer: StepView['layer']): Line[] {
  if (skip === undefined) return [];
  if (layer.kind === 'frameConv') {
    return [['+ the convolution of the earlier frame', exact(skip), 'skip']];
  }
  const added: Line = [`+ skip connection: ${skipOf(layer)}`, exact(skip), 'skip'];
  return beforeRelu === undefined ? [added] : [added, ['=', exact(beforeRelu), 'before-relu']];
}

const skipOf = (layer: StepView['layer']): string => {
  if (layer.kind === 'memBlock') return 'this frame of the block’s input';
  return layer.kind === 'block' && layer.pool ? 'x + pool(x)' : 'the block’s input';
};

/** The frame that a channel is of, where a map has two. */
function frameOf({ layer, shape }: StepView, channel: number): string {
  if (!('to' in layer) || layer.to === 1) return '';
  const own = shape[1] / layer.to;
  return `: channel ${channel % own} of the ${channel < own ? 'earlier' : 'later'} frame`;
}
