// Who runs, in the order of starting, and what each is told. All of Tidemark is told the same; what differs is below.
//
//   anyone ──> samples ──> repartition ──┐                     ┌──> rollup ──> 1m, 1h ──┐
//   pushes ──> ingest ───────────────────┴──> raw (4 parts) ───┴────────────────────────┴──> store a0, a1; b0, b1 ──> S3
//   targets ─> collect ──> raw                                                                   │
//   people ──> query, ui <───────────────────────────────────────────────────────────────────────┤
//              rules <───────────────────────────────────────────────────────────────────────────┘──> alerts ──> notify

export const PARTITIONS = 4;
export const STORERS_PER_ZONE = 2;

export interface Servers {
  /** host:port, with commas. */
  readonly brokers: string;
  readonly registryUrl: string;
  readonly s3: {
    readonly endpoint: string;
    readonly region: string;
    readonly bucket: string;
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
  };
}

export interface Member {
  readonly name: string;
  readonly roles: readonly string[];
  /** For people, on the page. */
  readonly does: string;
  readonly reads: readonly string[];
  readonly writes: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

const ZONES = ['a', 'b'] as const;

/** The members of the stack, without what all of them are told. */
export const MEMBERS: readonly Member[] = [
  ...ZONES.flatMap((zone) => Array.from({ length: STORERS_PER_ZONE }, (_, ordinal) => storer(zone, ordinal))),
  {
    name: 'rollup',
    roles: ['rollup'],
    does: 'Makes rows of a minute and of an hour of every series.',
    reads: ['raw'],
    writes: ['1m', '1h'],
    env: {},
  },
  {
    name: 'ingest',
    roles: ['ingest', 'collect'],
    does: 'Takes in what is pushed (remote write, text), scrapes targets and this host.',
    reads: [],
    writes: ['raw', 'metadata'],
    env: {},
  },
  {
    name: 'repartition',
    roles: ['repartition'],
    does: 'Makes batches of samples that anyone wrote to Kafka, one Avro record each, under any key.',
    reads: ['samples'],
    writes: ['raw', 'dead-letter'],
    env: {},
  },
  {
    name: 'query',
    roles: ['query', 'ui'],
    does: 'Answers PromQL over HTTP, for Grafana and for the page: asks the storers of each partition, joins what they say.',
    reads: [],
    writes: [],
    env: {},
  },
  {
    name: 'alerts',
    roles: ['rules', 'notify'],
    does: 'Evaluates rules, keeps the state of alerts on the log, groups and sends notices.',
    reads: ['alerts', 'alert-state'],
    writes: ['alerts', 'alert-state', 'raw'],
    env: {},
  },
];

function storer(zone: string, ordinal: number): Member {
  const owned = Array.from({ length: PARTITIONS }, (_, partition) => partition).filter(
    (partition) => partition % STORERS_PER_ZONE === ordinal,
  );
  return {
    name: `store-${zone}${ordinal}`,
    roles: ['store'],
    does: `Keeps partitions ${owned.join(' and ')} for zone ${zone}: newest in memory, windows on disk, sealed segments in S3.`,
    reads: ['raw', '1m', '1h'],
    writes: [],
    env: { TIDEMARK_STORE_ZONE: zone, TIDEMARK_STORE_ORDINAL: String(ordinal) },
  };
}

/** Environment of one member. `ports` has a port for every member's name. */
export function environmentOf(
  member: Member,
  servers: Servers,
  place: { readonly folder: string; readonly ports: ReadonlyMap<string, number> },
): Record<string, string> {
  const port = (name: string) => place.ports.get(name) ?? 0;
  const stores = MEMBERS.filter(({ roles }) => roles.includes('store')).map(
    ({ name }) => `http://127.0.0.1:${port(name)}`,
  );
  const { s3 } = servers;
  return {
    TIDEMARK_ROLES: member.roles.join(','),
    TIDEMARK_HTTP_LISTEN: `127.0.0.1:${port(member.name)}`,
    TIDEMARK_DATA: `${place.folder}/${member.name}`,
    TIDEMARK_LOG_KIND: 'kafka',
    TIDEMARK_LOG_PARTITIONS: String(PARTITIONS),
    TIDEMARK_KAFKA_BROKERS: servers.brokers,
    TIDEMARK_KAFKA_REPLICATION_FACTOR: '1',
    TIDEMARK_REGISTRY_URL: servers.registryUrl,
    TIDEMARK_STORE_REPLICAS: String(STORERS_PER_ZONE),
    TIDEMARK_STORE_OBJECTS: `s3://${s3.bucket}/metrics`,
    TIDEMARK_STORE_S3_ENDPOINT: s3.endpoint,
    TIDEMARK_STORE_S3_REGION: s3.region,
    TIDEMARK_STORE_S3_ACCESS_KEY_ID: s3.accessKeyId,
    TIDEMARK_STORE_S3_SECRET_ACCESS_KEY: s3.secretAccessKey,
    TIDEMARK_QUERY_STORES: stores.join(','),
    ...member.env,
  };
}
