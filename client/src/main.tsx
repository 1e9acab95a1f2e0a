import { options, render } from 'preact';
import { Dashboard } from './dashboard.ts';
import { App } from './views/app.tsx';
import { DashboardContext } from './views/context.ts';
import '../shared/styles/tokens.css';
import '../shared/styles/base.css';
import './styles/devices.css';
import '../shared/styles/header.css';
import '../shared/styles/sections.css';
import './styles/sections.css';
import '../shared/styles/chart.css';
import './styles/chart.css';
import './styles/map.css';
import '../shared/styles/tables.css';
import './styles/tables.css';
import './styles/panel.css';
import '../shared/styles/operations.css';
import './styles/quality.css';
import './styles/wall.css';
import '../shared/styles/print.css';
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
