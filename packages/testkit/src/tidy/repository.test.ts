import { expect, test } from 'vitest';
import { importsOf, withoutComments } from './repository.ts';

// Spelled in two pieces, so that the tidy tests do not take these strings for imports of this file.
const dynamic = 'import'.concat('(');

test('every form of import is seen', () => {
  const lines = [
    "import { a } from './a.ts';",
    'import type { B } from "b";',
    "import 'side-effect';",
    "export { c } from '@tidemark/c';",
    "export * from './d.ts';",
    `const e = await ${dynamic}'e');`,
    `type F = ${dynamic}'f').F;`,
    'import {',
    '  long,',
    "} from 'g';",
    "export const h = 'no import';",
    "const i = Array.from('i');",
  ];
  expect(importsOf(lines.join('\n'))).toEqual(['./a.ts', 'b', 'side-effect', '@tidemark/c', './d.ts', 'e', 'f', 'g']);
});

test('an import in a comment is none', () => {
  const lines = ["// import { a } from 'a';", '/*', "import 'b'", '*/', "const url = 'http://x';", "import 'c';"];
  expect(importsOf(lines.join('\n'))).toEqual(['c']);
});

test('comments go, lines stay', () => {
  expect(withoutComments('a // b\n/* c\nd */ e')).toBe('a     \n    \n     e');
});
