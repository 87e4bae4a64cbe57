import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';

export interface Answer {
  readonly text: string;
  readonly isRight: boolean;
  /** Why it is right, or what is wrong with it. */
  readonly why: string;
}

/** The question that a scene ends with. Its answers can be tried in any order. */
export function Question({ ask, answers }: { ask: ComponentChildren; answers: readonly Answer[] }) {
  const tried = useSignal<number | undefined>(undefined);
  const answer = tried.value === undefined ? undefined : answers[tried.value];
  const isOpen = useSignal(false);
  return (
    <section
      class="question"
      aria-label="Question"
      onKeyDown={({ key }) => {
        if (key === 'Escape') isOpen.value = false;
      }}
    >
      <button
        type="button"
        data-part="question"
        aria-expanded={isOpen.value}
        onClick={() => {
          isOpen.value = !isOpen.value;
        }}
      >
        ? Question
      </button>
      {isOpen.value && (
        <div class="question-card">
          <p>{ask}</p>
          <div class="row">
            {answers.map(({ text }, n) => (
              <button
                key={text}
                type="button"
                class="answer"
                aria-pressed={tried.value === n}
                onClick={() => {
                  tried.value = n;
                }}
              >
                {text}
              </button>
            ))}
          </div>
          <p role="status" class={answer?.isRight ? 'reply right' : 'reply'}>
            {answer !== undefined && `${answer.isRight ? '✓' : '✗'} ${answer.why}`}
          </p>
        </div>
      )}
    </section>
  );
}
