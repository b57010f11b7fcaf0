import { alerts } from './alerts.ts';
import { host } from './host.ts';
import { dashboard } from './model.ts';
import { roles } from './roles.ts';
import { self } from './self.ts';

/** File name and content of every dashboard. */
export const DASHBOARDS: readonly (readonly [file: string, content: object])[] = [
  ['host.json', dashboard(host)],
  ['tidemark.json', dashboard(self)],
  ['alerts.json', dashboard(alerts)],
  ['roles.json', dashboard(roles)],
];
