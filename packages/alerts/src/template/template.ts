import { TidemarkError } from '@tidemark/base';
import { goFloat } from './go-float.ts';
import { checkGoTemplate } from './go-syntax.ts';

// The texts of labels and annotations with `{{ ... }}` in them, in the part of Go's template language that Tidemark fills in:
//
//   {{ $labels.instance }}  {{ .Labels.instance }}     a label of the alert; nothing when it has none
//   {{ $value }}  {{ .Value }}                         the expression's value
//   {{ $externalLabels.zone }}  {{ .ExternalLabels.zone }}  {{ $externalURL }}  {{ .ExternalURL }}
//   {{ "text" }}  {{ `text` }}  {{/* remark */}}        and {{- -}}, which eat the white space beside them
//
// Anything else that Go would accept is `TEMPLATE_UNSUPPORTED`, what Go would refuse is `TEMPLATE_INVALID`; both are found
// when the rule file is read, never when the alert fires.

export interface TemplateData {
  readonly labels: ReadonlyMap<string, string>;
  readonly value: number;
  readonly externalLabels: ReadonlyMap<string, string>;
  readonly externalUrl: string;
}

export type Template = (data: TemplateData) => string;

type Part = string | Template;

// An action is closed by }} outside of strings and remarks.
const ACTION =
  /\{\{(-(?=\s))?((?:\/\*[\s\S]*?\*\/|"(?:[^"\\\n]|\\.)*"|`[^`]*`|'(?:[^'\\\n]|\\.)*'|(?!\}\})[^"`'])*?)((?<=\s)-)?\}\}/g;

/** Throws `TEMPLATE_INVALID`, `TEMPLATE_UNSUPPORTED`. */
export function parseTemplate(text: string): Template {
  const parts: Part[] = [];
  const actions: string[] = [];
  let unsupported: string | undefined;
  let at = 0;
  let trimNext = false;
  const addText = (piece: string, trimEnd: boolean) => {
    if (piece.includes('{{')) throw invalid(text, 'unclosed action');
    let kept = trimNext ? piece.trimStart() : piece;
    if (trimEnd) kept = kept.trimEnd();
    if (kept !== '') parts.push(kept);
  };
  for (const match of text.matchAll(ACTION)) {
    const [whole, trimBefore, body, trimAfter] = match;
    addText(text.slice(at, match.index), trimBefore !== undefined);
    at = match.index + whole.length;
    trimNext = trimAfter !== undefined;
    const action = (body as string).trim();
    actions.push(action);
    const part = partOf(action);
    if (part === undefined) unsupported ??= action;
    else parts.push(part);
  }
  addText(text.slice(at), false);
  const fault = checkGoTemplate(actions);
  if (fault !== undefined) throw invalid(text, fault);
  if (unsupported !== undefined) {
    throw new TidemarkError(
      'TEMPLATE_UNSUPPORTED',
      `{{ ${unsupported} }} is not supported yet; {{ $labels.name }} and {{ $value }} are`,
      { action: unsupported },
    );
  }
  return (data) => parts.map((part) => (typeof part === 'string' ? part : part(data))).join('');
}

function partOf(action: string): Part | undefined {
  if (/^\/\*[\s\S]*\*\/$/.test(action)) return '';
  if (/^`[^`]*`$/.test(action)) return action.slice(1, -1);
  if (/^"(?:[^"\\]|\\["\\/bfnrt])*"$/.test(action)) return JSON.parse(action) as string;
  const named = /^(?:\$labels|\.Labels|\$externalLabels|\.ExternalLabels)\.([A-Za-z_][A-Za-z0-9_]*)$/.exec(action);
  if (named) {
    const name = named[1] as string;
    return action.includes('xternal')
      ? ({ externalLabels }) => externalLabels.get(name) ?? ''
      : ({ labels }) => labels.get(name) ?? '';
  }
  if (action === '$value' || action === '.Value') return ({ value }) => goFloat(value);
  if (action === '$externalURL' || action === '.ExternalURL') return ({ externalUrl }) => externalUrl;
  return undefined;
}

function invalid(text: string, why: string): TidemarkError {
  return new TidemarkError('TEMPLATE_INVALID', `the template ${JSON.stringify(text)} is invalid: ${why}`, { why });
}
