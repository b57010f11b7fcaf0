/** What stands on every page that is made from code. */
export const REGENERATE =
  '<!-- Made by `npm run docs` from the code: change it there. A test compares. -->\n\nThis page is made by `npm run docs`.';

/** Text inside a table. */
export function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}
