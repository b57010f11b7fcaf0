import { unreadable } from './errors.ts';

// A schema as its writer registered it, as a tree that bytes can be walked by. Names become objects here once and are never
// used as keys of plain objects or in code again: a field may be called `constructor` or `__proto__`.
//
//   "long"                          { kind: 'long' }
//   ["null", "double"]              { kind: 'union', branches: [null, double] }
//   {"type": "record", ...}         { kind: 'record', name, fields: [{ name, type }] }    a name used again is the same object

export type AvroType =
  | { readonly kind: 'null' | 'boolean' | 'float' | 'double' | 'bytes' | 'string' }
  | { readonly kind: 'int' | 'long'; readonly logicalType: string | undefined }
  | { readonly kind: 'fixed'; readonly size: number }
  | { readonly kind: 'enum'; readonly symbols: readonly string[] }
  | { readonly kind: 'array' | 'map'; readonly items: AvroType }
  | { readonly kind: 'union'; readonly branches: readonly AvroType[] }
  | AvroRecord;

export interface AvroRecord {
  readonly kind: 'record';
  /** Without namespace. */
  readonly name: string;
  readonly fields: readonly AvroField[];
}

export interface AvroField {
  readonly name: string;
  readonly type: AvroType;
}

// 256 KiB and 2,000: the schema of samples has 6 KB and 40 types, and every type is walked for every record.
export const SCHEMA_TEXT_MAX = 256 * 1024;
const TYPES_MAX = 2000;
const DEPTH_MAX = 32;

const PRIMITIVES = new Set(['null', 'boolean', 'float', 'double', 'bytes', 'string']);

/** Throws `SCHEMA_MALFORMED`. */
export function parseWriterSchema(text: string): AvroType {
  if (text.length > SCHEMA_TEXT_MAX) {
    throw unreadable('SCHEMA_MALFORMED', `a schema of ${text.length} characters; the limit is ${SCHEMA_TEXT_MAX}`);
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw unreadable('SCHEMA_MALFORMED', `no JSON: ${JSON.stringify(text.slice(0, 80))}`, cause);
  }
  return new SchemaParser().type(json, '', 0);
}

class SchemaParser {
  readonly #named = new Map<string, AvroType>();
  #types = 0;

  type(json: unknown, namespace: string, depth: number): AvroType {
    if (++this.#types > TYPES_MAX) throw malformed(`more than ${TYPES_MAX} types`);
    if (depth > DEPTH_MAX) throw malformed(`types inside types more than ${DEPTH_MAX} deep`);
    if (typeof json === 'string') return this.#byName(json, namespace);
    if (Array.isArray(json)) {
      return { kind: 'union', branches: json.map((each: unknown) => this.type(each, namespace, depth + 1)) };
    }
    if (typeof json !== 'object' || json === null) throw malformed(`${JSON.stringify(json)} where a type should be`);
    return this.#complex(json as Readonly<Record<string, unknown>>, namespace, depth);
  }

  #byName(name: string, namespace: string): AvroType {
    if (PRIMITIVES.has(name)) return { kind: name as 'null' };
    if (name === 'int' || name === 'long') return { kind: name, logicalType: undefined };
    const found = this.#named.get(qualified(name, namespace)) ?? this.#named.get(name);
    if (found) return found;
    throw malformed(`the type ${shown(name)} is not defined (references to other schemas are not followed)`);
  }

  #complex(json: Readonly<Record<string, unknown>>, namespace: string, depth: number): AvroType {
    const { type } = json;
    switch (type) {
      case 'int':
      case 'long':
        return { kind: type, logicalType: typeof json['logicalType'] === 'string' ? json['logicalType'] : undefined };
      case 'array':
        return { kind: type, items: this.type(json['items'], namespace, depth + 1) };
      case 'map':
        return { kind: type, items: this.type(json['values'], namespace, depth + 1) };
      case 'record':
      case 'error':
        return this.#record(json, namespace, depth);
      case 'enum': {
        const symbols = listOf(json['symbols'], 'symbols');
        if (!symbols.every((each) => typeof each === 'string')) throw malformed('an enum whose symbols are no texts');
        return this.#define(json, namespace, { kind: type, symbols: symbols as string[] });
      }
      case 'fixed': {
        const { size } = json;
        if (!Number.isSafeInteger(size) || (size as number) < 0) throw malformed('a fixed without a size');
        return this.#define(json, namespace, { kind: type, size: size as number });
      }
      default:
        return this.type(type, namespace, depth + 1);
    }
  }

  #record(json: Readonly<Record<string, unknown>>, namespace: string, depth: number): AvroType {
    const fullName = nameOf(json, namespace);
    const fields: AvroField[] = [];
    const record = this.#define(json, namespace, { kind: 'record', name: unqualified(fullName), fields });
    const inside = fullName.slice(0, Math.max(0, fullName.lastIndexOf('.')));
    const names = new Set<string>();
    for (const field of listOf(json['fields'], 'fields')) {
      const { name, type } = (field ?? {}) as { name?: unknown; type?: unknown };
      if (typeof name !== 'string' || names.has(name)) throw malformed('a field without a name of its own');
      names.add(name);
      fields.push({ name, type: this.type(type, inside, depth + 1) });
    }
    return record;
  }

  #define<T extends AvroType>(json: Readonly<Record<string, unknown>>, namespace: string, type: T): T {
    const name = nameOf(json, namespace);
    if (this.#named.has(name)) throw malformed(`the type ${shown(name)} is defined twice`);
    this.#named.set(name, type);
    return type;
  }
}

function nameOf(json: Readonly<Record<string, unknown>>, outer: string): string {
  const { name, namespace } = json;
  if (typeof name !== 'string' || name === '') throw malformed('a type without a name');
  return qualified(name, typeof namespace === 'string' ? namespace : outer);
}

function qualified(name: string, namespace: string): string {
  return name.includes('.') || namespace === '' ? name : `${namespace}.${name}`;
}

function unqualified(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1);
}

function listOf(value: unknown, what: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw malformed(`${what} that are no list`);
}

function shown(name: string): string {
  return JSON.stringify(name.slice(0, 100));
}

function malformed(what: string) {
  return unreadable('SCHEMA_MALFORMED', `no Avro schema: ${what}`);
}
