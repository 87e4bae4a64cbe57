import { Component, type ComponentChild, createElement, type FunctionComponent } from 'preact';

/** A component that is drawn again only if its properties are not alike. */
export function memo<P extends object>(
  view: (props: P) => ComponentChild,
  areAlike: (one: Readonly<P>, other: Readonly<P>) => boolean,
): FunctionComponent<P> {
  class Memo extends Component<P> {
    override shouldComponentUpdate(next: Readonly<P>): boolean {
      return !areAlike(this.props as Readonly<P>, next);
    }
    override render(props: P): ComponentChild {
      return view(props);
    }
  }
  return ((props: P) => createElement(Memo, props)) as FunctionComponent<P>;
}
