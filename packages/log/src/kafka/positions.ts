import { checkName, groupInUse, positionLost } from '../errors.ts';
import type { Isolation, PartitionBounds, Position, TopicPartition } from '../log.ts';
import { isFault, mustSucceed } from './broker-fault.ts';
import { type KafkaClient, partitionIn } from './client.ts';
import { deleteGroupsRequest, offsetCommitRequest, offsetFetchRequest, refusedOf } from './protocol/group-offsets.ts';
import { EARLIEST, LATEST, listOffsetsRequest } from './protocol/list-offsets.ts';

// Where partitions begin and end, and where groups without members stand.

const NOT_FOUND = 'GROUP_ID_NOT_FOUND';

export class KafkaPositions {
  readonly #client: KafkaClient;

  constructor(client: KafkaClient) {
    this.#client = client;
  }

  /** Throws `LOG_TOPIC_UNKNOWN`. */
  async bounds(topic: string, isolation: Isolation): Promise<readonly PartitionBounds[]> {
    const { partitions } = await this.#client.topic(topic);
    return await this.boundsOf(
      partitions.map(({ partition }) => ({ topic, partition })),
      isolation,
    );
  }

  async boundsOf(at: readonly TopicPartition[], isolation: Isolation): Promise<readonly PartitionBounds[]> {
    const [starts, ends] = await Promise.all([
      this.#list(at, EARLIEST, 'uncommitted'),
      this.#list(at, LATEST, isolation),
    ]);
    return at.map((each, i) => ({ ...each, start: starts[i] as number, end: ends[i] as number }));
  }

  /** Throws `LOG_POSITION_LOST` beyond the end, `LOG_GROUP_IN_USE`. */
  async commit(group: string, positions: readonly Position[]): Promise<void> {
    checkName('group', group);
    await this.check(positions);
    if (positions.length === 0) return;
    const client = this.#client;
    const offsets = positions.map(({ topic, partition, offset }) => ({
      topic: client.names.toBroker(topic),
      partition,
      offset,
    }));
    const request = offsetCommitRequest(client.names.toBroker(group), offsets);
    try {
      await client.retrying(`commit positions of group ${group}`, () =>
        client.sendToCoordinator('group', group, request, ({ results }) => refusedOf(results)),
      );
    } catch (error) {
      throw inUse(group, error);
    }
  }

  /** Throws `LOG_TOPIC_UNKNOWN`, `LOG_PARTITION_UNKNOWN`, `LOG_POSITION_LOST` beyond the end. */
  async check(positions: readonly Position[]): Promise<void> {
    await this.checkKnown(positions);
    const bounds = await this.boundsOf(positions, 'uncommitted');
    for (const [i, position] of positions.entries()) {
      const { start, end } = bounds[i] as PartitionBounds;
      if (position.offset > end) throw positionLost(position, position.offset, start, end);
    }
  }

  /** Throws `LOG_TOPIC_UNKNOWN`, `LOG_PARTITION_UNKNOWN`. */
  async checkKnown(partitions: readonly TopicPartition[]): Promise<void> {
    for (const at of partitions) partitionIn(await this.#client.topic(at.topic), at);
  }

  /** Those of the partitions that the group has committed. */
  async committed(group: string, partitions: readonly TopicPartition[]): Promise<readonly Position[]> {
    await this.checkKnown(partitions);
    if (partitions.length === 0) return [];
    const client = this.#client;
    const at = partitions.map(({ topic, partition }) => ({ topic: client.names.toBroker(topic), partition }));
    const request = offsetFetchRequest(client.names.toBroker(group), at);
    const { offsets } = await client.retrying(`read positions of group ${group}`, () =>
      client.sendToCoordinator('group', group, request, ({ error, offsets: each }) => {
        return error !== 0 ? error : refusedOf(each);
      }),
    );
    return partitions.flatMap(({ topic, partition }, i) => {
      const broker = at[i]?.topic;
      const found = offsets.find((each) => each.topic === broker && each.partition === partition);
      return found === undefined || found.offset < 0 ? [] : [{ topic, partition, offset: found.offset }];
    });
  }

  /** Throws `LOG_GROUP_IN_USE`. A group that is not there is forgotten already. */
  async forget(group: string): Promise<void> {
    const client = this.#client;
    const request = deleteGroupsRequest([client.names.toBroker(group)]);
    try {
      await client.retrying(`forget group ${group}`, async () => {
        try {
          await client.sendToCoordinator('group', group, request, ({ results }) => results[0]?.error ?? 0);
        } catch (error) {
          if (!isFault(error, NOT_FOUND)) throw error;
        }
      });
    } catch (error) {
      throw inUse(group, error);
    }
  }

  /** In the order of `at`; partitions of one leader in one request. */
  async #list(at: readonly TopicPartition[], timestampMs: number, isolation: Isolation): Promise<readonly number[]> {
    const client = this.#client;
    const found = new Map<string, number>();
    await client.retrying('read the bounds of partitions', async () => {
      const left = at.filter(({ topic, partition }) => !found.has(`${topic}/${partition}`));
      const led = await Promise.all(left.map(async (each) => ({ each, leader: (await client.leaderOf(each)).nodeId })));
      const asked = [...Map.groupBy(led, ({ leader }) => leader)].map(async ([nodeId, ofLeader]) => {
        const offsets = ofLeader.map(({ each }) => ({
          ...each,
          topic: client.names.toBroker(each.topic),
          timestampMs,
        }));
        const answer = await client.send(nodeId, listOffsetsRequest(offsets, isolation));
        for (const { topic, partition, error, offset } of answer.offsets) {
          const name = client.names.fromBroker(topic) ?? topic;
          mustSucceed(error, `bounds of ${name}/${partition}`, { request: 'ListOffsets', topic: name, partition });
          found.set(`${name}/${partition}`, offset);
        }
      });
      await Promise.all(asked);
    });
    return at.map(({ topic, partition }) => found.get(`${topic}/${partition}`) as number);
  }
}

/** What a broker says when those outside have no say: the group has members. */
function inUse(group: string, error: unknown): unknown {
  const cause = error instanceof Error ? error.cause : undefined;
  return isFault(cause, 'NON_EMPTY_GROUP', 'UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION') ? groupInUse(group, 1) : error;
}
