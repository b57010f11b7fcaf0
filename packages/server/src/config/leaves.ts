import type { z } from 'zod';
import { CONFIG_SCHEMA } from './schema.ts';

// The schema as a flat list: every leaf with its path, its environment variable and what it means.

export interface Leaf {
  readonly path: readonly string[];
  /** `TIDEMARK_HTTP_LISTEN` for `http.listen`. */
  readonly variable: string;
  readonly about: string;
  /** `string`, `number`, `boolean`, `array`, `record`: how an environment variable's text is read. */
  readonly kind: string;
}

export const LEAVES: readonly Leaf[] = leavesOf(CONFIG_SCHEMA, []);

function leavesOf(schema: z.ZodType, path: readonly string[]): Leaf[] {
  const inner = unwrap(schema);
  if (inner.def.type === 'object') {
    const shape = (inner as z.ZodObject).shape as Record<string, z.ZodType>;
    return Object.entries(shape).flatMap(([key, child]) => leavesOf(child, [...path, key]));
  }
  return [{ path, variable: variableOf(path), about: schema.description ?? '', kind: inner.def.type }];
}

/** Takes off defaults, prefaults and transforms. */
function unwrap(schema: z.ZodType): z.ZodType {
  const def = schema.def as { type: string; innerType?: z.ZodType; in?: z.ZodType };
  if ((def.type === 'default' || def.type === 'prefault') && def.innerType) return unwrap(def.innerType);
  if (def.type === 'pipe' && def.in) return unwrap(def.in);
  return schema;
}

export function variableOf(path: readonly string[]): string {
  return `TIDEMARK_${path.map((part) => part.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toUpperCase()).join('_')}`;
}
