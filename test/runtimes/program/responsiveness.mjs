// For how long a page stands still while pictures are decoded.

/** A decode of 512×512 takes the better part of a second. */
const SIZE = 64;
/**
 * A package that blocks does so each time, a machine that others use now and then: the calmest
 * decode is to be judged.
 */
const ROUNDS = 2;
/** While none was calm enough, so many are tried. */
const MOST_ROUNDS = 15;
/** Browsers delay nested timers to this. */
const TIMER_MS = 4;

/**
 * @returns of each decode the longest time, in ms, that a timer was late, or that the browser calls
 *   a long task
 */
export async function longestBlocks(Taesd, weights, workers, bound = Infinity) {
  const taesd = await Taesd.load({ model: 'taesd', weights, workers, only: 'decoder' });
  const data = Float32Array.from({ length: 4 * SIZE * SIZE }, (_, i) => 2 * Math.sin(i / 7));
  const latents = { shape: [1, 4, SIZE, SIZE], data };
  await taesd.decode(latents);
  const blocks = [];
  const isCalm = () => Math.min(...blocks) < bound;
  while (blocks.length < ROUNDS || (!isCalm() && blocks.length < MOST_ROUNDS)) {
    blocks.push(await blockDuring(() => taesd.decode(latents)));
  }
  taesd.dispose();
  return blocks;
}

async function blockDuring(work) {
  let longest = 0;
  let last = performance.now();
  let timer;
  const beat = () => {
    const now = performance.now();
    longest = Math.max(longest, now - last - TIMER_MS);
    last = now;
    timer = setTimeout(beat, TIMER_MS);
  };
  const observer = longTasks((ms) => {
    longest = Math.max(longest, ms);
  });
  timer = setTimeout(beat, TIMER_MS);
  await work();
  // The beat that is due now counts as well, and the entries of tasks that have just ended come in
  // a task of their own.
  await new Promise((resolve) => setTimeout(resolve, 10 * TIMER_MS));
  clearTimeout(timer);
  observer?.disconnect();
  return longest;
}

/** Chromium tells of tasks of 50 ms and more; Firefox does not. */
function longTasks(tell) {
  if (!PerformanceObserver.supportedEntryTypes.includes('longtask')) return undefined;
  const observer = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) tell(duration);
  });
  observer.observe({ entryTypes: ['longtask'] });
  return observer;
}
