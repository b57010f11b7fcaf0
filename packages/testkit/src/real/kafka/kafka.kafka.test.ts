import { expect, test } from 'vitest';
import { startKafka } from './kafka.ts';
import { clusterMetadata } from './metadata.ts';

const ask = (address: string) => {
  const [host = '', port = ''] = address.split(':');
  return clusterMetadata(host, Number(port));
};

test('three brokers are one cluster; one can be killed, paused, restarted; nothing is left', async () => {
  const kafka = await startKafka({ brokers: 3 });
  const pids = [0, 1, 2].map((i) => kafka.pid(i));
  const [one = '', two = '', three = ''] = kafka.bootstrap;
  try {
    await expect.poll(async () => (await ask(one)).brokers.length).toBe(3);
    expect(new Set([await ask(one), await ask(two), await ask(three)].map((each) => each.clusterId)).size).toBe(1);

    await kafka.kill9(2);
    await expect(ask(three)).rejects.toThrow('ECONNREFUSED');
    await expect.poll(async () => (await ask(one)).brokers.map(({ id }) => id)).toEqual([1, 2]);

    kafka.pause(1);
    await expect(ask(two)).rejects.toThrow('did not answer');
    kafka.resume(1);
    await expect
      .poll(() =>
        ask(two).then(
          () => true,
          () => false,
        ),
      )
      .toBe(true);

    await kafka.restart(2);
    await expect.poll(async () => (await ask(one)).brokers.length).toBe(3);
  } finally {
    await kafka.stop();
  }
  for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow('ESRCH');
});

test('a secure broker listens for all of them', async () => {
  await using kafka = await startKafka({ secure: true });
  expect(await ask(kafka.bootstrap[0] as string)).toMatchObject({ brokers: [{ id: 1 }] });
  expect(kafka.secure?.ca).toContain('BEGIN CERTIFICATE');
  expect(kafka.secure?.saslTls).toHaveLength(1);
});
