import { SimClock, silentLogger } from '@tidemark/base';
import { expect, test } from 'vitest';
import { type DnsRecord, type DnsType, dnsDiscovery } from './dns.ts';

async function start(type: DnsType, answers: Record<string, () => readonly DnsRecord[]>) {
  const clock = new SimClock(1000);
  let changes = 0;
  const warnings: unknown[] = [];
  const discovery = dnsDiscovery({
    names: Object.keys(answers),
    type,
    port: 9100,
    refreshIntervalMs: 30_000,
    resolve: async (name) => (answers[name] as () => readonly DnsRecord[])(),
    clock,
    logger: { ...silentLogger, warn: (_, fields) => warnings.push(fields?.['name']) },
  });
  await discovery.start(() => {
    changes++;
  });
  await clock.advance(0);
  const targets = () =>
    discovery.groups().flatMap(({ addresses, labels }) => addresses.map((address) => ({ address, labels })));
  return { discovery, clock, targets, changes: () => changes, warnings };
}

const failing = (code: string) => (): never => {
  throw Object.assign(new Error(`query ${code}`), { code });
};

test('SRV records have their own ports, and say where they come from', async () => {
  const run = await start('SRV', {
    '_m._tcp.x': () => [
      { name: 'b.x.', port: 2 },
      { name: 'a.x', port: 1 },
    ],
  });
  expect(run.targets().map(({ address }) => address)).toEqual(['a.x:1', 'b.x:2']);
  expect(Object.fromEntries(run.targets()[1]?.labels ?? [])).toEqual({
    __meta_dns_name: '_m._tcp.x',
    __meta_dns_srv_record_target: 'b.x.',
    __meta_dns_srv_record_port: '2',
  });
  run.discovery.close();
});

test('addresses take the port given; changes are told of, the same again is not', async () => {
  let records: readonly DnsRecord[] = [{ name: '10.0.0.1' }];
  const run = await start('A', { x: () => records });
  expect([run.targets().map(({ address }) => address), run.changes()]).toEqual([['10.0.0.1:9100'], 1]);
  await run.clock.advance(30_000);
  expect(run.changes()).toBe(1);
  records = [{ name: '10.0.0.2' }, { name: '10.0.0.1' }];
  await run.clock.advance(30_000);
  expect([run.targets().map(({ address }) => address), run.changes()]).toEqual([['10.0.0.1:9100', '10.0.0.2:9100'], 2]);
  run.discovery.close();
});

test('a server that does not answer keeps the last targets; a name without records has none', async () => {
  let answer: () => readonly DnsRecord[] = () => [{ name: '10.0.0.1' }];
  const run = await start('A', { x: () => answer(), y: () => [{ name: '10.0.0.9' }] });
  answer = failing('ETIMEOUT');
  await run.clock.advance(60_000);
  expect(run.targets()).toHaveLength(2);
  expect(run.discovery.problems()).toEqual(['x: query ETIMEOUT; its last good targets stay']);
  expect(run.warnings).toEqual(['x']);
  answer = failing('ENOTFOUND');
  await run.clock.advance(30_000);
  expect([run.targets().map(({ address }) => address), run.discovery.problems()]).toEqual([['10.0.0.9:9100'], []]);
  run.discovery.close();
});
