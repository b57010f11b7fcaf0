// Series colours. Twelve hues, ordered so that neighbours differ most, in a darker set for white and a lighter for black:
// each has at least 3:1 contrast with the card behind it. Beyond twelve the hues repeat.

export type Scheme = 'light' | 'dark';

const light = [
  '#0b7fab',
  '#e8590c',
  '#2b8a3e',
  '#9c36b5',
  '#d6336c',
  '#5f6fd8',
  '#a86a00',
  '#0c8577',
  '#c92a2a',
  '#6741d9',
  '#5c7f10',
  '#68727d',
] as const;
const dark = [
  '#4cc3ea',
  '#ff9f56',
  '#6bd48a',
  '#d58bec',
  '#ff86b0',
  '#9aa8ff',
  '#ffcf4d',
  '#4fd6c3',
  '#ff8f8f',
  '#b59dff',
  '#b8dc62',
  '#aab4c0',
] as const;

/** Hues by name, for series that mean the same everywhere (user time is always the same blue). */
export const hue = {
  blue: 0,
  orange: 1,
  green: 2,
  purple: 3,
  pink: 4,
  indigo: 5,
  amber: 6,
  teal: 7,
  red: 8,
  violet: 9,
  lime: 10,
  gray: 11,
} as const;

export function seriesColor(index: number, scheme: Scheme): string {
  const colors = scheme === 'dark' ? dark : light;
  return colors[index % colors.length] as string;
}

/** `#rrggbb` with an opacity, as `#rrggbbaa`. */
export function withAlpha(color: string, opacity: number): string {
  return (
    color +
    Math.round(opacity * 255)
      .toString(16)
      .padStart(2, '0')
  );
}

/** What is drawn around the series. */
export const chartInk: Record<Scheme, { readonly text: string; readonly grid: string }> = {
  light: { text: '#5b6673', grid: '#e8ecf0' },
  dark: { text: '#97a3b2', grid: '#27303b' },
};
