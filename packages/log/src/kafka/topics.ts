import { isTidemarkError, TidemarkError } from '@tidemark/base';
import { topicMismatch } from '../errors.ts';
import type { TopicSpec } from '../log.ts';
import { checkTopicSpec } from '../topic-spec.ts';
import { BrokerFault, faultName } from './broker-fault.ts';
import type { KafkaClient } from './client.ts';
import type { TopicMetadata } from './protocol/metadata.ts';
import type { ErrorCode } from './protocol/request.ts';
import { createTopicsRequest, describeTopicsRequest, type TopicConfigs } from './protocol/topics.ts';
import { checkSettings, SETTINGS, settingsOf, specOf } from './topic-settings.ts';

// Topics: created where missing, checked where they are, listed.
//
//   ensure   all specs checked -> all that exist described and checked -> only then the missing ones created -> until led
//                                      ^------------ those that another has created meanwhile ----'

const EXISTS = 36;
const DENIED = 29;

export class KafkaTopics {
  readonly #client: KafkaClient;
  readonly #specs = new Map<string, TopicSpec>();

  constructor(client: KafkaClient) {
    this.#client = client;
  }

  /** The spec of a topic seen before. */
  known(name: string): TopicSpec | undefined {
    return this.#specs.get(name);
  }

  /** Throws `LOG_TOPIC_UNKNOWN`. */
  async spec(name: string): Promise<TopicSpec> {
    const known = this.#specs.get(name);
    if (known) return known;
    const { partitions } = await this.#client.topic(name);
    const [described] = await this.#describe([name]);
    const spec = specOf(name, partitions.length, described?.configs ?? new Map());
    this.#specs.set(name, spec);
    return spec;
  }

  /** Without those whose settings may not be seen: whoever asks for one is told. */
  async list(): Promise<readonly TopicSpec[]> {
    const { names } = this.#client;
    const { topics } = await this.#client.retrying('list topics', () => this.#client.cluster(null));
    const counts = new Map<string, number>();
    for (const { error, internal, name, partitions } of topics) {
      const own = names.fromBroker(name);
      if (error === 0 && !internal && own !== undefined) counts.set(own, partitions.length);
    }
    if (counts.size === 0) return [];
    const described = await this.#describe([...counts.keys()], 'leave out what is denied');
    return described.map(({ name, configs }) => {
      const own = names.fromBroker(name) ?? name;
      return specOf(own, counts.get(own) ?? 0, configs);
    });
  }

  /** Throws `LOG_TOPIC_INVALID`, `LOG_TOPIC_MISMATCH`; then nothing was created. */
  async ensure(specs: readonly TopicSpec[]): Promise<void> {
    for (const spec of specs) checkTopicSpec(spec);
    const wanted = new Map<string, TopicSpec>();
    for (const spec of specs) {
      const other = wanted.get(spec.name);
      if (other && other.partitions !== spec.partitions) {
        throw topicMismatch(spec.name, 'partitions', spec.partitions, other.partitions);
      }
      wanted.set(spec.name, spec);
    }
    const missing = await this.#checkThoseThere([...wanted.values()]);
    if (missing.length === 0) return;
    const there = await this.#create(missing);
    if (there.length > 0) await this.#untilChecked(there);
    for (const spec of missing) await this.#untilLed(spec);
  }

