// Names in addresses: `U__my_2e_name` is `my.name` (Prometheus' UTF-8 escaping): `__` is `_`, `_2e_` is the code point.

/** The name an address means; one that is no valid escape is taken as it stands. */
export function unescapeName(name: string): string {
  if (!name.startsWith('U__')) return name;
  const escaped = name.slice(3);
  let out = '';
  for (let i = 0; i < escaped.length; i++) {
    if (escaped[i] !== '_') {
      out += escaped[i];
      continue;
    }
    if (escaped[i + 1] === '_') {
      out += '_';
      i++;
      continue;
    }
    const match = /^_([0-9a-fA-F]{1,6})_/.exec(escaped.slice(i));
    const codePoint = match ? Number.parseInt(match[1] as string, 16) : Number.NaN;
    if (!match || !(codePoint <= 0x10ffff) || (codePoint >= 0xd800 && codePoint <= 0xdfff)) return name;
    out += String.fromCodePoint(codePoint);
    i += match[0].length - 1;
  }
  return out;
}
