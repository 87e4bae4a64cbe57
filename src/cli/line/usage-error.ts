import { expectedText } from '../../errors.ts';

/**
 * A command line that cannot be understood: exit code 2, before any file is looked at. What goes wrong after that
 * is a TaesdError and exit code 1.
 */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/**
 * The grammar of all messages, `where: "what" expected RULE, got VALUE`, ending with the help that tells more.
 *
 * @param command  the command whose help says it, or undefined for the help of the whole
 */
export function usageError(
  command: string | undefined,
  what: string,
  rule: string,
  got: string,
): UsageError {
  const where = command === undefined ? '' : `${command}: `;
  const help = command === undefined ? 'taesd --help' : `taesd ${command} --help`;
  return new UsageError(`${where}${expectedText(what, rule, got, `see ${help}`)}`);
}
