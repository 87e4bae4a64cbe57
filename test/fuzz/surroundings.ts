/**
 * Remembers what a target changes for a whole process: the environment, `fetch`, warnings.
 *
 * @returns a function that puts it back
 */
export function keepSurroundings(): () => void {
  const env = { ...process.env };
  const { fetch } = globalThis;
  const { warn } = console;
  return () => {
    for (const name of Object.keys(process.env)) if (!(name in env)) delete process.env[name];
    Object.assign(process.env, env);
    globalThis.fetch = fetch;
    console.warn = warn;
  };
}
