import { render } from 'preact';
import { start } from './state/models.ts';
import { useSample } from './state/picture.ts';
import './styles/base.css';
import './styles/controls.css';
import './styles/pictures.css';
import './styles/layers.css';
import './styles/arithmetic.css';
import './styles/latent.css';
import { App } from './views/app.tsx';

// The workers come up while the page is laid out.
void start();
void useSample();
render(<App />, document.getElementById('page') as HTMLElement);
