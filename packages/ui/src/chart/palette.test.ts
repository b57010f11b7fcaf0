import { expect, test } from 'vitest';
import { hue, type Scheme, seriesColor, withAlpha } from './palette.ts';

/** Relative luminance by WCAG 2, of #rrggbb. */
function luminance(color: string): number {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(color.slice(at, at + 2), 16) / 255;
    return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a: string, b: string): number {
  const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

test.each<[Scheme, string]>([
  ['light', '#ffffff'],
  ['dark', '#151c24'],
])('every %s hue stands out from its card by 3:1', (scheme, card) => {
  const faint = Object.values(hue).filter((index) => contrast(seriesColor(index, scheme), card) < 3);
  expect(faint).toEqual([]);
});

test('hues are distinct and repeat after the last', () => {
  const count = Object.keys(hue).length;
  expect(new Set(Array.from({ length: count }, (_, i) => seriesColor(i, 'light'))).size).toBe(count);
  expect(seriesColor(count, 'light')).toBe(seriesColor(0, 'light'));
});

test('opacity is appended as two hex digits', () => {
  expect([withAlpha('#112233', 0), withAlpha('#112233', 0.02), withAlpha('#112233', 1)]).toEqual([
    '#11223300',
    '#11223305',
    '#112233ff',
  ]);
});
