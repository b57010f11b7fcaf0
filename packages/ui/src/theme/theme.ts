import { createTheme, type MantineColorsTuple } from '@mantine/core';

// The colour of water at the tide line, on slate. Shade 8 carries white text at better than 4.5:1.
const tide: MantineColorsTuple = [
  '#e4f6fa',
  '#ccebf2',
  '#9ad6e4',
  '#65c0d6',
  '#3cafc9',
  '#22a3c0',
  '#129dba',
  '#0089a4',
  '#007b95',
  '#006a82',
];

const slate: MantineColorsTuple = [
  '#d8dee6',
  '#b6c0cc',
  '#8f9bab',
  '#6b7889',
  '#4a5666',
  '#323d4a',
  '#232c37',
  '#171e27',
  '#10161d',
  '#0b0f15',
];

export const theme = createTheme({
  primaryColor: 'tide',
  primaryShade: { light: 8, dark: 8 },
  colors: { tide, dark: slate },
  defaultRadius: 'md',
  cursorType: 'pointer',
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif',
  fontFamilyMonospace: 'ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace',
  headings: { fontWeight: '650' },
});
