/** Keys that move among the items of one group, which is one stop of the Tab key. */
const STEPS: Readonly<Record<string, number>> = {
  ArrowLeft: -1,
  ArrowUp: -1,
  ArrowRight: 1,
  ArrowDown: 1,
};

/**
 * Moves the focus within a group by arrow keys, Home and End.
 *
 * @param event  from the group's element; its items are its buttons and links
 */
export function moveFocus(event: KeyboardEvent & { currentTarget: HTMLElement }): void {
  const items = [...event.currentTarget.querySelectorAll<HTMLElement>('[data-item]')];
  const now = items.indexOf(document.activeElement as HTMLElement);
  const step = STEPS[event.key];
  let next: number | undefined;
  if (step !== undefined) next = (now + step + items.length) % items.length;
  else if (event.key === 'Home') next = 0;
  else if (event.key === 'End') next = items.length - 1;
  if (next === undefined || now < 0) return;
  event.preventDefault();
  items[next].focus();
  items[next].scrollIntoView({ block: 'nearest', inline: 'nearest' });
}
