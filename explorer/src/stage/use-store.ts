import { useEffect, useMemo } from 'preact/hooks';

/** A store that lives as long as the view it is made in. */
export function useStore<S extends { readonly end: () => void }>(create: () => S): S {
  const store = useMemo(create, []);
  useEffect(() => store.end, [store]);
  return store;
}
