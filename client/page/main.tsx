import { options, render } from 'preact';
import { LivePage } from './live-page.ts';
import { App } from './views/app.tsx';
import { PageContext } from './views/context.ts';
import '../shared/styles/tokens.css';
import '../shared/styles/base.css';
import '../shared/styles/header.css';
import '../shared/styles/sections.css';
import '../shared/styles/chart.css';
import '../shared/styles/tables.css';
import '../shared/styles/operations.css';
import './styles/page.css';
import './styles/topology.css';
import '../shared/styles/print.css';
import './styles/print.css';

// However many updates come in, one drawing per frame; none in a hidden tab, and one when it is seen again.
options.debounceRendering = (draw) => void requestAnimationFrame(draw);

const page = new LivePage();
const root = document.getElementById('app');
if (!root) throw new Error('index.html has no element #app');
render(
  <PageContext.Provider value={page}>
    <App />
  </PageContext.Provider>,
  root,
);
page.start();
