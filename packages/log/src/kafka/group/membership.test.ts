import { SimClock, silentLogger } from '@tidemark/base';
import { expect, test } from 'vitest';
import { BrokerFault } from '../broker-fault.ts';
import type { KafkaClient } from '../client.ts';
import { kafkaMetrics } from '../metrics.ts';
import { KAFKA_LOG_DEFAULTS } from '../options.ts';
import { Membership } from './membership.ts';

const COORDINATOR_NOT_AVAILABLE = 15;

/** A member whose join waits for others for ever, and whose heartbeats are answered so. */
async function joining(answer: number) {
  const clock = new SimClock();
  const seen = { joins: 0, heartbeats: 0, lanesClosed: 0 };
  const client = {
    clock,
    logger: silentLogger,
    metrics: kafkaMetrics(),
    options: { ...KAFKA_LOG_DEFAULTS, brokers: [] },
    names: { toBroker: (name: string) => name, fromBroker: (name: string) => name },
    noteFault: () => undefined,
    backOff: (_tries: number, signal: AbortSignal) => clock.sleep(500, signal),
    closeLane: () => {
      seen.lanesClosed++;
    },
    retrying: (_doing: string, work: () => Promise<unknown>) => work(),
    sendToCoordinator: async (_kind: string, _group: string, { name }: { name: string }) => {
      if (name === 'Heartbeat') {
        seen.heartbeats++;
        throw new BrokerFault(answer, name);
      }
      if (name === 'JoinGroup' && seen.joins++ > 0) return await new Promise(() => undefined);
      return { error: 79, memberId: 'm' };
    },
  };
  const { member } = await Membership.join({
    client: client as unknown as KafkaClient,
    group: 'g',
    topics: ['t'],
    number: 0,
    mustBeOpen: () => undefined,
    check: async () => undefined,
    onEnd: () => undefined,
  });
  const told = member.next().catch((error: unknown) => error);
  await clock.advance(10_000);
  const outcome = await Promise.race([told, Promise.resolve('waits')]);
  await member.close();
  return { ...seen, outcome };
}

test.each([
  ['UNKNOWN_MEMBER_ID', 25],
  ['ILLEGAL_GENERATION', 22],
  ['REBALANCE_IN_PROGRESS', 27],
  ['INVALID_REQUEST', 42],
  ['UNKNOWN_SERVER_ERROR', -1],
])('who joins for the first time goes on waiting where a coordinator answers its heartbeats %s', async (_, answer) => {
  const { heartbeats, lanesClosed, outcome } = await joining(answer);
  expect(heartbeats).toBeGreaterThan(5);
  expect(outcome).toBe('waits');
  // One when it is closed.
  expect(lanesClosed).toBe(1);
});

test('and joins anew where it is another that keeps the group now', async () => {
  const { lanesClosed, outcome } = await joining(COORDINATOR_NOT_AVAILABLE);
  expect(outcome).toBe('waits');
  expect(lanesClosed).toBeGreaterThan(5);
});
