import { isTidemarkError, messageOf } from '@tidemark/base';
import { compileRegex, type Matcher } from '@tidemark/model';
import { parseMatchers } from '../../notifier/config/matcher-text.ts';
import { ApiRefusal } from './refusal.ts';

// The parameters `filter` and `receiver` of lists.

/** All of them together. Throws `ApiRefusal`. */
export function readFilter(texts: readonly string[]): readonly Matcher[] {
  try {
    return texts.flatMap((text) => parseMatchers(text));
  } catch (error) {
    if (!isTidemarkError(error)) throw error;
    throw new ApiRefusal(400, messageOf(error));
  }
}

/** A label that is not there is taken as '', but for `!=""` and `=""`, which ask whether it is there. */
export function passes(filter: readonly Matcher[], values: ReadonlyMap<string, string>): boolean {
  return filter.every((one) => {
    const isThere = values.has(one.name);
    const isPositive = one.type === '=' || one.type === '=~';
    if (one.value === '' && isPositive !== isThere) return true;
    return one.matches(values.get(one.name) ?? '');
  });
}

/** Whether a receiver's name matches all of a regex; undefined: any. Throws `ApiRefusal`. */
export function readReceiver(regex: string | undefined): (name: string) => boolean {
  if (regex === undefined || regex === '') return () => true;
  try {
    const compiled = compileRegex(regex, 'receiver');
    return (name) => compiled.matches(name);
  } catch (error) {
    throw new ApiRefusal(400, `failed to parse receiver param: ${messageOf(error)}`);
  }
}
