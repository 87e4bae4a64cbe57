'use client';

import { useEffect } from 'react';
import { Taesd } from 'taesd-wasm';
import { examine, LATENTS } from '../bundled/examine.mjs';
import { Picture } from './picture.jsx';

export default function Page() {
  useEffect(() => {
    globalThis.examined = examine(() => Taesd.load({ model: 'nano', workers: 2 }));
  }, []);
  return <Picture latents={LATENTS} />;
}
