import { render } from 'preact';
import { App } from './app.js';
import { startClock } from './clock.js';
import { startLive } from './live.js';
import { startRouter } from './router.js';
import { startStore } from './store.js';
import { startTheme } from './theme.js';
import { giveShapes } from './ui/shapes.js';

const place = document.querySelector('#app');
if (place === null) throw new Error('the page has no place for itself');
startTheme();
giveShapes(['check', 'arrow', 'triangle', 'cross', 'ring', 'question']);
startClock();
startRouter();
startStore();
startLive();
render(<App />, place);
