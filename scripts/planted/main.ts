// Whether the tests notice mistakes: each bug of the list is planted, one at a time, and the tests that must catch it are played.
//
//   npm run planted [-- --list] [-- NAME...]          --page: the rows of the table in docs/testing.md
//
//   tests ── as they are ──▶ must pass        once for each file and its seed
//     └───── with a bug ───▶ must fail        by a test that fails, not by a file that does not load
//
// Ends with 1 where a bug was not caught, or a test did not pass as it is. Nothing in the tree is changed (plugin.ts).
import { parseArgs } from 'node:util';
import { type PlantedBug, type Play, playText } from './bug.ts';
import { BUGS } from './bugs.ts';
import { type Played, play } from './play.ts';
import { listOf, pageRowsOf, type Row, tableOf } from './table.ts';

// Of a run that did not go as it should: what usually says why.
const LINES = 30;

const say = (line: string) => void process.stdout.write(`${line}\n`);

try {
  const { values, positionals } = parseArgs({
    options: { list: { type: 'boolean' }, page: { type: 'boolean' } },
    allowPositionals: true,
  });
  const bugs = named(positionals);
  if (values.list === true) say(listOf(bugs));
  else if (values.page === true) say(pageRowsOf(bugs));
  else process.exitCode = (await playAll(bugs)) ? 0 : 1;
} catch (error) {
  process.stderr.write(`planted: ${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}

function named(names: readonly string[]): readonly PlantedBug[] {
  const unknown = names.filter((name) => !BUGS.some((bug) => bug.name === name));
  if (unknown.length > 0) throw new Error(`no bug is called ${unknown.join(', ')}; \`npm run planted -- --list\``);
  return names.length === 0 ? BUGS : BUGS.filter(({ name }) => names.includes(name));
}

/** Whether all are caught. */
async function playAll(bugs: readonly PlantedBug[]): Promise<boolean> {
  const startedMs = performance.now();
  const plays = new Map(bugs.flatMap(({ caughtBy }) => caughtBy).map((each) => [playText(each), each]));
  const isSound = await playSound([...plays.values()]);
  const rows: Row[] = [];
  let at = 0;
  for (const bug of bugs) {
    at++;
    for (const each of bug.caughtBy) {
      const played = await play(each, bug.name);
      rows.push({ bug, play: each, played });
      say(`[${at}/${bugs.length}] ${bug.name}: ${told(played)} (${playText(each)})`);
      if (played.verdict === 'broken') say(endOf(played));
    }
  }
  const missed = new Set(rows.filter(({ played }) => played.verdict !== 'caught').map(({ bug }) => bug.name));
  say(`\n${tableOf(rows)}\n`);
  const minutes = ((performance.now() - startedMs) / 60_000).toFixed(1);
  say(
    `${bugs.length - missed.size} of ${bugs.length} bugs caught, by ${plays.size} test files and seeds, in ${minutes} minutes.`,
  );
  if (missed.size > 0) say(`NOT caught: ${[...missed].join(', ')}`);
  if (!isSound) say('Not every test passed without a bug; see the top.');
  return missed.size === 0 && isSound;
}

/** A test that fails anyway catches nothing. */
async function playSound(plays: readonly Play[]): Promise<boolean> {
  let isSound = true;
  for (const [i, each] of plays.entries()) {
    const played = await play(each);
    say(`as it is [${i + 1}/${plays.length}] ${playText(each)}: ${played.verdict}, ${played.seconds.toFixed(1)} s`);
    if (played.verdict === 'passed') continue;
    isSound = false;
    say(endOf(played));
  }
  return isSound;
}

function told({ verdict, seconds, failure }: Played): string {
  const what =
    verdict === 'passed' ? 'NOT caught' : verdict === 'broken' ? 'NOT caught, but broken' : `caught by "${failure}"`;
  return `${what}, ${seconds.toFixed(1)} s`;
}

function endOf({ output }: Played): string {
  return output.trimEnd().split('\n').slice(-LINES).join('\n');
}
