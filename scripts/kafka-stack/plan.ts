// Who runs, in the order of starting, and what each is told. All of Tidemark is told the same; what differs is below.
//
//   store-a0 (0 2)  store-a1 (1 3)  store-b0 (0 1 2 3) ──> rollup  repartition  ingest  collect  query  rules  notify
//
// Each has a port of its own, counted from the first; so have the page and the servers. They are the same at every start.

export const PARTITIONS = 4;

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
  /** Topics, without their prefix. */
  readonly reads: readonly string[];
  readonly writes: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

export const MEMBERS: readonly Member[] = [
  store('a', 0, 2),
  store('a', 1, 2),
  store('b', 0, 1),
  {
    name: 'rollup',
    roles: ['rollup'],
    does: 'Makes a row a minute and a row an hour of every series.',
    reads: ['raw', 'raw-critical'],
    writes: ['1m', '1h'],
    env: {},
  },
  {
    name: 'repartition',
    roles: ['repartition'],
    does: 'Makes batches of samples that anyone wrote to Kafka, one Avro record each, under any key.',
    reads: ['samples'],
    writes: ['raw', 'raw-critical', 'dead-letter'],
    env: {},
  },
  {
    name: 'ingest',
    roles: ['ingest'],
    does: 'Takes in what is pushed: remote write, text, lines.',
    reads: [],
    writes: ['raw', 'raw-critical'],
    env: {},
  },
  {
    name: 'collect',
    roles: ['collect'],
    does: 'Scrapes targets, reads what this host says of itself.',
    reads: [],
    writes: ['raw', 'raw-critical'],
    env: {},
  },
  {
    name: 'query',
    roles: ['query', 'ui'],
    does: 'Answers PromQL for the page and for Grafana: asks the stores of each partition, joins what they say.',
    reads: [],
    writes: [],
    env: {},
  },
  {
    name: 'rules',
    roles: ['rules'],
    does: 'Evaluates rules on what the stores say; the state of alerts is on the log.',
    reads: ['alert-state'],
    writes: ['alerts', 'alert-state', 'raw', 'raw-critical'],
    env: {},
  },
  {
    name: 'notify',
    roles: ['notify'],
    does: 'Groups, silences and sends what alerts say, and writes down what it sent.',
    reads: ['alerts', 'alert-state', 'notify-ledger', 'config'],
    writes: ['notify-ledger', 'config', 'audit'],
    env: {},
  },
];

/** Who has a port, in the order of the ports. The first is that of the page of Tidemark and of all reading. */
export const LISTENERS = [
  ...['query', 'ingest', 'rules', 'notify', 'collect', 'repartition', 'rollup', 'store-a0', 'store-a1', 'store-b0'],
  ...['page', 'kafka', 'registry', 's3'],
] as const;
export type Listener = (typeof LISTENERS)[number];
export type Ports = ReadonlyMap<string, number>;

function store(zone: string, ordinal: number, replicas: number): Member {
  return {
    name: `store-${zone}${ordinal}`,
    roles: ['store'],
    does: `Keeps its partitions for zone ${zone}: newest in memory, windows on disk, sealed segments in S3.`,
    reads: ['raw', 'raw-critical', '1m', '1h'],
    // Rows that late samples make anew.
    writes: ['1m', '1h'],
    env: {
      TIDEMARK_STORE_ZONE: zone,
      TIDEMARK_STORE_ORDINAL: String(ordinal),
      TIDEMARK_STORE_REPLICAS: String(replicas),
    },
  };
}

export interface Place {
  /** Where each member has a folder. */
  readonly folder: string;
  readonly ports: Ports;
  /** A file of the user's, told to all; undefined: the stack says itself what is scraped and which rules there are. */
  readonly config: string | undefined;
  /** Rule files, where there is no `config`. */
  readonly rules: string;
}

/** The variables of one member. */
export function environmentOf(member: Member, servers: Servers, place: Place): Record<string, string> {
  const at = (name: string) => `127.0.0.1:${place.ports.get(name)}`;
  const stores = MEMBERS.filter(({ roles }) => roles.includes('store')).map(({ name }) => `http://${at(name)}`);
  const { s3 } = servers;
  return {
    TIDEMARK_ROLES: member.roles.join(','),
    TIDEMARK_HTTP_LISTEN: at(member.name),
    TIDEMARK_DATA: `${place.folder}/${member.name}`,
    TIDEMARK_LOG_KIND: 'kafka',
    TIDEMARK_LOG_PARTITIONS: String(PARTITIONS),
    TIDEMARK_KAFKA_BROKERS: servers.brokers,
    TIDEMARK_KAFKA_CLIENT_ID: `tidemark-${member.name}`,
    TIDEMARK_REGISTRY_URL: servers.registryUrl,
    TIDEMARK_STORE_OBJECTS: `s3://${s3.bucket}/metrics`,
    TIDEMARK_STORE_S3_ENDPOINT: s3.endpoint,
    TIDEMARK_STORE_S3_REGION: s3.region,
    TIDEMARK_STORE_S3_ACCESS_KEY_ID: s3.accessKeyId,
    TIDEMARK_STORE_S3_SECRET_ACCESS_KEY: s3.secretAccessKey,
    TIDEMARK_QUERY_STORES: stores.join(','),
    TIDEMARK_QUERY_ZONE: 'a',
    ...(place.config === undefined ? ownSettings(at, place.rules) : { TIDEMARK_CONFIG: place.config }),
    ...member.env,
  };
}

/** Everyone's own metrics are scraped by one, and the rules that look at them are evaluated. */
function ownSettings(at: (name: string) => string, rules: string): Record<string, string> {
  const targets = MEMBERS.map(({ name }) => ({ targets: [at(name)], labels: { member: name } }));
  const job = { job_name: 'tidemark', scrape_interval: '15s', static_configs: targets };
  return {
    TIDEMARK_COLLECTOR_SELF: 'false',
    TIDEMARK_SCRAPE_CONFIGS: JSON.stringify([job]),
    TIDEMARK_RULES_FILES: rules,
    TIDEMARK_RULES_INTERVAL: '15s',
  };
}
