import { report } from '../report.ts';
import { appendRow, batchRow } from './append.ts';
import { bytesRow } from './bytes.ts';
import { coldRow } from './cold.ts';
import { decodeRow } from './decode.ts';
import { memoryRow } from './memory.ts';
import { recordedRow } from './recorded.ts';
import { restartRow } from './restart.ts';
import type { Row, RowOptions } from './row.ts';
import { selectRow } from './select.ts';

/** In the order of the table they fill. */
export const ROWS: readonly Row[] = [
  bytesRow,
  recordedRow,
  memoryRow,
  appendRow,
  batchRow,
  decodeRow,
  selectRow,
  restartRow,
  coldRow,
];

/** Runs rows one after another; each table is handed out when it is done. */
export async function runRows(rows: readonly Row[], options: RowOptions, print: (text: string) => void): Promise<void> {
  for (const row of rows) {
    options.say(`${row.name}: ${row.demand}`);
    const beganMs = performance.now();
    const figures = await row.run(options);
    options.say(`  ${((performance.now() - beganMs) / 1000).toFixed(0)} s`);
    const cells = figures.map(({ what, figure, besides }) => [what, figure, besides]);
    print(report(`${row.name}: ${row.demand}`, ['of', 'measured', 'besides'], cells));
  }
}
