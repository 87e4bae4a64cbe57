import { useExplorer } from '../explorer.ts';

/** The page's status and its last problem. */
export function Messages() {
  const { messages, models } = useExplorer();
  const { status, problem, notes, note } = messages;
  const isAwaiting = models.awaited.value !== undefined;
  return (
    <div class="messages">
      <p role="status" class={isAwaiting ? 'status awaits' : 'status'}>
        {status}
      </p>
      {notes.value.length > 0 && (
        <div class="problem note" role="note">
          <div>
            {notes.value.map((sentence) => (
              <p key={sentence}>{sentence}</p>
            ))}
          </div>
          <button type="button" class="quiet" onClick={() => note([])}>
            Close
          </button>
        </div>
      )}
      <div role="alert">
        {problem.value !== undefined && (
          <p class="problem">
            <span>{problem}</span>
            <button
              type="button"
              class="quiet"
              onClick={() => {
                problem.value = undefined;
              }}
            >
              Close
            </button>
          </p>
        )}
      </div>
    </div>
  );
}
