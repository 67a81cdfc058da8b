import { render } from 'preact';
import { App } from './app.js';
import { startClock } from './clock.js';
import { startLive } from './live.js';
import { startRouter } from './router.js';
import { startStore } from './store.js';
import { startTheme } from './theme.js';

const place = document.querySelector('#app');
if (place === null) throw new Error('the page has no place for itself');
startTheme();
startClock();
startRouter();
startStore();
startLive();
render(<App />, place);
