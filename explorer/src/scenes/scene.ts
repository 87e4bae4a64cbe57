import type { FunctionComponent } from 'preact';
import type { SceneId } from '../address/address.ts';
import type { Explorer } from '../explorer.ts';

/** A scene as it is known before its code is there. */
export interface SceneEntry {
  readonly id: SceneId;
  readonly title: string;
  /** True if Space lets its window slide. */
  readonly slides?: boolean;
  /** The scene, if it comes with the page. */
  readonly scene?: Scene;
  /** Fetches the scene’s code. */
  readonly load?: () => Promise<Scene>;
}

/** A scene: its texts, and what stands on its stage. */
export interface Scene {
  readonly id: SceneId;
  /** A heading and two or three sentences; words in them light up the parts that they name. */
  readonly Text: FunctionComponent;
  /** The parts on the stage. It fits any box. */
  readonly Stage: FunctionComponent;
  /** The question at its end. */
  readonly Question?: FunctionComponent;
  /** Called when the scene begins: what an address left out gets its value. */
  readonly enter?: (explorer: Explorer) => void;
}
