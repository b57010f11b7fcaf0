import { variableOf } from '../config/leaves.ts';
import { cell, REGENERATE } from './markdown.ts';

// docs/operating/configuration.md, made from the schema that checks the configuration.

/** What we use of JSON Schema. */
export interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  /** A default that differs from machine to machine, in words. */
  readonly defaultText?: string;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
}

export function configurationPage(schema: Schema): string {
  const sections: string[] = [];
  const top: (readonly [path: readonly string[], schema: Schema])[] = [];
  for (const [key, child] of Object.entries(schema.properties ?? {})) {
    if (child.properties) sections.push(section([key], child));
    else top.push([[key], child]);
  }
  return `# Configuration

One file, \`tidemark.yaml\` where Tidemark is started, or what \`TIDEMARK_CONFIG\` names. Every setting can be overridden by a variable of
the environment; lists are written there with commas or as JSON. \`tidemark config explain\` shows what is in force and why,
\`tidemark config schema\` prints a JSON Schema for editors. Unknown keys are errors with file, line and the nearest name. What a running
Tidemark takes over is said in [scraping.md](scraping.md#reloading).

${REGENERATE}

## At the top

${table(top)}

${sections.join('\n\n')}
`;
}

function section(path: readonly string[], schema: Schema): string {
  const leaves = leavesOf(path, schema);
  return `## ${path.join('.')}\n\n${schema.description ?? ''}\n\n${table(leaves)}${leaves.map(itemsOf).join('')}`;
}

function leavesOf(path: readonly string[], schema: Schema): (readonly [readonly string[], Schema])[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, child]) =>
    child.properties ? leavesOf([...path, key], child) : [[[...path, key], child] as const],
  );
}

function table(leaves: readonly (readonly [path: readonly string[], schema: Schema])[]): string {
  const rows = leaves.map(([path, schema]) => {
    return `| \`${path.join('.')}\` | ${defaultOf(schema)} | ${cell(meaning(schema))} | \`${variableOf(path)}\` |`;
  });
  return `| setting | default | meaning | variable |\n|---|---|---|---|\n${rows.join('\n')}`;
}

/** Of a list of mappings: the keys of each. */
function itemsOf([path, schema]: readonly [readonly string[], Schema]): string {
  const { properties } = schema.items ?? {};
  if (!properties) return '';
  const rows = Object.entries(properties).map(([key, item]) => {
    return `| \`${key}\` | ${defaultOf(item)} | ${cell(meaning(item))} |`;
  });
  return `\n\nEach of \`${path.join('.')}\`:\n\n| key | default | meaning |\n|---|---|---|\n${rows.join('\n')}`;
}

function defaultOf({ default: value, defaultText }: Schema): string {
  if (defaultText !== undefined) return defaultText;
  if (value === undefined) return 'required';
  if (value === '') return 'none';
  const text = `\`${cell(typeof value === 'string' ? value : JSON.stringify(value))}\``;
  return typeof value === 'number' && value >= MIB && value % MIB === 0 ? `${text} (${bytes(value)})` : text;
}

const MIB = 1024 * 1024;

function bytes(value: number): string {
  return value % (1024 * MIB) === 0 ? `${value / 1024 / MIB} GiB` : `${value / MIB} MiB`;
}

function meaning(schema: Schema): string {
  const values = schema.enum ?? schema.items?.enum;
  const { minimum, maximum, exclusiveMinimum } = schema;
  const bounds = [
    minimum === undefined ? '' : `at least ${minimum}`,
    exclusiveMinimum === undefined ? '' : `above ${exclusiveMinimum}`,
    maximum === undefined || maximum === Number.MAX_SAFE_INTEGER ? '' : `at most ${maximum}`,
  ].filter((text) => text !== '');
  return [
    schema.description ?? '',
    values ? `One of ${values.map((value) => `\`${value}\``).join(', ')}.` : '',
    bounds.length > 0 ? `${sentence(bounds.join(', '))}.` : '',
  ]
    .filter((text) => text !== '')
    .join(' ');
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
