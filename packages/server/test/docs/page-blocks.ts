// What a page of documentation shows between fences.
//
//   ```sh run            runs once, must end with 0; a ```text block right behind it is what it prints
//   ```sh repeat         the same, again and again until it does (something else must happen first)
//   ```sh background     a program of the reader's, which listens on one of the page's ports until the page ends
//   ```sh serve          the server, started as the page says; again: stopped and started anew
//   ```yaml, js, python  a file of that name, where the first line is a comment with nothing but a name

export interface Block {
  /** `sh`, `yaml`, ...; empty where the fence says nothing. */
  readonly language: string;
  /** What stands behind the language. */
  readonly mark: string;
  readonly text: string;
  /** Of the opening fence, from 1. */
  readonly line: number;
  /** Name of the file that the block is. */
  readonly file: string | undefined;
  /** The text block right behind it: what is printed. */
  readonly prints: string | undefined;
}

const FENCE = /^```([\w-]*)[ \t]*([^\n]*)\n([\s\S]*?)^```[ \t]*$/gm;
const FILE_LINE = /^(?:#|\/\/) ((?:[\w-]+\/)*[\w-]+(?:\.[\w-]+)+)\n/;

export function blocksOf(page: string): Block[] {
  const found = [...page.matchAll(FENCE)];
  return found.map((match, i) => {
    const [all, language = '', mark = '', text = ''] = match;
    const next = found[i + 1];
    const between = next === undefined ? 'none' : page.slice(match.index + all.length, next.index);
    const prints = next?.[1] === 'text' && between.trim() === '' ? next[3] : undefined;
    return {
      language,
      mark: mark.trim(),
      text,
      line: page.slice(0, match.index).split('\n').length,
      file: FILE_LINE.exec(text)?.[1],
      prints,
    };
  });
}

/**
 * Whether `printed` is what the page says: numbers may be others, blanks as many as they like, `...` stands for anything
 * within a line, and a line of only `...` for any lines.
 */
export function printsAsSaid(said: string, printed: string): boolean {
  const pattern = linesOf(said)
    .map((line) => (line === '...' ? '(?:.*\\n)*' : `${line.split('...').map(escaped).join('.*')}\\n`))
    .join('');
  return new RegExp(`^${pattern}$`).test(linesOf(printed).join('\n').concat('\n'));
}

function linesOf(text: string): string[] {
  return text
    .split('\n')
    .map((line) =>
      line
        .replace(/[-+]?\d+(\.\d+)?(e[-+]?\d+)?/g, '#')
        .replace(/-{3,}/g, '---')
        .replace(/[▁▂▃▄▅▆▇█]+/g, '▁')
        .replace(/\s+/g, ' ')
        .trim(),
    )
    .filter((line) => line !== '');
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
