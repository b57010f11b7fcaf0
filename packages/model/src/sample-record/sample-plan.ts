import { METRIC_TYPES } from '../batch/series-section.ts';
import { unreadable } from './errors.ts';
import { type AvroRecord, type AvroType, parseWriterSchema } from './writer-schema.ts';

// How records of one writer's schema are read as samples: which of its fields mean something to us. Fields that we have and the
// writer lacks keep their defaults; fields that the writer has and we do not know are passed over.

export type FieldRole =
  | 'name'
  | 'labels'
  | 'type'
  | 'unit'
  | 'timestamp'
  | 'value'
  | 'histogram'
  | 'exemplar'
  | 'startTime';

export interface PlannedField<R extends string> {
  /** Undefined: passed over. */
  readonly role: R | undefined;
  readonly type: AvroType;
}

export interface SamplePlan {
  readonly fields: readonly PlannedField<FieldRole>[];
}

const SAMPLE_ROLES: readonly FieldRole[] = [
  'name',
  'labels',
  'type',
  'unit',
  'timestamp',
  'value',
  'histogram',
  'exemplar',
  'startTime',
];

type Kind = AvroType['kind'];
const TEXT: readonly Kind[] = ['string', 'bytes'];
const WHOLE: readonly Kind[] = ['int', 'long'];
const NUMBER: readonly Kind[] = ['int', 'long', 'float', 'double'];

const KINDS: Readonly<Record<FieldRole, readonly Kind[]>> = {
  name: TEXT,
  labels: ['array'],
  type: ['enum'],
  unit: TEXT,
  timestamp: WHOLE,
  value: NUMBER,
  histogram: ['record'],
  exemplar: ['record'],
  startTime: WHOLE,
};

/** Throws `SCHEMA_MALFORMED`, `SCHEMA_INCOMPATIBLE`. */
export function planOf(schema: string): SamplePlan {
  const root = parseWriterSchema(schema);
  if (root.kind !== 'record' || root.name !== 'Sample') {
    const what = root.kind === 'record' ? `a record ${JSON.stringify(root.name)}` : `of kind ${root.kind}`;
    throw unreadable('SCHEMA_INCOMPATIBLE', `the writer's schema is ${what}, not a record "Sample"`);
  }
  const fields = plan(root, SAMPLE_ROLES, ['name', 'timestamp']);
  for (const { role, type } of fields) {
    if (role !== undefined && !canBe(type, KINDS[role])) {
      throw unreadable('SCHEMA_INCOMPATIBLE', `the field ${role} can be none of ${KINDS[role].join(', ')}`);
    }
  }
  return { fields };
}

/** A record inside a sample: the fields of it that mean something, and those it cannot lack. */
export class RecordShape<R extends string> {
  readonly #roles: readonly R[];
  readonly #needed: readonly R[];
  readonly #planned = new WeakMap<AvroRecord, readonly PlannedField<R>[]>();

  constructor(roles: readonly R[], needed: readonly R[]) {
    this.#roles = roles;
    this.#needed = needed;
  }

  /** How a writer's record is read as this one; made once. Throws `SCHEMA_INCOMPATIBLE`. */
  planOf(record: AvroRecord): readonly PlannedField<R>[] {
    const known = this.#planned.get(record);
    if (known) return known;
    const made = plan(record, this.#roles, this.#needed);
    this.#planned.set(record, made);
    return made;
  }
}

function plan<R extends string>(
  record: AvroRecord,
  roles: readonly R[],
  needed: readonly R[],
): readonly PlannedField<R>[] {
  for (const name of needed) {
    if (record.fields.some((field) => field.name === name)) continue;
    throw unreadable('SCHEMA_INCOMPATIBLE', `the record ${JSON.stringify(record.name)} has no field ${name}`);
  }
  return record.fields.map(({ name, type }) => ({ role: roles.find((role) => role === name), type }));
}

function canBe(type: AvroType, kinds: readonly Kind[]): boolean {
  if (type.kind === 'union') return type.branches.some((branch) => canBe(branch, kinds));
  return kinds.includes(type.kind);
}

/** METRIC_TYPES by a symbol of the writer's; one that we do not know is `unknown`. */
export function metricTypeOf(symbol: string): number {
  return Math.max(0, (METRIC_TYPES as readonly string[]).indexOf(symbol));
}

/** Milliseconds of a time as its schema counts it. */
export function toMilliseconds(value: number, logicalType: string | undefined): number {
  switch (logicalType) {
    case 'timestamp-micros':
    case 'local-timestamp-micros':
      return Math.floor(value / 1e3);
    case 'timestamp-nanos':
    case 'local-timestamp-nanos':
      return Math.floor(value / 1e6);
    default:
      return value;
  }
}
