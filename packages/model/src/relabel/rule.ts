import { TidemarkError } from '@tidemark/base';
import type { RE2JS } from 're2js';
import { compileRegex } from '../matcher.ts';

// One step of Prometheus' relabelling, checked and compiled.
//
//   source_labels: [a, b]  --join with separator-->  "x;y"  --regex, whole-->  $1 $2 ...  --replacement-->  target_label
//
// Which of these parts an action uses differs; a part it would ignore is refused, as it is never what somebody meant.

export const RELABEL_ACTIONS = [
  'replace',
  'keep',
  'drop',
  'hashmod',
  'labelmap',
  'labeldrop',
  'labelkeep',
  'lowercase',
  'uppercase',
  'keepequal',
  'dropequal',
] as const;
export type RelabelAction = (typeof RELABEL_ACTIONS)[number];

/** As a configuration has it; what is left out has Prometheus' default. */
export interface RelabelSpec {
  readonly action?: string;
  readonly sourceLabels?: readonly string[];
  readonly separator?: string;
  readonly regex?: string;
  readonly modulus?: number;
  readonly targetLabel?: string;
  readonly replacement?: string;
}

export interface RelabelRule {
  readonly action: RelabelAction;
  readonly sourceLabels: readonly string[];
  readonly separator: string;
  readonly regex: RE2JS;
  /** Above 0 for hashmod. */
  readonly modulus: number;
  readonly targetLabel: string;
  readonly replacement: string;
}

const SEPARATOR = ';';
const REGEX = '(.*)';
const REPLACEMENT = '$1';
const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
// A name, or pieces of one with $1, ${1}, $name or ${name} between.
const LABEL_TEMPLATE = /^(?:[a-zA-Z_]|\$(?:\{\w+\}|\w+))(?:\w|\$(?:\{\w+\}|\w+))*$/;

/** What each action makes of the parts besides `source_labels`: any other that is set is refused. */
const USES: Readonly<Record<RelabelAction, readonly (keyof RelabelSpec)[]>> = {
  replace: ['sourceLabels', 'separator', 'regex', 'targetLabel', 'replacement'],
  keep: ['sourceLabels', 'separator', 'regex', 'targetLabel', 'replacement'],
  drop: ['sourceLabels', 'separator', 'regex', 'targetLabel', 'replacement'],
  hashmod: ['sourceLabels', 'separator', 'regex', 'modulus', 'targetLabel', 'replacement'],
  labelmap: ['sourceLabels', 'separator', 'regex', 'targetLabel', 'replacement'],
  labeldrop: ['regex'],
  labelkeep: ['regex'],
  lowercase: ['sourceLabels', 'separator', 'regex', 'targetLabel'],
  uppercase: ['sourceLabels', 'separator', 'regex', 'targetLabel'],
  keepequal: ['sourceLabels', 'targetLabel'],
  dropequal: ['sourceLabels', 'targetLabel'],
};
const DEFAULTS: Readonly<Record<string, string>> = { separator: SEPARATOR, regex: REGEX, replacement: REPLACEMENT };
const NEEDS_TARGET: readonly RelabelAction[] = [
  'replace',
  'hashmod',
  'lowercase',
  'uppercase',
  'keepequal',
  'dropequal',
];
const WRITTEN: Readonly<Record<keyof RelabelSpec, string>> = {
  action: 'action',
  sourceLabels: 'source_labels',
  separator: 'separator',
  regex: 'regex',
  modulus: 'modulus',
  targetLabel: 'target_label',
  replacement: 'replacement',
};

/** Checks and compiles. Throws `RELABEL_INVALID`; details.field is the part as configurations write it. */
export function relabelRule(spec: RelabelSpec): RelabelRule {
  const action = actionOf(spec.action ?? 'replace');
  const targetLabel = spec.targetLabel ?? '';
  const replacement = spec.replacement ?? REPLACEMENT;
  const modulus = spec.modulus ?? 0;
  refuseUnused(action, spec);
  if (action === 'hashmod' && !(Number.isSafeInteger(modulus) && modulus > 0)) {
    throw invalid('modulus', 'hashmod needs a modulus, a whole number above 0');
  }
  if (NEEDS_TARGET.includes(action) && targetLabel === '') {
    throw invalid('targetLabel', `${action} needs a target_label`);
  }
  const mayBeTemplate = action === 'replace';
  if (NEEDS_TARGET.includes(action) && !(mayBeTemplate ? LABEL_TEMPLATE : LABEL_NAME).test(targetLabel)) {
    throw invalid('targetLabel', `${JSON.stringify(targetLabel)} is no label name`);
  }
  if (action === 'labelmap' && !LABEL_TEMPLATE.test(replacement)) {
    throw invalid('replacement', `${JSON.stringify(replacement)} makes no label name, as labelmap needs it`);
  }
  for (const name of spec.sourceLabels ?? []) {
    if (name === '') throw invalid('sourceLabels', 'a label has an empty name');
  }
  return {
    action,
    sourceLabels: spec.sourceLabels ?? [],
    separator: spec.separator ?? SEPARATOR,
    regex: compiled(spec.regex ?? REGEX),
    modulus,
    targetLabel,
    replacement,
  };
}

function actionOf(text: string): RelabelAction {
  const action = RELABEL_ACTIONS.find((known) => known === text.toLowerCase());
  if (action) return action;
  throw invalid('action', `${JSON.stringify(text)} is no relabel action; actions are ${RELABEL_ACTIONS.join(', ')}`);
}

function refuseUnused(action: RelabelAction, spec: RelabelSpec): void {
  for (const part of Object.keys(WRITTEN) as (keyof RelabelSpec)[]) {
    if (part === 'action' || spec[part] === undefined || USES[action].includes(part)) continue;
    if (spec[part] === DEFAULTS[part] || (part === 'modulus' && spec.modulus === 0)) continue;
    throw invalid(part, `${action} takes no ${WRITTEN[part]}: leave it out`);
  }
}

function compiled(regex: string): RE2JS {
  try {
    return compileRegex(regex, 'a relabel rule');
  } catch (cause) {
    throw invalid('regex', cause instanceof Error ? cause.message : String(cause));
  }
}

function invalid(part: keyof RelabelSpec, what: string): TidemarkError {
  return new TidemarkError('RELABEL_INVALID', what, { field: WRITTEN[part] });
}
