import { hostname } from 'node:os';
import { isTidemarkError, messageOf } from '@tidemark/base';
import { formatDuration, METRIC_NAME, matcher, parseDuration } from '@tidemark/model';
import { z } from 'zod';
import { brokerAddress, httpAddress, listenAddress, objectsPlace } from './addresses.ts';

// Every setting, with its default and what it means. One YAML file, camelCase, sections of leaves; every leaf can be
// overridden by an environment variable: TIDEMARK_SECTION_KEY, `clockRate` written CLOCK_RATE. Unknown keys are errors.

/** A duration as Prometheus writes it; milliseconds inside. */
const duration = (value: string, about: string) =>
  z
    .string()
    .default(value)
    .transform((text, context) => {
      try {
        return parseDuration(text);
      } catch (error) {
        if (!isTidemarkError(error)) throw error;
        context.addIssue({ code: 'custom', message: messageOf(error) });
        return z.NEVER;
      }
    })
    .describe(about);

/** As `duration`, where nothing need be said. */
const lengthIfAny = (leastMs: number, about: string, otherwise: string) =>
  z
    .string()
    .optional()
    .transform((text, context) => {
      try {
        const ms = text === undefined ? undefined : parseDuration(text);
        if (ms === undefined || ms >= leastMs) return ms;
        context.addIssue({ code: 'custom', message: `must be at least ${formatDuration(leastMs)}` });
      } catch (error) {
        if (!isTidemarkError(error)) throw error;
        context.addIssue({ code: 'custom', message: messageOf(error) });
      }
      return z.NEVER;
    })
    .meta({ description: about, defaultText: otherwise });

// Rows of an hour are made of its raw samples, and those of hours of minutes: before that nothing may go.
const KEPT_LEAST_MS = 3_600_000;

const whole = (value: number, least: number, about: string, most: number = Number.MAX_SAFE_INTEGER) =>
  z.number().int().min(least).max(most).default(value).describe(about);

const regex = (value: string, about: string) =>
  z.string().max(1024).superRefine(refuseBadRegex).default(value).describe(about);

function refuseBadRegex(pattern: string, context: z.RefinementCtx): void {
  try {
    matcher('=~', METRIC_NAME, pattern);
  } catch (error) {
    if (!isTidemarkError(error)) throw error;
    context.addIssue({ code: 'custom', message: messageOf(error) });
  }
}

const metricPattern = z.string().min(1).max(1024).superRefine(refuseBadRegex);

export const ROLES = ['collect', 'ingest', 'repartition', 'rollup', 'store', 'query', 'rules', 'notify', 'ui'] as const;
export type Role = (typeof ROLES)[number];

const section = <S extends z.ZodRawShape>(about: string, shape: S) =>
  z
    .strictObject(shape)
    .prefault({} as never)
    .describe(about);

