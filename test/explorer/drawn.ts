import type { ComponentChild, VNode } from 'preact';

/** An element that components draw. */
export interface Drawn {
  readonly type: string;
  readonly props: Readonly<Record<string, unknown>>;
  /** The text inside it. */
  readonly text: string;
  /** All elements inside it, in their order. */
  readonly inside: readonly Drawn[];
}

/** Calls components that have no state, and returns all elements that they draw. */
export function drawn(child: ComponentChild | readonly ComponentChild[]): Drawn[] {
  if (Array.isArray(child)) return child.flatMap(drawn);
  if (typeof child !== 'object' || child === null) return [];
  const { type, props } = child as VNode<Record<string, unknown>>;
  if (typeof type === 'function') {
    return drawn((type as (props: unknown) => ComponentChild)(props));
  }
  const children = props.children as ComponentChild;
  const inside = drawn(children);
  // A fragment has no name.
  if (typeof type !== 'string') return inside;
  return [{ type, props, text: textOf(children), inside }, ...inside];
}

/** Returns the elements of a type that have a class. */
export const withClass = (all: readonly Drawn[], type: string, name: string): Drawn[] =>
  all.filter((one) => one.type === type && `${one.props.class ?? ''}`.split(' ').includes(name));

/** Returns drawn elements as a file: an SVG that a parser reads. */
export function markup(child: ComponentChild | readonly ComponentChild[]): string {
  if (Array.isArray(child)) return child.map(markup).join('');
  if (typeof child === 'string' || typeof child === 'number') return escaped(`${child}`);
  if (typeof child !== 'object' || child === null) return '';
  const { type, props } = child as VNode<Record<string, unknown>>;
  if (typeof type === 'function') {
    return markup((type as (props: unknown) => ComponentChild)(props));
  }
  const { children, ...rest } = props;
  const inside = markup(children as ComponentChild);
  if (typeof type !== 'string') return inside;
  const attributes = Object.entries(rest)
    .filter(([, value]) => value !== undefined && typeof value !== 'function')
    .map(([name, value]) => ` ${name}="${escaped(`${value}`)}"`);
  return `<${type}${attributes.join('')}>${inside}</${type}>`;
}

function textOf(child: ComponentChild | readonly ComponentChild[]): string {
  if (Array.isArray(child)) return child.map(textOf).join('');
  if (typeof child === 'string' || typeof child === 'number') return `${child}`;
  if (typeof child !== 'object' || child === null) return '';
  return textOf((child as VNode<{ children: ComponentChild }>).props.children);
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
