// docs/unit-tests.md has these lines: jest's jsdom has no TextDecoder and no TextEncoder.
import { TextDecoder, TextEncoder } from 'node:util';

Object.assign(globalThis, { TextDecoder, TextEncoder });
