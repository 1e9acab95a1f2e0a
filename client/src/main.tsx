import { options, render } from 'preact';
import { Dashboard } from './dashboard.ts';
import { App } from './views/app.tsx';
import { DashboardContext } from './views/context.ts';
import './styles/tokens.css';
import './styles/base.css';
import './styles/header.css';
import './styles/sections.css';
import './styles/chart.css';
import './styles/map.css';
import './styles/tables.css';
import './styles/panel.css';
import './styles/operations.css';
import './styles/wall.css';
import './styles/print.css';

// However many updates come in, one drawing per frame; none in a hidden tab, and one when it is seen again.
options.debounceRendering = (draw) => void requestAnimationFrame(draw);

const dashboard = new Dashboard();
const root = document.getElementById('app');
if (!root) throw new Error('index.html has no element #app');
render(
  <DashboardContext.Provider value={dashboard}>
    <App />
  </DashboardContext.Provider>,
  root,
);
dashboard.start();
