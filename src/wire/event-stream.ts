import { lenientText } from '../builtins/text.ts';
import { expected } from '../errors.ts';
import { MAX_FRAME_BYTES } from './header.ts';

/** An event of a stream of server-sent events. */
export interface ServerEvent {
  readonly type: string;
  readonly data: string;
}

/** The characters of the longest frame in base64, and the line ends that may divide it. */
const MAX_CHARACTERS = 2 * MAX_FRAME_BYTES;

/**
 * Reads server-sent events from the body of a response, for requests that an EventSource cannot
 * send: POST, or with headers. Ids and times of reconnection have no meaning there.
 * Source: https://html.spec.whatwg.org/multipage/server-sent-events.html, 9.2.6
 */
export class EventStream {
  /** The line that has not ended. */
  #line = '';
  #type = '';
  #data: string[] = [];
  #characters = 0;
  /** True after a CR, whose LF may follow in the next piece. */
  #endedByCr = false;

  /** Yields the events that a piece ends. @throws TaesdError LIMIT */
  *take(piece: Uint8Array): Generator<ServerEvent, void, void> {
    // Frames are ASCII, so a piece may end inside any other character.
    const text = lenientText(piece);
    const ends = /\r\n|\n|\r/g;
    if (this.#endedByCr && text[0] === '\n') ends.lastIndex = 1;
    let begin = ends.lastIndex;
    this.#endedByCr = text.endsWith('\r') || (this.#endedByCr && text === '');
    for (let end = ends.exec(text); end !== null; end = ends.exec(text)) {
      const event = this.#take(this.#line + text.slice(begin, end.index));
      this.#line = '';
      begin = ends.lastIndex;
      if (event !== undefined) yield event;
    }
    this.#line += text.slice(begin);
    this.#check(this.#line.length);
  }

  /** Takes a line. @returns the event that an empty line ends */
  #take(line: string): ServerEvent | undefined {
    if (line === '') {
      const event = { type: this.#type || 'message', data: this.#data.join('\n') };
      const isEmpty = this.#data.length === 0;
      this.#type = '';
      this.#data = [];
      this.#characters = 0;
      return isEmpty ? undefined : event;
    }
    const [, name, value] = /^([^:]*):? ?(.*)$/s.exec(line) as RegExpExecArray;
    if (name === 'event') this.#type = value;
    if (name === 'data') {
      this.#data.push(value);
      // An empty line of data takes memory too.
      this.#characters += value.length + 1;
      this.#check(0);
    }
    return undefined;
  }

  #check(more: number): void {
    const length = this.#characters + more;
    if (length <= MAX_CHARACTERS) return;
    throw expected('LIMIT', 'event', `at most ${MAX_CHARACTERS} characters`, `${length}`);
  }
}
