import type { PixelView, StepView } from '../engine/protocol.ts';
import { chosenChannel, pixel, pixelView } from '../state/stepping.ts';
import { formulaOf } from '../text/explanations.ts';
import { exact } from '../text/numbers.ts';
import { Windows } from './windows.tsx';

/** How far apart the page's arithmetic and the kernel's, which is in float32, may be. */
const TOLERANCE = 1e-4;

/** How the chosen number came about. */
export function PixelArithmetic({ step }: { step: StepView }) {
  const view = pixelView.value;
  const at = pixel.value;
  const isCurrent =
    view !== undefined &&
    view.name === step.name &&
    view.position.channel === chosenChannel.value &&
    view.position.x === at?.x &&
    view.position.y === at.y;
  return (
    <div class="arithmetic">
      <h4>How one number came about</h4>
      {isCurrent ? (
        <Made view={view} step={step} />
      ) : (
        <p class="hint">Choose a pixel of the large map above: its arithmetic is laid out here.</p>
      )}
    </div>
  );
}

function Made({ view, step }: { view: PixelView; step: StepView }) {
  const { position } = view;
  const difference = Math.abs(view.value - view.kernelValue);
  const isRight = difference <= TOLERANCE * Math.max(1, Math.abs(view.value));
  return (
    <>
      {/* In short, for screen readers: all of it would be read at every step otherwise. */}
      <p class="visually-hidden" role="status">
        {exact(view.kernelValue)}; the arithmetic {isRight ? 'agrees' : 'does not agree'}.
      </p>
      <p>
        Channel {position.channel}, x {position.x}, y {position.y} of {view.name}
        {frameOf(step, position.channel)}
        {view.source === view.name ? '' : `; its last convolution is ${view.source}`}.
      </p>
      <dl class="sum">
        {lines(view, step).map(([term, value, id]) => (
          <div key={term}>
            <dt>{term}</dt>
            <dd data-testid={id}>{value}</dd>
          </div>
        ))}
        <div class={isRight ? 'check right' : 'check wrong'}>
          <dt>The kernel’s value</dt>
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
      {view.sourceKind === 'conv' && <Windows view={view} />}
    </>
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
    const channels = windows.length === 1 ? '1 channel' : `${windows.length} channels`;
    return [
      [
        `Sum of ${products} products, ${windows[0].products.length} of each of ${channels}`,
        exact(sum),
        'sum',
      ],
      ['+ bias', exact(bias), 'bias'],
      ...addedTo(view, layer),
      [view.beforeRelu === undefined ? '=' : 'max(that, 0), the ReLU', exact(value), 'value'],
    ];
  }
  const from = `x ${first.x}, y ${first.y} of channel ${first.channel}`;
  if (layer.kind === 'groupNorm') {
    return [
      [`Input, ${from}`, exact(first.value), 'input'],
      [`× scale: weight / √(variance + ${layer.epsilon})`, exact(first.weight), 'scale'],
      ['+ shift: bias − mean · scale', exact(bias), 'bias'],
      [`= ${formulaOf(layer)}`, exact(value), 'value'],
    ];
  }
  if (layer.kind === 'add' && name.endsWith('.x+past')) {
    return [
      ['From one convolution', exact(windows[0].products[0].value), 'sum'],
      ['+ from that of the other frame', exact(windows[1].products[0].value), 'skip'],
      ['=', exact(value), 'value'],
    ];
  }
  if (layer.kind === 'add' && name.endsWith('.x+pool')) {
    return [
      ['The block’s input, x', exact(windows[0].products[0].value), 'sum'],
      ['+ what the pool made of it', exact(windows[1].products[0].value), 'skip'],
      ['=', exact(value), 'value'],
    ];
  }
  if (layer.kind === 'add') {
    return [
      ['From the convolutions', exact(windows[0].products[0].value), 'sum'],
      ['+ skip connection', exact(windows[1].products[0].value), 'skip'],
      ['=', exact(value), 'value'],
    ];
  }
  const formula = formulaOf(layer);
  if (formula === undefined) return [[`Copied from ${from}`, exact(value), 'value']];
  return [
    [`Input, ${from}`, exact(sum), 'sum'],
    [formula, exact(value), 'value'],
  ];
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
