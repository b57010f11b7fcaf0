// Names that old readers do not know (anything beyond A-Z a-z 0-9 _ :) as ones they do. Readers say how in `Accept`.
//
//   my.metric_name   underscores  my_metric_name
//                    dots         my_dot_metric__name
//                    values       U__my_2e_metric__name
//                    allow-utf-8  {"my.metric_name"}          as it is, quoted

export const ESCAPINGS = ['allow-utf-8', 'underscores', 'dots', 'values'] as const;
export type Escaping = (typeof ESCAPINGS)[number];

const PLAIN = /^[A-Za-z_:][A-Za-z0-9_:]*$/;

/** Whether a name needs no quotes. */
export function isPlainName(name: string): boolean {
  return PLAIN.test(name);
}

export function escapeName(name: string, escaping: Escaping): string {
  if (escaping === 'allow-utf-8' || name === '') return name;
  // Dots: the underscore itself is written otherwise, so even a plain name changes.
  if (escaping !== 'dots' && isPlainName(name)) return name;
  let out = escaping === 'values' ? 'U__' : '';
  let isFirst = true;
  for (const character of name) {
    out += escaped(character, isFirst, escaping);
    isFirst = false;
  }
  return out;
}

function escaped(character: string, isFirst: boolean, escaping: Exclude<Escaping, 'allow-utf-8'>): string {
  const plain = (isFirst ? /[A-Za-z_:]/ : /[A-Za-z0-9_:]/).test(character);
  switch (escaping) {
    case 'underscores':
      return plain ? character : '_';
    case 'dots':
      if (character === '_') return '__';
      if (character === '.') return '_dot_';
      return plain ? character : '__';
    case 'values':
      if (character === '_') return '__';
      return plain ? character : `_${(character.codePointAt(0) as number).toString(16)}_`;
  }
}
