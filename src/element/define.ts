import { describe } from '../checks.ts';
import { expected, inCall } from '../errors.ts';
import { type OurClass, previewClass } from './preview-class.ts';

/** Names of custom elements in ASCII. */
const NAME = /^[a-z][a-z\d._]*-[a-z\d._-]*$/;

/**
 * Makes `<taesd-preview>` an element of the page. On a server it does nothing, so the code of
 * components may call it anywhere. If the element is already defined, by another copy of the
 * package too, that one stays.
 *
 * @param name  the element's name. Defaults to `taesd-preview`
 * @throws TaesdError ARG (not a name of a custom element, or that of an element of another kind)
 */
export function defineTaesdPreview(name: string = 'taesd-preview'): void {
  inCall('defineTaesdPreview', () => {
    if (typeof name !== 'string' || !NAME.test(name)) {
      const rule = 'a name in small letters with a hyphen';
      throw expected('ARG', 'name', rule, describe(name));
    }
    const { customElements } = globalThis;
    if (customElements === undefined) return;
    const present = customElements.get(name) as Partial<OurClass> | undefined;
    if (present === undefined) customElements.define(name, previewClass());
    else if (present.isTaesdPreview !== true) {
      throw expected('ARG', 'name', 'a name that is free', `${name}, which is taken`);
    }
  });
}
