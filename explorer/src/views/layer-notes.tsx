import { VARIANTS } from 'taesd-wasm';
import type { StepView } from '../engine/protocol.ts';
import { opened, toggleBlock } from '../state/stepping.ts';
import { trip } from '../state/trip.ts';
import { explain } from '../text/explanations.ts';
import { count, milliseconds, percent, shapeText, short } from '../text/numbers.ts';
import { sourceLine } from '../text/source-lines.ts';

/** What a step is called, why it is there, and what it costs. */
export function LayerNotes({ step }: { step: StepView }) {
  const model = trip.value?.model.model ?? 'nano';
  const network = VARIANTS[model].networks[step.part];
  const { title, text } = explain(step, network);
  const source = sourceLine(step, model);
  const isOpen = opened.value?.name === (step.block ?? step.name);
  const { min, max, mean, zeros } = step.summary;
  return (
    <div class="notes">
      <p class={`kicker ${step.part}`}>
        {step.name} <code>{step.module}</code>
      </p>
      <h3 data-testid="step-title">{title}</h3>
      <p class="explanation">{text}</p>
      {source !== undefined && (
        <p class="source">
          <code>{source.text}</code>
          <span>
            {source.file}, line {source.line}
          </span>
        </p>
      )}
      <dl class="facts">
        <Fact term="In">{shapeText(step.inputShape)}</Fact>
        <Fact term="Out">{shapeText(step.shape)}</Fact>
        <Fact term="Parameters">{count(step.parameters)}</Fact>
        <Fact term="Multiply-adds">{count(step.multiplyAdds)}</Fact>
        <Fact term="Time">{milliseconds(step.elapsedMs)}</Fact>
        <Fact term="Range" testid="range">
          {short(min)} … {short(max)}
        </Fact>
        <Fact term="Mean">{short(mean)}</Fact>
        <Fact term="Zeros" testid="zeros">
          {percent(zeros)}
        </Fact>
      </dl>
      <p class="hint">
        Kernels:{' '}
        {step.kernels.length > 0 ? (
          <code>{step.kernels.join(', ')}</code>
        ) : (
          'none, it runs in TypeScript'
        )}
      </p>
      {(step.layer.kind === 'block' || 'from' in step.layer || step.block !== undefined) && (
        <p class="open-block">
          <button type="button" onClick={() => void toggleBlock(step)}>
            {isOpen
              ? `Close the ${step.layer.kind === 'frameConv' ? 'layer' : 'block'}`
              : opener(step)}
          </button>
        </p>
      )}
    </div>
  );
}

const opener = ({ layer }: StepView): string =>
  `Open the ${layer.kind === 'frameConv' ? 'layer' : 'block'}: its ${operationsIn(layer)} operations`;

function operationsIn(layer: StepView['layer']): number {
  // Three convolutions, two ReLUs, a sum and a ReLU.
  const inBlock = 7;
  switch (layer.kind) {
    case 'block':
      // A pool's four and a sum, and a skip that widens.
      return inBlock + (layer.pool ? 5 : 0) + (layer.cin === layer.cout ? 0 : 1);
    case 'memBlock':
      // The later frame has a convolution more and a sum. It need not do again what both frames have in common.
      return inBlock * layer.to + (layer.from === 1 ? 1 : 2);
    case 'frameConv':
      return layer.to === 2 ? 2 : 3;
    default:
      return 0;
  }
}

function Fact({ term, testid, children }: { term: string; testid?: string; children: unknown }) {
  return (
    <div>
      <dt>{term}</dt>
      <dd data-testid={testid}>{children as string}</dd>
    </div>
  );
}
