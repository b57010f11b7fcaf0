// Writes the dashboards: node -C source docker/grafana/source/write.ts && npm run format
import { writeFileSync } from 'node:fs';
import { DASHBOARDS } from './all.ts';

for (const [file, content] of DASHBOARDS) {
  writeFileSync(new URL(`../dashboards/${file}`, import.meta.url), `${JSON.stringify(content, null, 2)}\n`);
}
