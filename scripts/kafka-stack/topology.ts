import { MEMBERS } from './plan.ts';

// The way of samples through the stack, as a picture: where each stands, and what goes from where to where.
//
//   anyone ─▶ samples ─▶ repartition ─┐
//   pushes ────────────▶ ingest ──────┼─▶ raw ─▶ rollup ─▶ 1m, 1h ─▶ stores ─▶ S3, readers      x goes to the right
//   targets ───────────▶ collect ─────┘    └───────────────────▶           rules ─▶ alerts ─▶ notify
//
// Processes and topics come from the plan; only where they stand is said here.

export interface Node {
  readonly id: string;
  readonly kind: 'process' | 'topic' | 'server' | 'outside';
  readonly label: string;
  /** Columns and rows, whole or halves. */
  readonly x: number;
  readonly y: number;
}

export interface Edge {
  readonly from: string;
  readonly to: string;
  /** Asked, not sent: drawn with dashes. */
  readonly asks?: true;
}

export interface Topology {
  readonly nodes: readonly Node[];
  readonly edges: readonly Edge[];
}

type Spot = readonly [x: number, y: number];

const PROCESSES: Readonly<Record<string, Spot>> = {
  repartition: [2, 0],
  ingest: [2, 1.5],
  collect: [2, 3],
  rollup: [4, 3],
  'store-a0': [6, 0],
  'store-a1': [6, 1.5],
  'store-b0': [6, 3],
  query: [7.4, 0],
  rules: [7.4, 3],
  notify: [9.4, 3],
};

const TOPICS: Readonly<Record<string, Spot>> = {
  samples: [1, 0],
  'dead-letter': [3, 0],
  raw: [3, 1.5],
  '1m': [5, 2.25],
  '1h': [5, 3.75],
  alerts: [8.4, 3],
};

// What goes the way of raw, and what a process writes down for itself or for who looks into it later: only more lines.
const NOT_DRAWN = new Set(['raw-critical', 'alert-state', 'notify-ledger', 'config', 'audit']);

const OTHERS: readonly Node[] = [
  { id: 'anyone', kind: 'outside', label: "anyone's Avro", x: 0, y: 0 },
  { id: 'pushes', kind: 'outside', label: 'pushes', x: 1, y: 1.5 },
  { id: 'targets', kind: 'outside', label: 'targets, host', x: 1, y: 3 },
  { id: 's3', kind: 'server', label: 'S3', x: 7.4, y: 1.5 },
  { id: 'readers', kind: 'outside', label: 'page, Grafana', x: 8.4, y: 0 },
  { id: 'receivers', kind: 'outside', label: 'mail, webhooks', x: 10.4, y: 3 },
];

export function topologyOf(members: typeof MEMBERS = MEMBERS): Topology {
  const topics = new Set(
    members.flatMap(({ reads, writes }) => [...reads, ...writes]).filter((t) => !NOT_DRAWN.has(t)),
  );
  const nodes: Node[] = [
    ...OTHERS,
    ...[...topics].map((topic): Node => ({ id: topic, kind: 'topic', label: topic, ...spotOf(TOPICS, topic) })),
    ...members.map(({ name }): Node => ({ id: name, kind: 'process', label: name, ...spotOf(PROCESSES, name) })),
  ];
  const stores = members.filter(({ roles }) => roles.includes('store'));
  const edges: Edge[] = [
    { from: 'anyone', to: 'samples' },
    { from: 'pushes', to: 'ingest' },
    { from: 'targets', to: 'collect' },
    ...members.flatMap((member) => sent(member, stores.includes(member))),
    ...stores.map(({ name }): Edge => ({ from: name, to: 's3' })),
    ...['query', 'rules'].flatMap((to) => stores.map(({ name }): Edge => ({ from: name, to, asks: true }))),
    { from: 'query', to: 'readers' },
    { from: 'notify', to: 'receivers' },
  ];
  return { nodes, edges };
}

/** Rows that stores make anew, and results of rules, go the same way as the others: left out, they would cross everything. */
function sent({ name, reads, writes, roles }: (typeof MEMBERS)[number], isStore: boolean): Edge[] {
  const back = (topic: string) => NOT_DRAWN.has(topic) || isStore || (roles.includes('rules') && topic === 'raw');
  return [
    ...reads.filter((topic) => !NOT_DRAWN.has(topic)).map((topic) => ({ from: topic, to: name })),
    ...writes.filter((topic) => !back(topic)).map((topic) => ({ from: name, to: topic })),
  ];
}

function spotOf(spots: Readonly<Record<string, Spot>>, id: string): { readonly x: number; readonly y: number } {
  const spot = spots[id];
  if (spot === undefined) throw new Error(`nobody said where ${id} stands in the picture`);
  return { x: spot[0], y: spot[1] };
}