export const CONFIG_SCHEMA = z.strictObject({
  data: z
    .string()
    .min(1)
    .default('./data')
    .describe('Folder of everything Tidemark keeps. Relative to where it is started.'),
  roles: z
    .array(z.enum(ROLES))
    .min(1)
    .default([...ROLES])
    .describe('What this process does. The embedded log serves one process, so leave it whole unless you know why.'),
  http: section('The one listener.', {
    quit: z.boolean().default(false).describe('Whether POST /-/quit stops this Tidemark, for whoever can reach it.'),
    adminApi: z
      .enum(['auto', 'on', 'off'])
      .default('auto')
      .describe('Whether series can be deleted and snapshots taken over HTTP; auto: while the listener is loopback.'),
    listen: listenAddress
      .default('127.0.0.1:9470')
      .describe('host:port of the page and all APIs. Port 0 picks a free one.'),
    corsOrigin: regex(
      '.*',
      "Origins whose pages may read answers of Prometheus' API (CORS), as a regex that all of the origin must match; empty: none.",
    ),
  }),
  log: section('The commit log.', {
    kind: z
      .enum(['embedded', 'kafka'])
      .default('embedded')
      .describe('Where the log is: in the data folder of this one process, or on the brokers that `kafka` names.'),
    partitions: whole(4, 1, 'Partitions of the data topics. Cannot be changed later.', 1024),
    topicPrefix: z
      .string()
      .regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be 1 to 64 of A-Z a-z 0-9 _ -')
      .default('tidemark')
      .describe('What topic names begin with.'),
    keepBytes: whole(4 * 1024 ** 3, 64 * 1024 ** 2, 'Embedded log: bytes kept for a consumer that does not come back.'),
    keepAge: duration('48h', 'Embedded log: how long bytes are kept for a consumer that does not come back.'),
  }),
  kafka: section('The brokers, where `log.kind` is kafka.', {
    brokers: z
      .array(brokerAddress)
      .default([])
      .describe('Brokers that are asked first, `host:port`; the others are learnt from them.'),
    clientId: z.string().min(1).default('tidemark').describe('How brokers name this process in their logs and quotas.'),
    namespace: z
      .string()
      .regex(/^[A-Za-z0-9._-]{0,100}$/, 'must be at most 100 of A-Z a-z 0-9 . _ -')
      .default('')
      .describe('Before the name of every topic, group and transactional id, those of others too.'),
    replicationFactor: whole(0, 0, "Replicas of topics that are made; 0: the brokers' own default.", 100),
    minInSyncReplicas: whole(
      0,
      0,
      "In-sync replicas that a write needs, of topics that are made, and at least that of those that exist; 0: the brokers' own default.",
      100,
    ),
    sessionTimeout: duration(
      '45s',
      'How long a process may fall silent before others take over its share of the samples that are to be spread; brokers allow 6s at least.',
    ),
    mechanism: z
      .enum(['none', 'PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER'])
      .default('none')
      .describe('SASL mechanism.'),
    username: z.string().default('').describe('Of PLAIN and SCRAM.'),
    password: z.string().default('').describe('Password of `kafka.username`.'),
    tokenFile: z.string().default('').describe('File with the token of OAUTHBEARER, read at every connection.'),
    tls: z.boolean().default(false).describe('Whether connections to brokers are encrypted.'),
    caFile: z
      .string()
      .default('')
      .describe("PEM of who signed the brokers' certificates; empty: whom the system trusts."),
    certFile: z.string().default('').describe("PEM of this process's own certificate, where brokers ask for one."),
    keyFile: z.string().default('').describe('PEM of the key of `kafka.certFile`.'),
    passphrase: z.string().default('').describe('Passphrase of `kafka.keyFile`.'),
    serverName: z.string().default('').describe("The name in the brokers' certificates, where it is not the host's."),
    verify: z
      .boolean()
      .default(true)
      .describe("Whether the brokers' certificates are verified; false is for a first try only."),
  }),
  samples: section('Samples that others write to the log, one a record.', {
    topics: z
      .array(
        z.strictObject({
          topic: z
            .string()
            .regex(/^[A-Za-z0-9._-]{1,249}$/, 'must be 1 to 249 of A-Z a-z 0-9 . _ -')
            .describe('Name of the topic, without the prefix of ours; made where it is not there.'),
          tenant: z.string().min(1).describe('Whose its samples are, whatever their headers say.'),
        }),
      )
      .default([])
      .describe(
        'Topics beside `<prefix>.samples`, each with its tenant. Records of `<prefix>.samples` belong to the tenant their header X-Scope-OrgID names, unless it is listed here too.',
      ),
  }),
  rollup: section('Rollups that share the partitions, where `log.kind` is kafka.', {
    ordinal: z.number().int().min(-1).max(1023).default(-1).meta({
      description:
        "Which of them this is, counted from 0; -1: the number at the end of the host's name (`tidemark-rollup-2`), 0 where there is one.",
    }),
    replicas: whole(
      1,
      1,
      'Rollups there are. Rollup `ordinal` makes the rows of the partitions whose number divided by `replicas` leaves `ordinal`. Change it in all of them while none runs.',
      1024,
    ),
  }),
  registry: section('The schema registry that those who write samples register their schemas with.', {
    url: z
      .union([z.literal(''), httpAddress])
      .default('')
      .describe('A registry with the API of Confluent; empty: schemas are those in the config topic.'),
    username: z.string().default('').describe('Sent as basic authentication; empty: none.'),
    password: z.string().default('').describe('Password of `registry.username`.'),
    timeout: duration('4s', 'Longest a request to the registry may take.'),
    patience: duration(
      '15m',
      'How long a partition waits for a schema while the registry cannot be reached; then its records go to the dead letters.',
    ),
  }),
  collector: section('Metrics collected by Tidemark itself.', {
    self: z.boolean().default(true).describe('Whether its own /metrics are scraped and stored, as job `tidemark`.'),
    selfInterval: duration('15s', 'How often its own metrics are scraped.'),
    host: z
      .boolean()
      .default(true)
      .describe("Whether this host's own metrics are collected, named as node_exporter names them."),
    hostInterval: duration('5s', "How often the host's metrics are read."),
    instance: z
      .string()
      .min(1)
      .default(hostname())
      .meta({ description: 'The `instance` label of the host metrics.', defaultText: "the host's name" }),
  }),
  scrape: section('Targets that are scraped.', {
    interval: duration('1m', 'How often, where a job does not say.'),
    timeout: duration('10s', 'How long a scrape may take, where a job does not say.'),
    configs: z
      .array(z.unknown())
      .default([])
      .describe("Jobs in the form of Prometheus' scrape_configs, with static, file, HTTP and DNS discovery."),
    configFile: z
      .string()
      .default('')
      .describe(
        'A prometheus.yml whose scrape_configs are scraped and whose rule_files are evaluated too; what else it says is left to others and named at start.',
      ),
  }),
  ingest: section('What is let in.', {
    critical: z
      .array(metricPattern)
      .max(256)
      .default([])
      .describe(
        'Metrics that go by a topic of their own, which is consumed first: names, or expressions that the whole name has to match (RE2), at most 256. A change holds for samples after an hour to come.',
      ),
    bodyBytesMax: whole(16 * 1024 ** 2, 1024, 'Largest request body, as sent.'),
    activeSeriesMax: whole(3_000_000, 1, 'Active series a tenant may have.'),
    samplesPerSecondMax: whole(1_000_000, 1, 'Samples a second a tenant may send.'),
    pendingBytesMax: whole(
      64 * 1024 ** 2,
      1024 ** 2,
      'Bytes that may wait for the log before requests are told to come back.',
    ),
  }),
  store: section('The storage engine.', {
    checkpointInterval: duration(
      '5m',
      'Most time between checkpoints of the head, which bound what is replayed after a crash; they come earlier after a million samples and rows, or six a series where that is more.',
    ),
    sealGrace: duration(
      '10m',
      'How long after its end a 2 h window may still receive late samples before it is sealed.',
    ),
    retentionRaw: duration('7d', 'How long raw samples are kept.'),
    retention1m: duration('30d', 'How long 1-minute rows are kept.'),
    retention1h: duration('1y', 'How long 1-hour rows are kept.'),
    retentionRules: z
      .array(
        z
          .strictObject({
            tenant: z
              .string()
              .min(1)
              .optional()
              .meta({ description: 'Whose series it means.', defaultText: 'every tenant' }),
            metric: metricPattern.optional().meta({
              description: 'Which metrics: a name, or an expression that the whole name has to match (RE2).',
              defaultText: 'every metric',
            }),
            raw: lengthIfAny(KEPT_LEAST_MS, 'How long their raw samples are kept.', 'not decided here'),
            '1m': lengthIfAny(KEPT_LEAST_MS, 'How long their 1-minute rows are kept.', 'not decided here'),
            '1h': lengthIfAny(KEPT_LEAST_MS, 'How long their 1-hour rows are kept.', 'not decided here'),
          })
          .refine((rule) => [rule.raw, rule['1m'], rule['1h']].some((kept) => kept !== undefined), {
            message: 'says nothing of how long; give raw, 1m or 1h',
          }),
      )
      .max(256)
      .default([])
      .meta({
        description:
          'Other lengths for some tenants and metrics, longer or shorter: the first that means a series and names the tier decides. Queries heed a change at once, space comes back with compaction.',
        defaultText: 'none',
      }),
    exemplarRetention: duration('1d', 'How long exemplars are kept, as far as `store.exemplarBytes` goes.'),
    exemplarBytes: whole(
      16 * 1024 ** 2,
      0,
      'Memory of exemplars of a tenant; the oldest go first. All tenants together have at most eight times as much. 0: none are kept.',
    ),
    metadataRetention: duration('30d', 'How long type, unit and help of a metric are kept after they were said last.'),
    objects: objectsPlace
      .default('')
      .describe('Where sealed segments lie: a folder, or `s3://bucket/prefix`; empty: `objects` in the data folder.'),
    cacheBytes: whole(
      4 * 1024 ** 3,
      0,
      'Bytes of segments that are kept on the disk of the data folder once they were read, where `store.objects` is a bucket; 0: none.',
    ),
    s3: section('The S3 server behind `store.objects: s3://...`.', {
      endpoint: z
        .union([z.literal(''), httpAddress])
        .default('')
        .describe('Its address; empty: that of AWS for the region.'),
      region: z.string().min(1).default('us-east-1').describe('Region of the bucket.'),
      pathStyle: z
        .boolean()
        .default(true)
        .describe('Whether the bucket is in the path of an address, as most servers but AWS want it.'),
      accessKeyId: z
        .string()
        .default('')
        .describe("The key; empty: from where AWS's tools look for it (AWS_ACCESS_KEY_ID, files, the machine's role)."),
      secretAccessKey: z.string().default('').describe('Secret of `store.s3.accessKeyId`.'),
      timeout: duration('10s', 'Longest a single request may take, beside the time of its bytes.'),
      deadline: duration(
        '30s',
        'Longest an operation may take, repeated requests and pauses together, beside the time of its bytes.',
      ),
    }),
    ordinal: z.number().int().min(-1).max(1023).default(-1).meta({
      description:
        "Which of the stores of its zone this is, counted from 0; -1: the number at the end of the host's name (`tidemark-store-2`), 0 where there is one store.",
    }),
    replicas: whole(
      1,
      1,
      'Stores in this zone. Store `ordinal` owns the partitions whose number divided by `replicas` leaves `ordinal`. Cannot be changed for a data folder.',
      1024,
    ),
    zone: z
      .string()
      .regex(/^[a-z0-9-]{0,32}$/, 'must be at most 32 of a-z 0-9 -')
      .default('')
      .describe('Name of the zone: the stores of each zone have everything together.'),
  }),
  query: section('Limits of queries.', {
    lookback: duration('5m', 'How far an instant selector looks back.'),
    timeout: duration('2m', 'Longest a query may take.'),
    samples: whole(50_000_000, 1, 'Samples a query may load.'),
    series: whole(500_000, 1, 'Series a query may select.'),
    unreadBytes: whole(
      256 * 1024 ** 2,
      1,
      'Bytes of answers that are made and not read yet, all together; more are refused.',
    ),
    concurrency: whole(
      20,
      1,
      'Queries evaluated at a time; more wait. The same for what other processes ask of a store.',
    ),
    stores: z
      .array(httpAddress)
      .max(1024)
      .default([])
      .describe(
        'Processes with the role store that are asked, `http://host:port` each; empty: the store of this process.',
      ),
    zone: z
      .string()
      .regex(/^[a-z0-9-]{0,32}$/, 'must be at most 32 of a-z 0-9 -')
      .default('')
      .describe('Stores of this zone are asked first; empty: `store.zone`.'),
    hedgeAfter: duration(
      '2s',
      'After how long without a whole answer of a store another one is asked for the same, where there is one; 0s: never.',
    ),
  }),
  federation: section('What /federate adds.', {
    externalLabels: z
      .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be a label name'), z.string())
      .default({})
      .describe(
        'Labels of this Tidemark, added to series there, and to alerts of rules that are told, where they have none of that name.',
      ),
  }),
  rules: section('Recording and alerting rules.', {
    files: z
      .array(z.string())
      .default([])
      .describe('Prometheus rule files, watched for changes; `*`, `?` and `[...]` match names.'),
    interval: duration(
      '1m',
      'Evaluation interval of groups that do not set their own; also the step of subqueries without one.',
    ),
  }),
  notifier: section('Who is told of alerts.', {
    webhooks: z
      .array(
        z.strictObject({
          name: z.string().min(1).describe('Name of the receiver.'),
          url: httpAddress.describe("Where Alertmanager's webhook payload is posted."),
          sendResolved: z.boolean().default(true).describe('Whether resolved alerts are sent too.'),
        }),
      )
      .default([])
      .describe('Webhooks that every alert goes to.'),
    webhookUrl: z
      .union([z.literal(''), httpAddress])
      .default('')
      .describe('Short for one webhook named `default`.'),
    config: z
      .string()
      .default('')
      .describe('An alertmanager.yml: routes, receivers, inhibition, times. Watched; instead of the settings below.'),
    groupBy: z.array(z.string()).default(['alertname']).describe('Labels that alerts are grouped by.'),
    groupWait: duration('10s', 'How long a new group waits for more alerts before its first notice.'),
    groupInterval: duration('1m', 'Least time between notices of a group that changed.'),
    repeatInterval: duration('4h', 'After how long a notice of firing alerts is repeated.'),
  }),
  logging: section("Tidemark's own log lines.", {
    level: z
      .enum(['debug', 'info', 'warn', 'error'])
      .default('info')
      .describe('Least level written to standard error.'),
  }),
  testing: section('For whole-process tests only.', {
    clockRate: z
      .number()
      .positive()
      .max(100_000)
      .default(1)
      .describe('How fast the wall clock runs. Refused unless the listener is loopback.'),
    clockOrigin: whole(
      0,
      0,
      'Unix milliseconds at which the fast clock agreed with the true one; 0: the start of this process.',
    ),
  }),
});

export type Config = z.output<typeof CONFIG_SCHEMA>;

/** The schema for editors: JSON Schema 2020-12 of what a person writes. */
export function configJsonSchema(): object {
  return z.toJSONSchema(CONFIG_SCHEMA, { io: 'input', unrepresentable: 'any' });
}
