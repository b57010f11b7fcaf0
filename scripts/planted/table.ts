import { basename } from 'node:path';
import { type PlantedBug, type Play, playText } from './bug.ts';
import type { Played } from './play.ts';

/** A bug, as one of its tests saw it. */
export interface Row {
  readonly bug: PlantedBug;
  readonly play: Play;
  readonly played: Pick<Played, 'verdict' | 'seconds'>;
}

const HEADINGS = ['bug', 'caught by', 'seconds'] as const;

/** What was played, for a terminal; a bug is named once. */
export function tableOf(rows: readonly Row[]): string {
  const cells = rows.map(({ bug, play, played: { verdict, seconds } }, i) => [
    rows[i - 1]?.bug === bug ? '' : bug.name,
    verdict === 'caught' ? playText(play) : `NOT by ${playText(play)} (${verdict})`,
    seconds.toFixed(1),
  ]);
  return aligned([HEADINGS, ...cells]);
}

/** What there is to be played. */
export function listOf(bugs: readonly PlantedBug[]): string {
  return aligned(bugs.map(({ name, what, file }) => [name, what, file]));
}

/** The same for a page: rows of a Markdown table. */
export function pageRowsOf(bugs: readonly PlantedBug[]): string {
  const caughtBy = (bug: PlantedBug) =>
    bug.caughtBy.map((play) => `\`${playText({ ...play, test: basename(play.test) })}\``).join(', ');
  return bugs.map((bug) => `| \`${bug.name}\` | ${bug.what} | ${caughtBy(bug)} |`).join('\n');
}

function aligned(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
