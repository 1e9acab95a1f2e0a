/** `npm run dashboards`: writes deploy/grafana/ from the panels beside this file. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../command-line/project-root.ts';
import { DASHBOARDS, dashboardText } from './dashboards.ts';

for (const [file, one] of Object.entries(DASHBOARDS)) {
  writeFileSync(join(projectRoot, file), dashboardText(one));
  process.stdout.write(`${file}\n`);
}