  async #checkThoseThere(specs: readonly TopicSpec[]): Promise<readonly TopicSpec[]> {
    const client = this.#client;
    const { topics } = await client.retrying('look up topics', async () => {
      const found = await client.cluster(specs.map(({ name }) => client.names.toBroker(name)));
      mustBeAllowed(found.topics, 'Metadata', client);
      return found;
    });
    const counts = new Map<string, number>();
    for (const { error, name, partitions } of topics) {
      if (error === 0) counts.set(client.names.fromBroker(name) ?? name, partitions.length);
    }
    const there = specs.filter(({ name }) => counts.has(name));
    const described = there.length === 0 ? [] : await this.#describe(there.map(({ name }) => name));
    for (const { name: broker, configs } of described) {
      const name = client.names.fromBroker(broker) ?? broker;
      const found = specOf(name, counts.get(name) ?? 0, configs);
      const spec = there.find((each) => each.name === name);
      if (spec) checkSettings(spec, found, configs, client.options);
      this.#specs.set(name, found);
    }
    return specs.filter(({ name }) => !counts.has(name));
  }

  /** Those that somebody else has made meanwhile. */
  async #create(specs: readonly TopicSpec[]): Promise<readonly TopicSpec[]> {
    const there = new Set<TopicSpec>();
    const client = this.#client;
    const { operationMaxMs, replicationFactor = -1, requestMaxMs } = client.options;
    const topics = specs.map((spec) => ({
      name: client.names.toBroker(spec.name),
      partitions: spec.partitions,
      replicationFactor,
      configs: settingsOf(spec, client.options),
    }));
    await client.retrying('create topics', async () => {
      const request = createTopicsRequest(topics, requestMaxMs);
      const { results } = await client.sendToController(request, requestMaxMs + operationMaxMs);
      mustBeAllowed(results, 'CreateTopics', client);
      for (const { name, error, message } of results) {
        const spec = specs.find((each) => client.names.toBroker(each.name) === name);
        if (error === EXISTS && spec) there.add(spec);
        if (error === 0 || error === EXISTS) continue;
        const fault = new BrokerFault(error, `create topic ${name}`, { topic: name });
        if (fault.helps !== 'nothing') throw fault;
        throw new TidemarkError('LOG_TOPIC_REFUSED', `Kafka refuses topic ${name}: ${message ?? faultName(error)}`, {
          topic: name,
          fault: fault.fault,
        });
      }
    });
    return [...there];
  }

  /** Of one that was made a moment ago not every broker has heard. */
  async #untilChecked(specs: readonly TopicSpec[]): Promise<void> {
    let left = specs;
    await this.#client.retrying('look up topics', async () => {
      left = await this.#checkThoseThere(left);
      const [first] = left;
      if (first) throw new BrokerFault(3, `settings of ${first.name}`, { topic: first.name });
    });
  }

  async #untilLed(spec: TopicSpec): Promise<void> {
    const client = this.#client;
    await client.retrying(`wait for leaders of ${spec.name}`, async () => {
      const topic = await this.#madeJustNow(spec.name);
      if (topic.partitions.length >= spec.partitions && topic.partitions.every(({ leader }) => leader !== -1)) return;
      client.forgetTopics();
      throw new BrokerFault(5, `leaders of ${spec.name}`, { topic: spec.name });
    });
    this.#specs.set(spec.name, spec);
  }

  /** A busy broker hears of it seconds later: until then it is a fault that time helps against. */
  async #madeJustNow(name: string): Promise<TopicMetadata> {
    try {
      return await this.#client.topic(name);
    } catch (error) {
      if (isTidemarkError(error, 'LOG_TOPIC_UNKNOWN')) throw new BrokerFault(3, `topic ${name}`, { topic: name });
      throw error;
    }
  }

  async #describe(
    names: readonly string[],
    how: 'all' | 'leave out what is denied' = 'all',
  ): Promise<readonly TopicConfigs[]> {
    const client = this.#client;
    const request = describeTopicsRequest(names.map(client.names.toBroker), SETTINGS);
    return await client.retrying('read settings of topics', async () => {
      const { topics } = await client.sendToAny(request);
      if (how === 'all') mustBeAllowed(topics, 'DescribeConfigs', client);
      const seen = topics.filter(({ error }) => error !== DENIED);
      for (const { error, name } of seen) {
        if (error !== 0) throw new BrokerFault(error, `settings of ${name}`, { topic: name });
      }
      return seen;
    });
  }
}

/** Throws a `BrokerFault` of all that are denied: whoever grants one grants them all. */
function mustBeAllowed(
  topics: readonly { readonly error: ErrorCode; readonly name: string }[],
  request: string,
  { names }: KafkaClient,
): void {
  const denied = topics.flatMap(({ error, name }) => (error === DENIED ? [names.fromBroker(name) ?? name] : [])).sort();
  if (denied.length > 0) throw new BrokerFault(DENIED, `${request} of ${denied.join()}`, { request, topics: denied });
}
