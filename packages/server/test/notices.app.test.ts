import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { systemClock } from '@tidemark/base';
import { startAlertmanager, startTidemark, tempFolder } from '@tidemark/testkit/real';
import { expect, onTestFinished, test, vi } from 'vitest';

// The notices of a real Alertmanager and ours, byte for byte but for times, side by side through one story. Each step waits for
// the notice it must bring on both sides, so nothing depends on how fast the machine is.

const config = (hook: string) => `
global: {resolve_timeout: 1h}
route:
  receiver: ops
  group_by: [alertname, cluster]
  group_wait: 1s
  group_interval: 1s
  repeat_interval: 1h
  routes:
    - {matchers: [severity="page"], receiver: pager, continue: true, group_by: ['...']}
    - {match_re: {team: a|b}, receiver: team, group_by: []}
receivers:
  - {name: ops, webhook_configs: [{url: "${hook}/ops", max_alerts: 2}]}
  - {name: pager, webhook_configs: [{url: "${hook}/pager", send_resolved: false}]}
  - {name: team, webhook_configs: [{url: "${hook}/team"}]}
`;

interface Payload {
  readonly receiver: string;
  readonly groupKey: string;
  readonly alerts: readonly { readonly startsAt: string; readonly endsAt: string }[];
}

/** What a receiver got, in order. */
async function webhook() {
  const payloads: Payload[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      payloads.push(JSON.parse(Buffer.concat(chunks).toString('utf8')) as Payload);
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, payloads };
}

const NO_TIME = '0001-01-01T00:00:00Z';

function comparable({ externalURL: _, ...payload }: Payload & { externalURL?: string }) {
  const word = (time: string) => (time === NO_TIME ? 'none' : 'some');
  return {
    ...payload,
    alerts: payload.alerts.map((alert) => ({ ...alert, startsAt: word(alert.startsAt), endsAt: word(alert.endsAt) })),
  };
}

test('the notices of a story', async () => {
  const [theirs, ours] = [await webhook(), await webhook()];
  await using alertmanager = await startAlertmanager(config(theirs.url));
  await using folder = await tempFolder('notices');
  const file = join(folder.path, 'alertmanager.yml');
  await writeFile(file, config(ours.url));
  await using tidemark = await startTidemark({
    config: `notifier: {config: ${file}}\n`,
    env: { TIDEMARK_COLLECTOR_HOST: 'false' },
  });
  const both = [alertmanager.url, tidemark.url];
  const post = (alerts: readonly object[]) =>
    Promise.all(
      both.map(async (url) => {
        const response = await fetch(`${url}/api/v2/alerts`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(alerts),
        });
        expect(response.status).toBe(200);
      }),
    );
  let count = 0;
  const notices = async (more: number) => {
    count += more;
    await vi.waitFor(() => expect([theirs.payloads.length, ours.payloads.length]).toEqual([count, count]), {
      timeout: 30_000,
      interval: 50,
    });
    const shown = ({ payloads }: { readonly payloads: readonly Payload[] }) =>
      payloads
        .slice(count - more)
        .map(comparable)
        .sort((a, b) => (`${a.receiver} ${a.groupKey}` < `${b.receiver} ${b.groupKey}` ? -1 : 1));
    expect(shown(ours)).toEqual(shown(theirs));
  };
  const over = () => ({ endsAt: new Date(Date.now() - 1).toISOString(), startsAt: '2024-01-01T00:00:00Z' });

  const down = (instance: string) => ({
    alertname: 'Down',
    cluster: 'x "1"',
    instance,
    job: instance === 'i1' ? 'z' : 'a',
  });
  const summary = { summary: 'the same', odd: 'new\nline' };
  await post([
    { labels: down('i1'), annotations: summary, generatorURL: 'http://g/?a=b&c=d' },
    { labels: down('i2'), annotations: summary },
    { labels: { ...down('i3'), extra: 'ü' }, annotations: { summary: 'the same' } },
  ]);
  await notices(1);
  await post([{ labels: { alertname: 'Page', severity: 'page', team: 'a' } }]);
  await notices(2);
  await post([{ labels: { alertname: 'Other', team: 'b' } }]);
  await notices(1);
  await post([{ labels: down('i1'), ...over() }]);
  await notices(1);
  await post([{ labels: { alertname: 'Page', severity: 'page', team: 'a' }, ...over() }]);
  await notices(1);
  // The pager, which does not want to hear of ends, has passed over this one by then.
  await systemClock.sleep(3000);
  await post([{ labels: { alertname: 'Page', severity: 'page', team: 'a' } }]);
  await notices(2);
  await post([{ labels: { alertname: 'Old' }, startsAt: '2024-01-01T00:00:00Z' }]);
  await notices(1);
  await post([
    { labels: down('i2'), ...over() },
    { labels: { ...down('i3'), extra: 'ü' }, ...over() },
    { labels: { alertname: 'Old' }, ...over() },
  ]);
  await notices(2);
});
