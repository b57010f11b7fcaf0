import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Random } from '@tidemark/base';
import { rounds, withSeed } from '@tidemark/testkit';
import { startTidemark, type Tidemark, tempFolder } from '@tidemark/testkit/real';
import { expect, test } from 'vitest';
import { expectRecorded, expectRows, expectSamples, expectScrapedRows, expectScrapes } from './crash/checks.ts';
import { endAlert, moveFlag } from './crash/flag.ts';
import { Receiver } from './crash/receiver.ts';
import { startTarget } from './crash/target.ts';
import { fastTime, RATE } from './crash/time.ts';
import { Writer } from './crash/writer.ts';

// Kills the process with SIGKILL at random moments while a writer sends, a target is scraped, rows are made, rules are evaluated
// and a receiver is told. Afterwards: every acknowledged sample is there once with its value; what was scraped was served;
// every row of minutes and hours is what the plain computation says; every alert was told to fire and to be over, no notice is
// lost, and at most those under way at a kill came twice.
//
// `npm run crash -- --rounds 1000 [--seed N]` is the long form.

const KILLS = rounds(20);
const RULE_INTERVAL_MS = 5000;
// A short run waits: minutes are compared seven minutes after they were.
const LEAST_MS = 12 * 60_000;
const RULES = `groups:
- name: crash
  interval: 5s
  rules:
  - { record: "crash:flag", expr: crash_flag }
  - { alert: CrashFlag, expr: crash_flag == 1, labels: { severity: page } }
`;
// A flag's way to the receiver: a batch, an evaluation, the group's wait; restarts in between.
const TOLD_WITHIN_MS = 60_000;

test(
  `${KILLS} kills: nothing acknowledged is lost, doubled or wrong; rows are right; notices arrive`,
  { timeout: 300_000 + KILLS * 20_000 },
  () =>
    withSeed('crash', async (random) => {
      const time = fastTime();
      await using folder = await tempFolder('crash');
      await using target = await startTarget();
      await using receiver = await new Receiver().start();
      const rulesFile = join(folder.path, 'rules.yml');
      await writeFile(rulesFile, RULES);
      await using server = await startTidemark({
        config: configOf(target.address, rulesFile, receiver.url),
        env: {
          TIDEMARK_COLLECTOR_HOST: 'false',
          TIDEMARK_COLLECTOR_SELF: 'false',
          TIDEMARK_TESTING_CLOCK_RATE: String(RATE),
          TIDEMARK_TESTING_CLOCK_ORIGIN: String(time.originMs),
        },
      });
      const writer = new Writer(time, random.below(2 ** 31));
      for (let kill = 0; kill < KILLS; kill++) {
        moveFlag(writer, receiver);
        const killed = killAfter(server, writer, random);
        await writer.sendUntilRefused(server.url);
        await killed;
        await server.restart();
      }
      await writer.settle(server.url);
      await endAlert(server.url, writer, receiver, TOLD_WITHIN_MS);
      await time.passed(LEAST_MS);
      expect(writer.batches).toBeGreaterThan(KILLS * 3);
      await expectSamples(server.url, writer, time);
      await expectScrapes(server.url, target, time, KILLS);
      await expectRecorded(server.url, time, RULE_INTERVAL_MS);
      await expectRows(server.url, writer, '1h', time);
      await expectRows(server.url, writer, '1m', time);
      await expectScrapedRows(server.url, time);
      expect(new Set(receiver.told.map(({ startsAt }) => startsAt)).size, 'alerts').toBeGreaterThan(0);
      receiver.expectOnce(KILLS);
    }),
);

function configOf(address: string, rulesFile: string, url: string): string {
  return `
store: { checkpointInterval: 20s }
rules: { files: ['${rulesFile}'] }
notifier: { webhookUrl: '${url}', groupWait: 2s, groupInterval: 5s, repeatInterval: 1000h }
scrape:
  configs:
    - { job_name: page, scrape_interval: 5s, scrape_timeout: 5s, static_configs: [{ targets: ['${address}'] }] }
`;
}

/** At a random moment, and on a slow machine not before it had something to lose. */
async function killAfter(server: Tidemark, writer: Writer, random: Random): Promise<void> {
  const before = writer.batches;
  do await new Promise((resolve) => setTimeout(resolve, 200 + random.below(1800)));
  while (writer.batches <= before + 3);
  await server.kill9();
}
