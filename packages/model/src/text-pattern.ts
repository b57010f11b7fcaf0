import { TidemarkError } from '@tidemark/base';
import { RE2JS } from 're2js';

// A regex by RE2's rules that is looked for anywhere in a text, as Go's regexp package does it (matchers and relabelling are
// anchored instead: matcher.ts).

export interface TextPattern {
  /** Whether it is found. */
  test(text: string): boolean;
  /**
   * Every place where it is found, replaced: `$1`, `${1}`, `$name`, `${name}` are what a group found, `$$` is a dollar.
   * Throws `PATTERN_RESULT_TOO_LONG` before the result has more than `charsMax` characters.
   */
  replaceAll(text: string, template: string, charsMax: number): string;
}

/** Throws `PATTERN_INVALID` with RE2's reason. */
export function textPattern(regex: string): TextPattern {
  const compiled = compile(regex);
  return {
    test: (text) => compiled.matcher(text).find(),
    replaceAll: (text, template, charsMax) => replaceAll(compiled, text, template, charsMax),
  };
}

function compile(regex: string): RE2JS {
  try {
    return RE2JS.compile(regex);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TidemarkError('PATTERN_INVALID', `error parsing regexp: ${reason}`, { regex }, cause);
  }
}

function replaceAll(regex: RE2JS, text: string, template: string, charsMax: number): string {
  const found = regex.matcher(text);
  const named = regex.namedGroups();
  const groupText = (name: string): string => {
    const index = /^\d+$/.test(name) ? Number(name) : Object.hasOwn(named, name) ? (named[name] as number) : -1;
    return index < 0 || index > regex.groupCount() ? '' : (found.group(index) ?? '');
  };
  let out = '';
  let at = 0;
  let lastEnd = -1;
  while (found.find()) {
    const [start, end] = [found.start(), found.end()];
    // Nothing found right behind something found is no place of its own.
    if (start === end && start === lastEnd) continue;
    out += text.slice(at, start);
    out += template.replace(/\$(?:\$|\{(\w+)\}|(\w+))/g, (whole, braced?: string, bare?: string) =>
      whole === '$$' ? '$' : groupText(braced ?? bare ?? ''),
    );
    at = end;
    lastEnd = end;
    if (out.length > charsMax) {
      throw new TidemarkError('PATTERN_RESULT_TOO_LONG', `the replaced text has more than ${charsMax} characters`, {
        charsMax,
      });
    }
  }
  return out + text.slice(at);
}
