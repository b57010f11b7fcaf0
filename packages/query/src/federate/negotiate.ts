import { ESCAPINGS, type Escaping } from './escape-name.ts';

// What a reader asks for in `Accept`, as far as federation speaks it: text, version 0.0.4 or, for names of any characters,
// 1.0.0. Prometheus' federation does not write OpenMetrics either.

export interface TextFormat {
  readonly contentType: string;
  readonly escaping: Escaping;
}

export function negotiate(accept: string | undefined): TextFormat {
  for (const { type, parameters } of byPreference(accept ?? '')) {
    if (type !== 'text/plain') continue;
    const version = parameters.get('version') ?? '0.0.4';
    if (version !== '0.0.4' && version !== '1.0.0') continue;
    const asked = parameters.get('escaping');
    const escaping = ESCAPINGS.find((candidate) => candidate === asked) ?? 'underscores';
    return format(version, escaping);
  }
  return format('0.0.4', 'underscores');
}

function format(version: string, escaping: Escaping): TextFormat {
  return { contentType: `text/plain; version=${version}; charset=utf-8; escaping=${escaping}`, escaping };
}

function byPreference(accept: string) {
  const media = accept.split(',').map((item) => {
    const [type = '', ...rest] = item.split(';').map((part) => part.trim());
    const parameters = new Map(
      rest.map((part) => {
        const [name = '', value = ''] = part.split('=', 2);
        return [name.trim().toLowerCase(), value.trim().replace(/^"(.*)"$/, '$1')] as const;
      }),
    );
    return { type: type.toLowerCase(), parameters, quality: Number(parameters.get('q') ?? 1) };
  });
  return media.filter(({ quality }) => quality > 0).sort((a, b) => b.quality - a.quality);
}
