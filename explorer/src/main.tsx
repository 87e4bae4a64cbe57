import { render } from 'preact';
import { createExplorer } from './explorer.ts';
import { keepForLater } from './offline.ts';
import './styles/base.css';
import './styles/controls.css';
import './styles/stage.css';
import './styles/share.css';
import { App } from './stage/app.tsx';

const explorer = createExplorer();
explorer.start();
render(<App explorer={explorer} />, document.getElementById('page') as HTMLElement);
keepForLater();
